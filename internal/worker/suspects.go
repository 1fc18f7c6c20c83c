package worker

import (
	"context"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/danger"
	"sheetlift/internal/engine"
	"sheetlift/internal/errs"
)

// recoverMarks handles the marks of pictures that the previous process was opening when it died. It runs before anything is
// read: otherwise an image that crashes the program would be opened again beside others.
func (r *Runner) recoverMarks(ctx context.Context) {
	for _, mark := range r.Danger.Left() {
		for {
			err := r.markSuspect(ctx, mark)
			if err == nil {
				r.Danger.Forget(mark)
				break
			}
			r.Log.Warn("what the program was opening when it died could not be written down; trying again", "batch", mark.Image.Batch, "image", mark.Image.N, "err", err)
			if !sleep(ctx, backoff) {
				return
			}
		}
	}
}

// markSuspect makes the marked image a suspect: it is read last in its batch, and alone. The unit that it had becomes invalid
// (a new generation), because an image that was already started would go first.
func (r *Runner) markSuspect(ctx context.Context, mark danger.Mark) error {
	marked := false
	m, err := r.Batches.UpdateImage(ctx, batch.ID(mark.Image.Batch), mark.Image.N, func(m *batch.Image) (bool, error) {
		if marked = !m.Status.Final() && m.Suspected(mark.ID, mark.Alone); !marked {
			return false, nil
		}
		if m.Status.Active() && m.Lease != (batch.Lease{}) && !begunSince(m, mark.Made) {
			endAttempt(m, &engine.Failure{Why: engine.Crashed, Message: "The program stopped while this picture was read."}, time.Now().UTC())
			m.Status, m.Generation, m.Lease = waitingStatus(m), m.Generation+1, batch.Lease{}
		}
		return true, nil
	})
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	if err == nil && marked {
		r.Log.Warn("the program died while it opened a picture, which is read last and alone now", "batch", m.Batch, "image", m.N, "strikes", m.Suspect.Strikes)
	}
	return err
}

// begunSince reports whether another process has begun to read m after a moment.
func begunSince(m *batch.Image, t time.Time) bool {
	a := m.Last()
	return a != nil && a.Started.After(t)
}

// waitingStatus returns the status of an image that was in work and waits again.
func waitingStatus(m *batch.Image) batch.Status {
	if m.Tries == 0 && !m.Rereading {
		return batch.Pending
	}
	return batch.Retrying
}

// opening returns ctx for opening the picture of m, and the answer about it, in this process.
func opening(ctx context.Context, g *danger.Guard, m *batch.Image) context.Context {
	return g.About(ctx, danger.Image{Batch: string(m.Batch), N: m.N}, m.Suspect != nil)
}
