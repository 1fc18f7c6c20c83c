package batchtest

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"sheetlift/internal/batch"
)

// Stored implements batch.Inventory. Rows never stand beside their image here.
func (w *World) Stored(ctx context.Context) (*batch.Stored, error) {
	if err := ended(ctx); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	all := &batch.Stored{Images: map[batch.ID][]int{}}
	for key := range w.docs {
		if key.n == 0 {
			all.Batches = append(all.Batches, key.id)
		} else {
			all.Images[key.id] = append(all.Images[key.id], key.n)
		}
	}
	pictures := map[batch.StoredPicture]batch.StoredPicture{} // by batch and key
	for f := range w.pics {
		key := batch.StoredPicture{Batch: f.id, Key: f.key}
		p := cmp.Or(pictures[key], key)
		p.Full, p.Thumb = p.Full || f.kind == batch.Full, p.Thumb || f.kind == batch.Thumb
		pictures[key] = p
	}
	all.Pictures = slices.Collect(maps.Values(pictures))
	for question, r := range w.readings {
		all.Readings = append(all.Readings, batch.StoredReading{Question: question, Batch: r.of, N: r.n})
	}
	for _, l := range w.queues {
		all.Units = append(all.Units, l.units...)
		all.Units = slices.AppendSeq(all.Units, maps.Keys(l.inHand))
	}
	return all, nil
}

// SweepPicture implements batch.Inventory.
func (w *World) SweepPicture(ctx context.Context, p batch.StoredPicture, before time.Time) (bool, error) {
	if checkID(p.Batch) != nil || !token(p.Key) {
		return false, badName(p.Key)
	}
	if err := cmp.Or(ended(ctx), w.fail("sweep picture")); err != nil {
		return false, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for f, kept := range w.pics {
		if f.id == p.Batch && f.key == p.Key && !kept.at.Before(before) {
			return false, nil
		}
	}
	maps.DeleteFunc(w.pics, func(f form, _ picture) bool { return f.id == p.Batch && f.key == p.Key })
	return true, nil
}

// SweepRows implements batch.Inventory.
func (w *World) SweepRows(ctx context.Context, r batch.StoredRows, _ time.Time) (bool, error) {
	if checkID(r.Batch) != nil || !token(r.Name) {
		return false, badName(r.Name)
	}
	err := ended(ctx)
	return err == nil, err
}

// SweepReading implements batch.Inventory.
func (w *World) SweepReading(ctx context.Context, r batch.StoredReading, before time.Time) (bool, error) {
	if !token(r.Question) {
		return false, badName(r.Question)
	}
	if err := cmp.Or(ended(ctx), checkImage(r.Batch, r.N), w.fail("sweep reading")); err != nil {
		return false, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	kept, ok := w.readings[r.Question]
	switch {
	case !ok || kept.of != r.Batch || kept.n != r.N:
		return true, nil
	case !kept.at.Before(before):
		return false, nil
	}
	delete(w.readings, r.Question)
	return true, nil
}

// SweepUnit implements batch.Inventory.
func (w *World) SweepUnit(ctx context.Context, u batch.Unit, before time.Time) (bool, error) {
	if err := cmp.Or(checkUnit(u), ended(ctx), w.fail("sweep unit")); err != nil {
		return false, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	l := w.queue(u.Batch)
	queued := slices.Contains(l.units, u)
	switch {
	case !queued && !l.inHand[u]:
		return true, nil
	case !w.added[u].Before(before):
		return false, nil
	}
	l.units = slices.DeleteFunc(l.units, func(have batch.Unit) bool { return have == u })
	delete(l.inHand, u)
	w.wake()
	return true, nil
}
