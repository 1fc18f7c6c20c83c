package worker

import (
	"context"
	"time"

	"sheetlift/internal/batch"
)

const (
	starting   = 10 * time.Second // somebody may still be queueing the units of a batch that was started so long ago
	freshCheck = 2 * time.Second  // when such a batch is checked for lost units
)

// prepare makes a batch ready to be read: lost units are queued again. The units of a batch that was just started are being
// queued, each synced; its first images are read meanwhile, and it is checked a little later.
func (r *Runner) prepare(ctx context.Context, b *batch.Batch) error {
	if !b.Started.IsZero() && time.Since(b.Started) > starting {
		return r.requeue(ctx, b.ID)
	}
	images, err := r.Repository.Images(ctx, b.ID)
	if err != nil {
		return err
	}
	r.index(b.ID, images)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fresh[b.ID] = time.Now().Add(freshCheck)
	select {
	case r.wake <- struct{}{}:
	default:
	}
	return nil
}

// index notes the states of the images of a batch.
func (r *Runner) index(id batch.ID, images []*batch.Image) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if x := r.indexes[id]; x != nil {
		for _, m := range images {
			x.upsert(m)
		}
		x.loaded = true
	}
}

// freshDue returns the fresh batches that are to be checked now, and how long until the next one is, at most an hour.
func (r *Runner) freshDue(now time.Time) (ids []batch.ID, next time.Duration) {
	next = time.Hour
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, at := range r.fresh {
		if wait := at.Sub(now); wait > 0 {
			next = min(next, wait)
			continue
		}
		ids = append(ids, id)
		delete(r.fresh, id)
	}
	return ids, next
}
