package batchtest

import (
	"slices"
	"sync"
	"testing"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
	"sheetlift/internal/table"
)

var changesTests = map[string]func(*testing.T, subject){
	"batches that exist come first":                     batchesThatExistComeFirst,
	"changes come in order, the newest always":          changesComeInOrder,
	"removals are told, those of a batch as one":        removalsAreTold,
	"what was told does not change with what is saved":  whatWasToldDoesNotChange,
	"who ended hears no more, the others go on hearing": whoEndedHearsNoMore,
	"there is nothing to catch up with without readers": nothingToCatchUpWith,
}

// listener records the changes that it receives.
type listener struct {
	mu   sync.Mutex
	all  []batch.Change
	more chan struct{} // capacity one: a change was recorded since it was emptied
}

func (s subject) listen(t *testing.T) (l *listener, cancel func()) {
	t.Helper()
	l = &listener{more: make(chan struct{}, 1)}
	cancel, err := s.Subscribe(t.Context(), l.note)
	must(t, err)
	t.Cleanup(cancel)
	return l, cancel
}

// caughtUp returns when CatchUp has succeeded. It is asked again where a busy machine needs longer than it waits.
func (s subject) caughtUp(t *testing.T) {
	t.Helper()
	ctx := soon(t)
	err := s.CatchUp(ctx)
	for errs.Is(err, errs.Unavailable) && ctx.Err() == nil {
		err = s.CatchUp(ctx)
	}
	must(t, err)
}

func (l *listener) note(c batch.Change) {
	l.mu.Lock()
	l.all = append(l.all, c)
	l.mu.Unlock()
	select {
	case l.more <- struct{}{}:
	default:
	}
}

func (l *listener) told() []batch.Change {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.all)
}

// until waits until wanted accepts one of the recorded changes.
func (l *listener) until(t *testing.T, wanted func(batch.Change) bool) {
	t.Helper()
	ctx := soon(t)
	for !slices.ContainsFunc(l.told(), wanted) {
		select {
		case <-l.more:
		case <-ctx.Done():
			t.Fatalf("it was not told; of %d changes the last are %+v", len(l.told()), l.told()[max(0, len(l.told())-3):])
		}
	}
}

func batchesThatExistComeFirst(t *testing.T, s subject) {
	one, two, gone := s.batch(t), s.batch(t), s.batch(t)
	s.image(t, one.ID, 1)
	must(t, s.RemoveBatch(t.Context(), gone.ID))
	two.Name = "newer"
	must(t, s.SaveBatch(t.Context(), two))
	l, _ := s.listen(t)
	told := map[batch.ID]batch.Change{}
	for _, c := range l.told() {
		told[c.ID] = c
	}
	for _, b := range []*batch.Batch{one, two} {
		c := told[b.ID]
		if c.Batch == nil || c.Image != nil || c.N != 0 || c.Gone || c.Batch.Rev != b.Rev || c.Batch.Name != b.Name {
			t.Errorf("at first it was told of %+v, not of %+v", c, b)
		}
	}
	if len(told) != 2 {
		t.Errorf("it was told of %d batches", len(told))
	}
}

func changesComeInOrder(t *testing.T, s subject) {
	b := s.batch(t)
	l, _ := s.listen(t)
	m := s.image(t, b.ID, 7)
	for range 50 {
		m.Tries++
		must(t, s.SaveImage(t.Context(), m))
	}
	s.caughtUp(t)
	var last uint64
	for _, c := range l.told() {
		switch {
		case c.Image == nil:
		case c.Batch != nil || c.Gone || c.ID != b.ID || c.N != 7 || c.Image.N != 7:
			t.Errorf("a change of an image is %+v", c)
		case c.Image.Rev <= last:
			t.Errorf("revision %d came after %d", c.Image.Rev, last)
		default:
			last = c.Image.Rev
		}
	}
	if last != m.Rev { // revisions that are replaced before they are reported may be skipped
		t.Errorf("the newest that was told is %d, not %d", last, m.Rev)
	}
	b.Name = "newer"
	must(t, s.SaveBatch(t.Context(), b))
	l.until(t, func(c batch.Change) bool {
		return c.Batch != nil && c.Batch.Rev == b.Rev && c.Batch.Name == "newer" && c.N == 0
	})
}

func removalsAreTold(t *testing.T, s subject) {
	b, other := s.batch(t), s.batch(t)
	one, two := s.image(t, b.ID, 1), s.image(t, b.ID, 2)
	l, _ := s.listen(t)
	must(t, s.RemoveImage(t.Context(), one))
	gone := func(id batch.ID, n int) func(batch.Change) bool {
		return func(c batch.Change) bool {
			return c.Gone && c.Batch == nil && c.Image == nil && c.ID == id && c.N == n
		}
	}
	l.until(t, gone(b.ID, 1))
	for range 2 {
		must(t, s.RemoveBatch(t.Context(), b.ID))
		must(t, s.RemoveBatch(t.Context(), batch.NewID()))
	}
	must(t, s.RemoveBatch(t.Context(), other.ID))
	l.until(t, gone(other.ID, 0))
	ends := 0
	for _, c := range l.told() {
		switch {
		case c.Gone && c.N == two.N:
			t.Error("the end of a batch told of an image of it")
		case c.Gone && c.N == 0:
			ends++
		}
	}
	if ends != 2 {
		t.Errorf("the ends of two batches were told %d times", ends)
	}
}

func whatWasToldDoesNotChange(t *testing.T, s subject) {
	b := s.batch(t)
	l, _ := s.listen(t)
	m := s.image(t, b.ID, 1)
	m.Rows = []table.Row{{Cells: []table.Cell{{Text: "as saved"}}}}
	must(t, s.SaveImage(t.Context(), m))
	s.caughtUp(t)
	m.Rows[0].Cells[0].Text = "changed afterwards"
	for _, c := range l.told() {
		if c.Image != nil && c.Image.Rev == m.Rev && c.Image.Rows[0].Cells[0].Text != "as saved" {
			t.Errorf("it was told of %+v", c.Image.Rows)
		}
	}
}

func whoEndedHearsNoMore(t *testing.T, s subject) {
	b := s.batch(t)
	one, cancel := s.listen(t)
	two, _ := s.listen(t)
	s.image(t, b.ID, 1)
	s.caughtUp(t)
	for range 2 { // ending twice is not an error
		cancel()
	}
	heard := len(one.told())
	s.image(t, b.ID, 2)
	s.caughtUp(t)
	if n := len(one.told()); n != heard || heard < 2 {
		t.Errorf("who ended was told of %d changes, and before the end of %d", n, heard)
	}
	two.until(t, func(c batch.Change) bool { return c.N == 2 })
}

func nothingToCatchUpWith(t *testing.T, s subject) {
	s.image(t, s.batch(t).ID, 1)
	s.caughtUp(t)
}
