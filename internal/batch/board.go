package batch

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"sheetlift/internal/errs"
)

// Board is the copy of batches in memory: what lists and progress show without asking the store each time. It is fed
// by Changes and therefore right on every machine, whoever made the change. Its values are shared: read only.
type Board struct {
	repo    Repository
	log     *slog.Logger
	settled chan ID
	wanted  chan ID
	now     func() time.Time

	mu      sync.Mutex
	batches map[ID]*Batch
	tallies map[ID]*tally // of batches that run, and drafts
	moved   chan struct{} // closed and replaced when a batch changes
}

// tally is what is known of a batch's images.
type tally struct {
	loaded bool
	images map[int]tallied
	counts Counts
	ended  []time.Time // the newest ends, oldest first, for the pace
}

type tallied struct {
	rev     uint64
	figures Figures
	gone    bool
}

// paceWindow is how many of the newest ends the pace is taken from: enough to be steady at 64 at once, few enough to
// follow a change of pace within a minute at 5 at once.
const paceWindow = 40

// NewBoard returns an empty board; Run fills it and keeps it right.
func NewBoard(repo Repository, log *slog.Logger) *Board {
	return &Board{
		repo: repo, log: log, now: time.Now,
		settled: make(chan ID, 1024), wanted: make(chan ID, 1024),
		batches: map[ID]*Batch{}, tallies: map[ID]*tally{}, moved: make(chan struct{}),
	}
}

// Settled yields a batch each time all its images have become final, perhaps more than once. One reader.
func (b *Board) Settled() <-chan ID { return b.settled }

// Run follows changes until ctx ends. ready is closed once the batches that exist are on the board.
func (b *Board) Run(ctx context.Context, changes Changes, ready chan<- struct{}) error {
	cancel, err := changes.Subscribe(ctx, b.see)
	if err != nil {
		return err
	}
	defer cancel()
	close(ready)
	for {
		select {
		case <-ctx.Done():
			return nil
		case id := <-b.wanted:
			if err := b.load(ctx, id); err != nil && ctx.Err() == nil {
				b.log.Error("the images of a batch could not be counted", "batch", id, "err", err)
			}
		}
	}
}

// see takes one change in.
func (b *Board) see(c Change) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if c.N == 0 {
		close(b.moved)
		b.moved = make(chan struct{})
	}
	switch {
	case c.N == 0 && c.Gone:
		delete(b.batches, c.ID)
		delete(b.tallies, c.ID)
	case c.N == 0:
		b.seeBatch(c.Batch)
	default:
		b.seeImage(c)
	}
}

func (b *Board) seeBatch(batch *Batch) {
	b.batches[batch.ID] = batch
	if batch.Status.Final() {
		delete(b.tallies, batch.ID)
		return
	}
	if batch.Order != nil && b.tallies[batch.ID] == nil {
		b.tallies[batch.ID] = newTally()
		b.want(batch.ID)
	}
	b.signal(batch.ID)
}

func (b *Board) seeImage(c Change) {
	t := b.tallies[c.ID]
	if t == nil {
		if batch := b.batches[c.ID]; batch == nil || batch.Status.Final() {
			return
		}
		t = newTally()
		b.tallies[c.ID] = t
		b.want(c.ID)
	}
	if batch := b.batches[c.ID]; c.Gone || c.Image.Out && batch != nil && batch.Order == nil { // of a draft: left out
		t.remove(c.N)
		return
	}
	t.put(c.N, tallied{rev: c.Image.Rev, figures: c.Image.Figures()}, c.Image.Ended)
	b.signal(c.ID)
}

// want asks Run to load a batch's images; if the queue is full a later change asks again.
func (b *Board) want(id ID) {
	select {
	case b.wanted <- id:
	default:
		delete(b.tallies, id)
	}
}

// signal reports a batch that can be concluded.
func (b *Board) signal(id ID) {
	batch, t := b.batches[id], b.tallies[id]
	if batch == nil || t == nil || !t.loaded || batch.Order == nil || batch.Status.Final() {
		return
	}
	if t.counts.Done() >= batch.Total() {
		select {
		case b.settled <- id:
		default: // the reader has a thousand to look at; the sweep of the runner finds this one
		}
	}
}

func newTally() *tally { return &tally{images: map[int]tallied{}} }

// put counts the newest state of an image, whatever order loads and changes come in.
func (t *tally) put(n int, next tallied, ended time.Time) {
	old, seen := t.images[n]
	if seen && old.rev >= next.rev {
		return
	}
	if seen && !old.gone {
		t.counts.Add(old.figures, -1)
	}
	t.images[n] = next
	t.counts.Add(next.figures, 1)
	if seen && next.figures.Status.Final() && !old.figures.Status.Final() {
		t.ended = append(t.ended, ended)
		if len(t.ended) > paceWindow {
			t.ended = t.ended[1:]
		}
	}
}

// remove counts an image out. Its revision stays, so that a load that began before cannot bring it back, and a new
// image in its place, which is newer, can come.
func (t *tally) remove(n int) {
	if old, seen := t.images[n]; seen && !old.gone {
		t.counts.Add(old.figures, -1)
		t.images[n] = tallied{rev: old.rev, gone: true}
	}
}

// load counts the images that are stored.
func (b *Board) load(ctx context.Context, id ID) error {
	batch, err := b.repo.Batch(ctx, id)
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	images, err := inOrder(ctx, b.repo, batch)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	t := b.tallies[id]
	if t == nil {
		return nil
	}
	for _, m := range images {
		t.put(m.N, tallied{rev: m.Rev, figures: m.Figures()}, m.Ended)
	}
	t.loaded = true
	b.signal(id)
	return nil
}

// Until waits until the board shows a batch as right wants it, nil for one that is gone, or ctx ends: who has just pressed
// something is to find it done on the next page.
func (b *Board) Until(ctx context.Context, id ID, right func(*Batch) bool) {
	for {
		b.mu.Lock()
		done, moved := right(b.batches[id]), b.moved
		b.mu.Unlock()
		if done {
			return
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return
		}
	}
}

// Overview is a batch with its progress.
type Overview struct {
	Batch     *Batch
	Counts    Counts
	Images    int           // frozen at Start; of a draft, those there so far
	Left      time.Duration // until all is read, estimated from the pace; 0 while unknown or over
	PerMinute float64       // images that became final, lately; 0 while unknown
}

// Overviews returns all batches, newest first.
func (b *Board) Overviews() []Overview {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := make([]Overview, 0, len(b.batches))
	for _, batch := range b.batches {
		if batch.Deleted.IsZero() {
			all = append(all, b.overview(batch))
		}
	}
	slices.SortFunc(all, func(x, y Overview) int {
		return cmp.Or(y.Batch.Created.Compare(x.Batch.Created), cmp.Compare(x.Batch.ID, y.Batch.ID))
	})
	return all
}

// Deleted returns the batches that can be brought back, newest first.
func (b *Board) Deleted() []*Batch {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []*Batch
	for _, batch := range b.batches {
		if !batch.Deleted.IsZero() && b.now().Before(batch.Deleted.Add(UndoFor)) {
			all = append(all, batch)
		}
	}
	slices.SortFunc(all, func(x, y *Batch) int {
		return cmp.Or(y.Deleted.Compare(x.Deleted), cmp.Compare(x.ID, y.ID))
	})
	return all
}

// Overview returns one batch with its progress; its images are loaded when they are not on the board yet.
func (b *Board) Overview(ctx context.Context, id ID) (Overview, error) {
	b.mu.Lock()
	batch, t := b.batches[id], b.tallies[id]
	ready := batch != nil && (batch.Status.Final() || t != nil && t.loaded)
	if batch != nil && !ready && t == nil {
		b.tallies[id] = newTally()
	}
	b.mu.Unlock()
	if batch == nil {
		return b.ahead(ctx, id)
	}
	if !batch.Deleted.IsZero() {
		return Overview{}, notFound()
	}
	if !ready {
		if err := b.load(ctx, id); err != nil {
			return Overview{}, err
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if batch = b.batches[id]; batch == nil {
		return Overview{}, notFound()
	}
	return b.overview(batch), nil
}

// ahead is the overview of a batch that was stored a moment ago and is not on the board yet.
func (b *Board) ahead(ctx context.Context, id ID) (Overview, error) {
	if !id.Valid() {
		return Overview{}, notFound()
	}
	batch, err := b.repo.Batch(ctx, id)
	if err != nil {
		return Overview{}, err
	}
	if !batch.Deleted.IsZero() {
		return Overview{}, notFound()
	}
	images, err := inOrder(ctx, b.repo, batch)
	if err != nil {
		return Overview{}, err
	}
	o := Overview{Batch: batch, Images: len(images)}
	for _, m := range images {
		o.Counts.Add(m.Figures(), 1)
	}
	return o, nil
}

// Active returns the ids of the batches that were started and have not ended.
func (b *Board) Active() []ID {
	b.mu.Lock()
	defer b.mu.Unlock()
	var ids []ID
	for id, batch := range b.batches {
		if batch.Status != Draft && batch.Status != Scheduled && !batch.Status.Final() && batch.Deleted.IsZero() {
			ids = append(ids, id)
		}
	}
	return ids
}

func (b *Board) overview(batch *Batch) Overview {
	o := Overview{Batch: batch, Images: batch.Total()}
	t := b.tallies[batch.ID]
	switch {
	case batch.Counts != nil:
		o.Counts = *batch.Counts
	case t != nil:
		o.Counts = t.counts
	}
	if batch.Order == nil {
		o.Images = o.Counts.Total()
		return o
	}
	if batch.Status.Final() {
		if took := batch.Ended.Sub(batch.Started); took > 0 {
			o.PerMinute = float64(o.Counts.Done()) / took.Minutes()
		}
		return o
	}
	if t != nil {
		o.PerMinute, o.Left = t.pace(batch, b.now())
	}
	return o
}

// pace is how many images become final in a minute, over the newest ends, and how long the rest takes at that.
func (t *tally) pace(batch *Batch, now time.Time) (perMinute float64, left time.Duration) {
	if len(t.ended) < 2 {
		return 0, 0
	}
	since := t.ended[0]
	took := max(t.ended[len(t.ended)-1].Sub(since), now.Sub(since)*9/10)
	if took <= 0 {
		return 0, 0
	}
	perMinute = float64(len(t.ended)-1) / took.Minutes()
	rest := batch.Total() - t.counts.Done()
	return perMinute, time.Duration(float64(rest) / perMinute * float64(time.Minute)).Round(time.Second)
}
