package extract

import (
	"context"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/engine"
	"sheetlift/internal/errs"
)

// lookAtKeys is how often batches are held and let go: a key that is back reads within so much.
const lookAtKeys = 2 * time.Second

// rester is an engine that can be without capacity for a while and knows until when.
type rester interface {
	engine.Engine
	// Resting tells why, and until when; a zero time is until a person does something.
	Resting(model string) (why string, until time.Time, rests bool)
}

// hold pauses the batches whose engine has no key to read with for a while, and all of them while the disk is full, and
// lets them go on by themselves.
func (r *Runner) hold(ctx context.Context) error {
	look := time.NewTicker(lookAtKeys)
	defer look.Stop()
	for {
		for _, id := range r.Board.Active() {
			if err := r.holdOne(ctx, id); err != nil && ctx.Err() == nil && !errs.Is(err, errs.NotFound) {
				r.Log.Warn("a batch could not be paused or continued; trying again", "batch", id, "err", err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
		}
	}
}

func (r *Runner) holdOne(ctx context.Context, id batch.ID) error {
	o, err := r.Board.Overview(ctx, id)
	if err != nil {
		return err
	}
	b := o.Batch
	if waits := b.Status == batch.Paused && b.Pause == batch.PausedByDisk; waits || b.Status == batch.Processing {
		crowded := r.Crowded != nil && r.Crowded(waits)
		if crowded != waits {
			return r.makeRoom(ctx, id, crowded)
		}
		if waits {
			return nil
		}
	}
	held := b.Status == batch.Paused && b.Pause == batch.PausedByKeys
	if b.Status != batch.Processing && !held {
		return nil
	}
	why, until, rests := r.resting(b)
	switch {
	case rests:
		return r.Batches.Hold(ctx, id, batch.Rest{Why: why, Until: until.UTC()})
	case held:
		return r.Batches.GoOn(ctx, id)
	}
	return nil
}

// makeRoom holds a batch back while the disk is full, or lets it go on.
func (r *Runner) makeRoom(ctx context.Context, id batch.ID, crowded bool) error {
	steer, what := r.Batches.Resume, "a batch goes on: there is room on the disk again"
	if crowded {
		steer, what = r.Batches.Pause, "a batch is paused: the disk is full"
	}
	_, err := steer(ctx, id, batch.PausedByDisk)
	if err == nil {
		r.Log.Warn(what, "batch", id)
	}
	return err
}

// resting tells whether a batch has to wait for keys. One whose day is over is let go, so that its images can be given
// up; one that may be read offline instead is not held at all.
func (r *Runner) resting(b *batch.Batch) (why string, until time.Time, rests bool) {
	eng, ok := r.Engines[b.Engine].(rester)
	if !ok || time.Now().After(b.Until) || b.Options.Fallback == batch.FallbackAlways && r.offline() != "" {
		return "", time.Time{}, false
	}
	return eng.Resting(b.Model)
}
