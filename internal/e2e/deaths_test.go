package e2e_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sheetlift/internal/engine/gemini/simulator"
	"sheetlift/internal/fault"
)

var deathSeeds = flag.Int("deaths", 0, "seeds of the tests that kill the program over 80 pictures; 0 is one over fewer pictures")

// mortal is the program reading a batch, that dies again and again.
type mortal struct {
	program string
	environ []string
	id      string

	cmd  *exec.Cmd
	p    *process
	gone chan struct{} // closed when the process is no more
}

// birth starts the program on n sheets, so many at once.
func birth(t *testing.T, program string, images, atOnce int, environ ...string) *mortal {
	t.Helper()
	gemini, keys := fake(t, 6, 150*time.Millisecond)
	for i := range 6 {
		gemini.SetKey(simulator.Key{Value: fmt.Sprintf("%s-%d", canary, i+1), Label: fmt.Sprintf("key %d", i+1), Latency: 150 * time.Millisecond, Jitter: 0.8})
	}
	m := &mortal{program: program, environ: append(append(keys, environ...), "SHEETLIFT_DATA="+filepath.Join(t.TempDir(), "data"))}
	m.start(t)
	code, started := m.p.post(t, fmt.Sprintf("?max_concurrent=%d", atOnce), sheets(images))
	if code != http.StatusOK {
		t.Fatalf("%d: %v", code, started)
	}
	m.id = started["job_id"].(string)
	return m
}

func (m *mortal) start(t *testing.T) {
	t.Helper()
	m.cmd, m.p = childOf(t, m.program, m.environ...)
	m.gone = make(chan struct{})
	go func(cmd *exec.Cmd, gone chan struct{}) { _ = cmd.Wait(); close(gone) }(m.cmd, m.gone) // ends with the process
}

// dies kills the process after d and starts another.
func (m *mortal) dies(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-m.gone:
		t.Fatalf("it died before it was killed: %s", tail(m.p.log))
	}
	_ = m.cmd.Process.Kill()
	<-m.gone
	m.start(t)
}

// outcome is how many images ended how, once all have; of a process that dies by itself it counts the deaths.
func (m *mortal) outcome(t *testing.T) (completed, failed, deaths int) {
	t.Helper()
	client := &http.Client{Timeout: 5 * time.Second}
	for deadline := time.After(2 * time.Minute); ; {
		select {
		case <-m.gone:
			deaths++
			m.start(t)
		case <-deadline:
			t.Fatalf("after two minutes it has not ended: %s", tail(m.p.log))
		case <-time.After(50 * time.Millisecond):
		}
		var status struct {
			Status    string `json:"status"`
			Completed int    `json:"completed_images"`
			Failed    int    `json:"failed_images"`
		}
		res, err := client.Get(m.p.url + "/batch-status/" + m.id)
		if err != nil {
			continue // it died while it answered
		}
		err = json.NewDecoder(res.Body).Decode(&status)
		_ = res.Body.Close()
		if err == nil && (status.Status == "completed" || status.Status == "failed") {
			return status.Completed, status.Failed, deaths
		}
	}
}

// scale is how many seeds and pictures these tests take.
func scale() (seeds, images, kills int) {
	if *deathSeeds > 0 {
		return *deathSeeds, 80, 8
	}
	return 1, 16, 3
}

func TestEveryPictureIsReadHoweverOftenTheProgramIsKilled(t *testing.T) {
	t.Parallel()
	expectWarnings(t, killed, poison)
	seeds, images, kills := scale()
	program := crashProgram(t)
	for seed := range seeds {
		rng := rand.New(rand.NewPCG(uint64(seed), 50))
		m := birth(t, program, images, 5)
		for range kills {
			m.dies(t, time.Duration(rng.Int64N(int64(500*time.Millisecond))))
		}
		completed, failed, _ := m.outcome(t)
		t.Logf("seed %d: %d pictures, 5 at once, %d kills at random moments: %d completed, %d failed", seed, images, kills, completed, failed)
		if completed != images {
			t.Errorf("seed %d: %d of %d were completed", seed, completed, images)
		}
		checkRows(t, m.p.workbook(t, m.id), wantRows(images))
		_ = m.cmd.Process.Kill()
		<-m.gone
	}
	if *deathSeeds == 0 {
		return
	}
	for _, atOnce := range []int{5, 24, 64} {
		m := birth(t, program, images, atOnce)
		for range 3 {
			m.dies(t, 500*time.Millisecond)
		}
		completed, failed, _ := m.outcome(t)
		t.Logf("%d pictures, %d at once, three kills half a second apart: %d completed, %d failed", images, atOnce, completed, failed)
		if failed != 0 || completed != images {
			t.Errorf("%d at once: %d completed, %d failed", atOnce, completed, failed)
		}
		_ = m.cmd.Process.Kill()
		<-m.gone
	}
}

func TestAPictureThatStopsTheProgramIsTheOnlyOneSetAside(t *testing.T) {
	t.Parallel()
	expectWarnings(t, killed, poison, crashOrder)
	seeds, images, _ := scale()
	program := crashProgram(t)
	for seed := range seeds {
		sheet := 1 + rand.New(rand.NewPCG(uint64(seed), 51)).IntN(images)
		m := birth(t, program, images, 5, fault.Poison+"="+only(t, sheet, images))
		completed, failed, deaths := m.outcome(t)
		t.Logf("seed %d: one poison among %d pictures, 5 at once: %d completed, %d failed after %d deaths", seed, images, completed, failed, deaths)
		if completed != images-1 || failed != 1 || deaths > 3 {
			t.Errorf("seed %d: %d completed, %d failed after %d deaths", seed, completed, failed, deaths)
		}
		result := m.p.results(t, m.id)[sheet-1]
		if said := fmt.Sprint(result["error_message"]); !strings.Contains(said, "set aside") {
			t.Errorf("the poison says %v", result)
		}
		_ = m.cmd.Process.Kill()
		<-m.gone
	}
}

// only is a text that stands on one of the sheets and on no other.
func only(t *testing.T, sheet, sheets int) string {
	t.Helper()
	others := map[string]bool{}
	for n := 1; n <= sheets; n++ {
		for _, row := range simulator.Rows(n) {
			for _, cell := range row {
				others[cell] = others[cell] || n != sheet
			}
		}
	}
	for _, row := range simulator.Rows(sheet) {
		for _, cell := range row {
			if len(cell) > 5 && !others[cell] && !strings.ContainsAny(cell, "\"\\<>&") {
				return cell
			}
		}
	}
	t.Fatalf("nothing stands on sheet %d alone", sheet)
	return ""
}
