package progress

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
	"sheetlift/internal/table"
)

// Progress is the in-memory copy of all batches with the counts of their images, so that lists and pages need no store reads. It is fed by
// Changes and therefore correct on every machine, also for changes made by another one. Its values are shared: read only.
type Progress struct {
	repo     batch.Repository
	log      *slog.Logger
	finished chan batch.ID
	loads    chan batch.ID
	now      func() time.Time

	mu       sync.Mutex
	batches  map[batch.ID]*batch.Batch
	progress map[batch.ID]*batchProgress // of running batches and of drafts
	changed  chan struct{}               // closed and replaced when a batch changes
	moved    map[batch.ID]chan struct{}  // see Moved
	full     bool                        // the disk is full: batches are shown as paused for it
}

// batchProgress is the known state of the images of one batch.
type batchProgress struct {
	loaded bool
	images map[int]imageFigures
	counts batch.Counts
	pace   pace
}

type imageFigures struct {
	rev     uint64
	figures batch.Figures
	gone    bool
}

// New returns an empty Progress; Run fills it and keeps it up to date.
func New(repo batch.Repository, log *slog.Logger) *Progress {
	return &Progress{
		repo: repo, log: log, now: time.Now,
		finished: make(chan batch.ID, 1024), loads: make(chan batch.ID, 1024),
		batches: map[batch.ID]*batch.Batch{}, progress: map[batch.ID]*batchProgress{}, moved: map[batch.ID]chan struct{}{}, changed: make(chan struct{}),
	}
}

// Finished yields a batch each time all its images have become final, possibly more than once. It supports one reader.
func (p *Progress) Finished() <-chan batch.ID { return p.finished }

// Run follows changes until ctx ends. It closes ready once all existing batches are loaded.
func (p *Progress) Run(ctx context.Context, changes batch.Changes, ready chan<- struct{}) error {
	cancel, err := changes.Subscribe(ctx, p.onChange)
	if err != nil {
		return err
	}
	defer cancel()
	close(ready)
	for {
		select {
		case <-ctx.Done():
			return nil
		case id := <-p.loads:
			if err := p.load(ctx, id); err != nil && ctx.Err() == nil {
				p.log.Error("batch progress not loaded", "batch", id, "err", err)
			}
		}
	}
}

// onChange applies one change.
func (p *Progress) onChange(c batch.Change) {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.movedLocked(c.ID)
	if c.N == 0 {
		close(p.changed)
		p.changed = make(chan struct{})
	}
	switch {
	case c.N == 0 && c.Gone:
		delete(p.batches, c.ID)
		delete(p.progress, c.ID)
	case c.N == 0:
		p.onBatch(c.Batch)
	default:
		p.onImage(c)
	}
}

func (p *Progress) onBatch(b *batch.Batch) {
	before := p.batches[b.ID]
	p.batches[b.ID] = b
	if b.Status.Final() {
		delete(p.progress, b.ID)
		return
	}
	if b.Order != nil && p.progress[b.ID] == nil {
		p.progress[b.ID] = newBatchProgress()
		p.requestLoad(b.ID)
	}
	if t := p.progress[b.ID]; t != nil && b.Status == batch.Processing && (before == nil || before.Status != batch.Processing) {
		t.pace = pace{since: p.now()} // begun, resumed, or known from now on
	}
	p.signalFinished(b.ID)
}

func (p *Progress) onImage(c batch.Change) {
	t := p.progress[c.ID]
	if t == nil {
		if b := p.batches[c.ID]; b == nil || b.Status.Final() {
			return
		}
		t = newBatchProgress()
		p.progress[c.ID] = t
		p.requestLoad(c.ID)
	}
	if b := p.batches[c.ID]; c.Gone || c.Image.Excluded && b != nil && b.Order == nil { // excluded from a draft
		t.remove(c.N)
		return
	}
	t.put(c.N, imageFigures{rev: c.Image.Rev, figures: c.Image.Figures(p.tableOf(c.ID))}, c.Image.Ended)
	p.signalFinished(c.ID)
}

// tableOf returns the table of a loaded batch.
func (p *Progress) tableOf(id batch.ID) table.Table {
	if b := p.batches[id]; b != nil {
		return b.Table
	}
	return table.Table{}
}

// requestLoad asks Run to load the images of a batch. If the queue is full, the next change asks again.
func (p *Progress) requestLoad(id batch.ID) {
	select {
	case p.loads <- id:
	default:
		delete(p.progress, id)
	}
}

// signalFinished reports a batch whose images are all final.
func (p *Progress) signalFinished(id batch.ID) {
	b, t := p.batches[id], p.progress[id]
	if b == nil || t == nil || !t.loaded || b.Order == nil || b.Status.Final() {
		return
	}
	if t.counts.Done() >= b.Total() {
		select {
		case p.finished <- id:
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
func (p *Progress) load(ctx context.Context, id batch.ID) error {
	b, err := p.repo.Batch(ctx, id)
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	images, err := batch.LoadImages(ctx, p.repo, b)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.progress[id]
	if t == nil {
		return nil
	}
	for _, m := range images {
		t.put(m.N, imageFigures{rev: m.Rev, figures: m.Figures(b.Table)}, m.Ended)
	}
	t.loaded = true
	p.movedLocked(id)
	p.signalFinished(id)
	return nil
}

// Until waits until right accepts the loaded batch (nil if it is gone) or ctx ends. Handlers use it so that the next page
// shows the action that was just carried out.
func (p *Progress) Until(ctx context.Context, id batch.ID, right func(*batch.Batch) bool) {
	for {
		p.mu.Lock()
		done, moved := right(p.batches[id]), p.changed
		p.mu.Unlock()
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
	Batch     *batch.Batch // as returned by Progress.Shown
	Counts    batch.Counts
	Images    int           // frozen at Start; for a draft, the images uploaded so far
	Left      time.Duration // estimated time until all are read; 0 if unknown or over
	PerMinute float64       // images that became final per minute, lately; 0 if unknown
}

// Overviews returns all batches, newest first.
func (p *Progress) Overviews() []Overview {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]Overview, 0, len(p.batches))
	for _, b := range p.batches {
		if b.Deleted.IsZero() {
			all = append(all, p.overview(b))
		}
	}
	slices.SortFunc(all, func(x, y Overview) int {
		return cmp.Or(y.Batch.Created.Compare(x.Batch.Created), cmp.Compare(x.Batch.ID, y.Batch.ID))
	})
	return all
}

// Deleted returns the deleted batches that can still be restored, newest first.
func (p *Progress) Deleted() []*batch.Batch {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []*batch.Batch
	for _, b := range p.batches {
		if !b.Deleted.IsZero() && p.now().Before(b.Deleted.Add(batch.UndoFor)) {
			all = append(all, b)
		}
	}
	slices.SortFunc(all, func(x, y *batch.Batch) int {
		return cmp.Or(y.Deleted.Compare(x.Deleted), cmp.Compare(x.ID, y.ID))
	})
	return all
}

// Overview returns one batch with its progress. It loads the images if they are not loaded yet.
func (p *Progress) Overview(ctx context.Context, id batch.ID) (Overview, error) {
	p.mu.Lock()
	b, t := p.batches[id], p.progress[id]
	ready := b != nil && (b.Status.Final() || t != nil && t.loaded)
	if b != nil && !ready && t == nil {
		p.progress[id] = newBatchProgress()
	}
	p.mu.Unlock()
	if b == nil {
		return p.loadOverview(ctx, id)
	}
	if !b.Deleted.IsZero() {
		return Overview{}, batch.NotFound()
	}
	if !ready {
		if err := p.load(ctx, id); err != nil {
			return Overview{}, err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if b = p.batches[id]; b == nil {
		return Overview{}, batch.NotFound()
	}
	return p.overview(b), nil
}

// loadOverview returns the overview of a batch that was just stored and is not loaded yet.
func (p *Progress) loadOverview(ctx context.Context, id batch.ID) (Overview, error) {
	if !id.Valid() {
		return Overview{}, batch.NotFound()
	}
	b, err := p.repo.Batch(ctx, id)
	if err != nil {
		return Overview{}, err
	}
	if !b.Deleted.IsZero() {
		return Overview{}, batch.NotFound()
	}
	images, err := batch.LoadImages(ctx, p.repo, b)
	if err != nil {
		return Overview{}, err
	}
	o := Overview{Batch: p.Shown(b), Images: len(images)}
	for _, m := range images {
		o.Counts.Add(m.Figures(b.Table), 1)
	}
	o.Counts = o.Counts.WithColumnIssues(b.Table)
	return o, nil
}

// Active returns the ids of the batches that were started and have not ended.
func (p *Progress) Active() []batch.ID {
	p.mu.Lock()
	defer p.mu.Unlock()
	var ids []batch.ID
	for id, b := range p.batches {
		if b.Status != batch.Draft && b.Status != batch.Scheduled && !b.Status.Final() && b.Deleted.IsZero() {
			ids = append(ids, id)
		}
	}
	return ids
}

func (p *Progress) overview(b *batch.Batch) Overview {
	o := Overview{Batch: p.shownLocked(b), Images: b.Total()}
	t := p.progress[b.ID]
	switch {
	case b.Counts != nil:
		o.Counts = *b.Counts
	case t != nil:
		o.Counts = t.counts
	}
	o.Counts = o.Counts.WithColumnIssues(b.Table)
	if b.Order == nil {
		o.Images = o.Counts.Total()
		return o
	}
	if b.Status.Final() {
		if took := b.Ended.Sub(b.Started); took > 0 {
			o.PerMinute = float64(o.Counts.Done()) / took.Minutes()
		}
		return o
	}
	if t != nil {
		o.PerMinute, o.Left = t.pace.of(b, b.Total()-t.counts.Done(), p.now())
	}
	return o
}
