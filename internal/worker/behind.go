package worker

import "sheetlift/internal/batch"

// behind returns how many images of a batch no call was begun for yet, as far as this process knows. Images that wait for
// another one of the same picture are not counted: they seldom need a call.
func (r *Runner) behind(id batch.ID) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	x := r.indexes[id]
	if x == nil || !x.loaded {
		return 1 // the batch is being opened or closed: the end is not known
	}
	n := x.open
	for duplicate := range x.batch.DuplicateOf {
		if e := x.images[duplicate]; e.open && x.waitsForDuplicate(duplicate, e) {
			n--
		}
	}
	for f := range r.inflight {
		if f.unit.Batch == id && f.phase != queued && x.images[f.n].open {
			n--
		}
	}
	return max(0, n)
}
