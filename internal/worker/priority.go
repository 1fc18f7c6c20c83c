package worker

import (
	"cmp"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
)

// priorityIndex holds the state of the images of a batch that is being read, as far as this process knows it. It selects the image
// to read next. It is a copy and may be behind the store; the store decides whether a claim of an image succeeds.
// Guarded by Runner.mu.
type priorityIndex struct {
	batch     *batch.Batch
	position  map[int]int // position in the batch's order, by image number
	images    map[int]indexEntry
	loaded    bool                // all images are known
	open      int                 // number of images that are not final
	nonNormal int                 // number of images that are not final and do not have the normal priority
	leases    map[batch.Lease]int // images that are in work under the lease of another image
}

// indexEntry is the part of an image's state that decides its order.
type indexEntry struct {
	rev       uint64
	level     int
	open      bool // not final
	lease     batch.Lease
	notBefore time.Time
	duplicate bool // waits for the image of the same picture as long as that is not final
}

// track starts to track the order of the images in a batch, or updates it to the newest state of the batch: a batch that
// is just being started has no order yet.
func (r *Runner) track(b *batch.Batch) {
	r.mu.Lock()
	defer r.mu.Unlock()
	x := r.indexes[b.ID]
	if x == nil {
		x = &priorityIndex{images: map[int]indexEntry{}, leases: map[batch.Lease]int{}}
		r.indexes[b.ID] = x
	}
	x.batch = b
	if len(x.position) != b.Total() {
		x.position = make(map[int]int, b.Total())
		for i, n := range b.Order {
			x.position[n] = i
		}
	}
}

// untrack stops tracking a batch.
func (r *Runner) untrack(id batch.ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.indexes, id)
}

// upsert notes the newest state of an image.
func (r *Runner) upsert(m *batch.Image) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if x := r.indexes[m.Batch]; x != nil {
		x.upsert(m)
	}
}

// dropMissing removes an image in work from its index if err says that it no longer exists.
func (r *Runner) dropMissing(f *inflight, err error) {
	if !errs.Is(err, errs.NotFound) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if x := r.indexes[f.unit.Batch]; x != nil {
		x.remove(f.n)
	}
}

// choose chooses the image to read under the lease of f's unit, once: an image that was already started under it, or one that
// waits with a higher priority than the unit's own image, or the unit's own image.
func (r *Runner) choose(f *inflight) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if x := r.indexes[f.unit.Batch]; x != nil && !f.chosen {
		f.n = x.next(f.unit, time.Now())
	}
	f.chosen = true
}

func (x *priorityIndex) next(u batch.Unit, now time.Time) int {
	if n, found := x.leases[u.Lease()]; found {
		return n
	}
	own := x.images[u.N]
	if x.nonNormal == 0 || !own.open || own.lease != (batch.Lease{}) {
		return u.N
	}
	best, level := u.N, own.level
	for n, e := range x.images {
		if e.waits(now) && !x.waitsForDuplicate(n, e) && (e.level > level || best != u.N && e.level == level && x.position[n] < x.position[best]) {
			best, level = n, e.level
		}
	}
	return best
}

func (e indexEntry) waits(now time.Time) bool {
	return e.open && e.lease == (batch.Lease{}) && !e.notBefore.After(now)
}

// waitsForDuplicate reports whether an image waits for another image of the same picture to be read.
func (x *priorityIndex) waitsForDuplicate(n int, e indexEntry) bool {
	first, duplicate := x.batch.DuplicateOf[n]
	return duplicate && e.duplicate && x.images[first].open
}

func (x *priorityIndex) apply(c batch.Change) {
	if c.Gone {
		x.remove(c.N)
		return
	}
	x.upsert(c.Image)
}

// upsert stores the state of an image; a revision older than the known one changes nothing.
func (x *priorityIndex) upsert(m *batch.Image) {
	old, known := x.images[m.N]
	if known && old.rev >= m.Rev {
		return
	}
	x.count(m.N, old, -1)
	e := indexEntry{
		rev: m.Rev, level: levelOf(m), open: !m.Status.Final(), lease: m.Lease, notBefore: m.NotBefore,
		duplicate: m.Status == batch.Pending && m.Generation <= 1,
	}
	x.images[m.N] = e
	x.count(m.N, e, 1)
}

// suspectLevel is the level of a suspect. It is below every level that a person can set, so all other images go first.
const suspectLevel = -10

func levelOf(m *batch.Image) int {
	if m.Suspect != nil {
		return suspectLevel
	}
	return m.Priority.Level()
}

func (x *priorityIndex) remove(n int) {
	old := x.images[n]
	x.count(n, old, -1)
	x.images[n] = indexEntry{rev: cmp.Or(old.rev, 1)} // so that an older load cannot bring it back
}

func (x *priorityIndex) count(n int, e indexEntry, by int) {
	if e.open {
		x.open += by
	}
	if e.open && e.level != 0 {
		x.nonNormal += by
	}
	if e.open && e.lease != (batch.Lease{}) && e.lease.N != n {
		if by > 0 {
			x.leases[e.lease] = n
		} else if x.leases[e.lease] == n {
			delete(x.leases, e.lease)
		}
	}
}
