package app

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/progress"
)

func TestTheLogTellsWhenABatchStartsPausesAndEndsWithItsFigures(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	started := time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)
	b := batch.Batch{ID: "b1", Name: "Miller account", Status: batch.Draft}
	counts := batch.Counts{Completed: 2, Failed: 1, Rows: 31, Calls: 4, Tokens: 900}
	j := newJournal(slog.New(slog.NewTextHandler(&out, nil)), func() []progress.Overview { return []progress.Overview{{Batch: &b, Counts: counts}} })
	tell := func(status batch.Status) {
		b.Status = status
		told := b
		j.see(batch.Change{ID: b.ID, Batch: &told})
		j.see(batch.Change{ID: b.ID, Batch: &told}) // another change of the same batch
		j.see(batch.Change{ID: b.ID, N: 1, Image: &batch.Image{}})
	}
	tell(batch.Draft)
	b.Order, b.Started = []int{1, 2, 3}, started
	tell(batch.Processing)
	b.Pause = batch.PausedByUser
	tell(batch.Paused)
	tell(batch.Processing)
	b.Ended = started.Add(90 * time.Second)
	tell(batch.Completed)
	j.see(batch.Change{ID: b.ID, Gone: true})
	tell(batch.Completed) // seen for the first time, as after a start of the program
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	want := []string{
		"status=processing before=draft images=3", "status=paused before=processing images=3 why=user", "status=processing before=paused images=3",
		"status=completed before=processing images=3 completed=2 failed=1 canceled=0 rows=31 calls=4 tokens=900 usd=0 took=1m30s",
	}
	if len(lines) != len(want) || strings.Contains(out.String(), "Miller") {
		t.Fatalf("the log is\n%s", out.String())
	}
	for i, line := range lines {
		if !strings.HasSuffix(line, `msg="a batch changed" batch=b1 `+want[i]) {
			t.Errorf("line %d is %s", i+1, line)
		}
	}
}
