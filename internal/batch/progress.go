package batch

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"sheetlift/internal/errs"
	"sheetlift/internal/table"
)

// Progress is the in-memory copy of all batches with the counts of their images, so that lists and pages need no store reads. It is fed by
// Changes and therefore correct on every machine, also for changes made by another one. Its values are shared: read only.
type Progress struct {
	repo     Repository
	log      *slog.Logger
	finished chan ID
	loads    chan ID
	now      func() time.Time

	mu       sync.Mutex
	batches  map[ID]*Batch
	progress map[ID]*batchProgress // of running batches and of drafts
	changed  chan struct{}         // closed and replaced when a batch changes
	full     bool                  // the disk is full: batches are shown as paused for it
}

// batchProgress is the known state of the images of one batch.
type batchProgress struct {
	loaded bool
	images map[int]imageFigures
	counts Counts
	pace   pace
}

type imageFigures struct {
	rev     uint64
	figures Figures
	gone    bool
}

// NewProgress returns an empty Progress; Run fills it and keeps it up to date.
func NewProgress(repo Repository, log *slog.Logger) *Progress {
	return &Progress{
		repo: repo, log: log, now: time.Now,
		finished: make(chan ID, 1024), loads: make(chan ID, 1024),
		batches: map[ID]*Batch{}, progress: map[ID]*batchProgress{}, changed: make(chan struct{}),
	}
}

// Finished yields a batch each time all its images have become final, possibly more than once. It supports one reader.
func (b *Progress) Finished() <-chan ID { return b.finished }

// Run follows changes until ctx ends. It closes ready once all existing batches are loaded.
func (b *Progress) Run(ctx context.Context, changes Changes, ready chan<- struct{}) error {
	cancel, err := changes.Subscribe(ctx, b.onChange)
	if err != nil {
		return err
	}
	defer cancel()
	close(ready)
	for {
		select {
		case <-ctx.Done():
			return nil
		case id := <-b.loads:
			if err := b.load(ctx, id); err != nil && ctx.Err() == nil {
				b.log.Error("batch progress not loaded", "batch", id, "err", err)
			}
		}
	}
}

// onChange applies one change.
func (b *Progress) onChange(c Change) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if c.N == 0 {
		close(b.changed)
		b.changed = make(chan struct{})
	}
	switch {
	case c.N == 0 && c.Gone:
		delete(b.batches, c.ID)
		delete(b.progress, c.ID)
	case c.N == 0:
		b.onBatch(c.Batch)
	default:
		b.onImage(c)
	}
}

func (b *Progress) onBatch(batch *Batch) {
	before := b.batches[batch.ID]
	b.batches[batch.ID] = batch
	if batch.Status.Final() {
		delete(b.progress, batch.ID)
		return
	}
	if batch.Order != nil && b.progress[batch.ID] == nil {
		b.progress[batch.ID] = newBatchProgress()
		b.requestLoad(batch.ID)
	}
	if t := b.progress[batch.ID]; t != nil && batch.Status == Processing && (before == nil || before.Status != Processing) {
		t.pace = pace{since: b.now()} // begun, resumed, or known from now on
	}
	b.signalFinished(batch.ID)
}

func (b *Progress) onImage(c Change) {
	t := b.progress[c.ID]
	if t == nil {
		if batch := b.batches[c.ID]; batch == nil || batch.Status.Final() {
			return
		}
		t = newBatchProgress()
		b.progress[c.ID] = t
		b.requestLoad(c.ID)
	}
	if batch := b.batches[c.ID]; c.Gone || c.Image.Excluded && batch != nil && batch.Order == nil { // excluded from a draft
		t.remove(c.N)
		return
	}
	t.put(c.N, imageFigures{rev: c.Image.Rev, figures: c.Image.Figures(b.tableOf(c.ID))}, c.Image.Ended)
	b.signalFinished(c.ID)
}

// tableOf returns the table of a loaded batch.
func (b *Progress) tableOf(id ID) table.Table {
	if batch := b.batches[id]; batch != nil {
		return batch.Table
	}
	return table.Table{}
}

// requestLoad asks Run to load the images of a batch. If the queue is full, the next change asks again.
func (b *Progress) requestLoad(id ID) {
	select {
	case b.loads <- id:
	default:
		delete(b.progress, id)
	}
}

// signalFinished reports a batch whose images are all final.
func (b *Progress) signalFinished(id ID) {
	batch, t := b.batches[id], b.progress[id]
	if batch == nil || t == nil || !t.loaded || batch.Order == nil || batch.Status.Final() {
		return
	}
	if t.counts.Done() >= batch.Total() {
		select {
		case b.finished <- id:
		default: // 1,024 batches wait already; the runner's periodic sweep finds this one
		}
	}
}

func newBatchProgress() *batchProgress { return &batchProgress{images: map[int]imageFigures{}} }

// put counts the newest state of an image. Loads and changes may arrive in any order.
func (t *batchProgress) put(n int, next imageFigures, ended time.Time) {
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
		t.pace.count(ended)
	}
}

// remove subtracts an image. Its revision stays, so that a load that began earlier cannot bring it back, while a new image with
// the same N, which has a higher revision, can be added.
func (t *batchProgress) remove(n int) {
	if old, seen := t.images[n]; seen && !old.gone {
		t.counts.Add(old.figures, -1)
		t.images[n] = imageFigures{rev: old.rev, gone: true}
	}
}

// load counts the stored images of a batch.
func (b *Progress) load(ctx context.Context, id ID) error {
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
	t := b.progress[id]
	if t == nil {
		return nil
	}
	for _, m := range images {
		t.put(m.N, imageFigures{rev: m.Rev, figures: m.Figures(batch.Table)}, m.Ended)
	}
	t.loaded = true
	b.signalFinished(id)
	return nil
}

// Until waits until right accepts the loaded batch (nil if it is gone) or ctx ends. Handlers use it so that the next page
// shows the action that was just carried out.
func (b *Progress) Until(ctx context.Context, id ID, right func(*Batch) bool) {
	for {
		b.mu.Lock()
		done, moved := right(b.batches[id]), b.changed
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
	Batch     *Batch // as returned by Progress.Shown
	Counts    Counts
	Images    int           // frozen at Start; for a draft, the images uploaded so far
	Left      time.Duration // estimated time until all are read; 0 if unknown or over
	PerMinute float64       // images that became final per minute, lately; 0 if unknown
}

// Overviews returns all batches, newest first.
func (b *Progress) Overviews() []Overview {
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

// Deleted returns the deleted batches that can still be restored, newest first.
func (b *Progress) Deleted() []*Batch {
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

// Overview returns one batch with its progress. It loads the images if they are not loaded yet.
func (b *Progress) Overview(ctx context.Context, id ID) (Overview, error) {
	b.mu.Lock()
	batch, t := b.batches[id], b.progress[id]
	ready := batch != nil && (batch.Status.Final() || t != nil && t.loaded)
	if batch != nil && !ready && t == nil {
		b.progress[id] = newBatchProgress()
	}
	b.mu.Unlock()
	if batch == nil {
		return b.loadOverview(ctx, id)
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

// loadOverview returns the overview of a batch that was just stored and is not loaded yet.
func (b *Progress) loadOverview(ctx context.Context, id ID) (Overview, error) {
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
	o := Overview{Batch: b.Shown(batch), Images: len(images)}
	for _, m := range images {
		o.Counts.Add(m.Figures(batch.Table), 1)
	}
	o.Counts = o.Counts.WithColumnIssues(batch.Table)
	return o, nil
}

// Active returns the ids of the batches that were started and have not ended.
func (b *Progress) Active() []ID {
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

func (b *Progress) overview(batch *Batch) Overview {
	o := Overview{Batch: b.shownLocked(batch), Images: batch.Total()}
	t := b.progress[batch.ID]
	switch {
	case batch.Counts != nil:
		o.Counts = *batch.Counts
	case t != nil:
		o.Counts = t.counts
	}
	o.Counts = o.Counts.WithColumnIssues(batch.Table)
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
		o.PerMinute, o.Left = t.pace.of(batch, batch.Total()-t.counts.Done(), b.now())
	}
	return o
}
