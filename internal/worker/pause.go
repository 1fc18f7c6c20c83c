package worker

import (
	"context"
	"slices"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/engine"
	"sheetlift/internal/errs"
)

const (
	checkKeysEvery = 2 * time.Second // how often batches are paused and resumed: a key that recovers is used again within this time
	checkDiskEvery = time.Second     // how often the free space on the disk is checked
)

// limitedEngine is an engine that can be without capacity for a while and knows when its cooldown ends.
type limitedEngine interface {
	engine.Engine
	// CoolingDown returns the reason of the cooldown and its end; a zero time means until a person does something.
	CoolingDown(q engine.Question) (why string, until time.Time, rests bool)
}

// pauseLoop pauses the batches whose engine has no usable key for a while, and all batches while the disk is full. It resumes
// them without anybody's help. It returns when ctx ends.
func (r *Runner) pauseLoop(ctx context.Context) error {
	tick := time.NewTicker(checkKeysEvery)
	defer tick.Stop()
	for {
		for _, id := range r.Progress.Active() {
			if err := r.updatePause(ctx, id); err != nil && ctx.Err() == nil && !errs.Is(err, errs.NotFound) {
				r.Log.Warn("a batch could not be paused or continued; trying again", "batch", id, "err", err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// watchDisk pauses the reading in this process while the disk is full. It does so in memory only, because a full disk may
// have no room to store the pause; pauseLoop stores the pause as soon as that works.
func (r *Runner) watchDisk(ctx context.Context) error {
	if r.Crowded == nil {
		return nil
	}
	tick := time.NewTicker(checkDiskEvery)
	defer tick.Stop()
	for {
		full := r.Crowded(r.Progress.Full() || r.anyPausedByDisk())
		for _, id := range r.Progress.SetFull(full) {
			r.Log.Warn("the room on the disk decides whether a batch is read", "batch", id, "full", full)
			r.onChange(batch.Change{ID: id, Batch: r.Progress.Shown(r.Progress.Stored(id))})
			if r.Redraw != nil {
				r.Redraw(id)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// anyPausedByDisk reports whether a batch is paused for the disk, perhaps since before a restart.
func (r *Runner) anyPausedByDisk() bool {
	return slices.ContainsFunc(r.Progress.Active(), func(id batch.ID) bool { return pausedByDisk(r.Progress.Stored(id)) })
}

func pausedByDisk(b *batch.Batch) bool {
	return b != nil && b.Status == batch.Paused && b.Pause == batch.PausedByDisk
}

func (r *Runner) updatePause(ctx context.Context, id batch.ID) error {
	b := r.Progress.Stored(id)
	if b == nil {
		return nil
	}
	full, diskPaused := r.Progress.Full(), pausedByDisk(b)
	if full && b.Status == batch.Processing || !full && diskPaused {
		return r.setDiskPause(ctx, id, full)
	}
	if diskPaused {
		return nil
	}
	keysPaused := b.Status == batch.Paused && b.Pause == batch.PausedByKeys
	if b.Status != batch.Processing && !keysPaused {
		return nil
	}
	why, until, cooling := r.coolingDown(b)
	switch {
	case cooling:
		cooldown := batch.Cooldown{Why: why, Until: until.UTC()}
		if b.InCooldown(cooldown) {
			return nil // the store need not be asked every two seconds while keys cool down for hours
		}
		return r.Runs.PauseForCooldown(ctx, id, cooldown)
	case keysPaused:
		return r.Runs.ResumeAfterCooldown(ctx, id)
	}
	return nil
}

// setDiskPause stores that a batch is paused because the disk is full, or that it is resumed.
func (r *Runner) setDiskPause(ctx context.Context, id batch.ID, full bool) error {
	apply, text := r.Runs.Resume, "a batch goes on: there is room on the disk again"
	if full {
		apply, text = r.Runs.Pause, "a batch is paused: the disk is full"
	}
	_, err := apply(ctx, id, batch.PausedByDisk)
	if err == nil {
		r.Log.Warn(text, "batch", id)
	}
	return err
}

// coolingDown reports whether a batch has to wait for keys, why, and until when. A batch past its time limit of a day does not
// wait, so that its images can fail; a batch that may be read offline instead never waits.
func (r *Runner) coolingDown(b *batch.Batch) (why string, until time.Time, cooling bool) {
	eng, ok := r.Engines[b.Engine].(limitedEngine)
	if !ok || time.Now().After(b.Until) || b.Options.Fallback == batch.FallbackAlways && r.offline() != "" {
		return "", time.Time{}, false
	}
	return eng.CoolingDown(engine.Question{Table: b.Table, Model: b.Model, Thinking: b.Thinking})
}
