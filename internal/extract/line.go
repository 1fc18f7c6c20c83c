package extract

import (
	"cmp"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
)

// line is what is known here of the images of a batch that is being read, by which it is told who goes next. It is a
// copy and may be behind; who may really take an image the store decides. Guarded by Runner.mu.
type line struct {
	batch  *batch.Batch
	place  map[int]int
	images map[int]standing
	uneven int                // images not final whose priority is not the normal one
	lent   map[batch.Turn]int // images that are in hand in the turn of another
}

// standing is what matters of an image.
type standing struct {
	rev       uint64
	level     int
	open      bool // not final
	turn      batch.Turn
	notBefore time.Time
	twin      bool // waits for the same picture while that is not final
}

// lineUp begins to follow who goes next in a batch, or takes in its newest state: one that is just being started has no
// order yet.
func (r *Runner) lineUp(b *batch.Batch) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.lines[b.ID]
	if l == nil {
		l = &line{images: map[int]standing{}, lent: map[batch.Turn]int{}}
		r.lines[b.ID] = l
	}
	l.batch = b
	if len(l.place) != b.Total() {
		l.place = make(map[int]int, b.Total())
		for i, n := range b.Order {
			l.place[n] = i
		}
	}
}

// disperse ends that.
func (r *Runner) disperse(id batch.ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.lines, id)
}

// learn notes the newest state of an image.
func (r *Runner) learn(m *batch.Image) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if l := r.lines[m.Batch]; l != nil {
		l.put(m)
	}
}

// forget notes that an image in hand is not there any more.
func (r *Runner) forget(h *hand, err error) {
	if !errs.Is(err, errs.NotFound) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if l := r.lines[h.unit.Batch]; l != nil {
		l.remove(h.n)
	}
}

// next is the image to be read in the turn of u: one that was begun in it, or one that waits with a higher priority than
// u's own, or u's own.
func (r *Runner) next(u batch.Unit) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if l := r.lines[u.Batch]; l != nil {
		return l.next(u, time.Now())
	}
	return u.N
}

func (l *line) next(u batch.Unit, now time.Time) int {
	if n, begun := l.lent[u.Turn()]; begun {
		return n
	}
	own := l.images[u.N]
	if l.uneven == 0 || !own.open || own.turn != (batch.Turn{}) {
		return u.N
	}
	best, level := u.N, own.level
	for n, s := range l.images {
		if s.waits(now) && !l.follows(n, s) && (s.level > level || best != u.N && s.level == level && l.place[n] < l.place[best]) {
			best, level = n, s.level
		}
	}
	return best
}

func (s standing) waits(now time.Time) bool {
	return s.open && s.turn == (batch.Turn{}) && !s.notBefore.After(now)
}

// follows reports whether an image waits for the same picture to be read.
func (l *line) follows(n int, s standing) bool {
	first, twin := l.batch.Twins[n]
	return twin && s.twin && l.images[first].open
}

func (l *line) see(c batch.Change) {
	if c.Gone {
		l.remove(c.N)
		return
	}
	l.put(c.Image)
}

// put takes in the state of an image; an older one than is known changes nothing.
func (l *line) put(m *batch.Image) {
	old, known := l.images[m.N]
	if known && old.rev >= m.Rev {
		return
	}
	l.count(m.N, old, -1)
	s := standing{
		rev: m.Rev, level: m.Priority.Level(), open: !m.Status.Final(), turn: m.Turn, notBefore: m.NotBefore,
		twin: m.Status == batch.Pending && m.Work <= 1,
	}
	l.images[m.N] = s
	l.count(m.N, s, 1)
}

func (l *line) remove(n int) {
	old := l.images[n]
	l.count(n, old, -1)
	l.images[n] = standing{rev: cmp.Or(old.rev, 1)} // so that an older load cannot bring it back
}

func (l *line) count(n int, s standing, by int) {
	if s.open && s.level != 0 {
		l.uneven += by
	}
	if s.open && s.turn != (batch.Turn{}) && s.turn.N != n {
		if by > 0 {
			l.lent[s.turn] = n
		} else if l.lent[s.turn] == n {
			delete(l.lent, s.turn)
		}
	}
}
