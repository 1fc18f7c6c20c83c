package app

import (
	"log/slog"
	"sync"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/progress"
)

// journal writes to the log when a batch starts, pauses and ends, with its figures.
type journal struct {
	log       *slog.Logger
	overviews func() []progress.Overview

	mu       sync.Mutex
	statuses map[batch.ID]batch.Status // as last written
}

func newJournal(log *slog.Logger, overviews func() []progress.Overview) *journal {
	return &journal{log: log, overviews: overviews, statuses: map[batch.ID]batch.Status{}}
}

// see takes each change of the store. Batches that were there at the start are not told.
func (j *journal) see(c batch.Change) {
	if c.N > 0 {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if c.Gone || c.Batch == nil {
		delete(j.statuses, c.ID)
		return
	}
	before, now := j.statuses[c.ID], c.Batch.Status
	j.statuses[c.ID] = now
	if before == "" || before == now {
		return
	}
	line := j.log.With("batch", c.ID, "status", string(now), "before", string(before), "images", c.Batch.Total())
	if now == batch.Paused {
		line = line.With("why", string(c.Batch.Pause))
	}
	if now.Final() {
		line = j.figures(line, c.Batch)
	}
	line.Info("a batch changed")
}

// figures adds the figures of a batch that ended.
func (j *journal) figures(line *slog.Logger, b *batch.Batch) *slog.Logger {
	for _, o := range j.overviews() {
		if o.Batch.ID != b.ID {
			continue
		}
		line = line.With("completed", o.Counts.Completed, "failed", o.Counts.Failed, "canceled", o.Counts.Canceled, "rows", o.Counts.Rows,
			"calls", o.Counts.Calls, "tokens", o.Counts.Tokens, "usd", o.Counts.USD, "took", b.Ended.Sub(b.Started).Round(time.Millisecond))
	}
	return line
}
