package worker

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/edit"
	"sheetlift/internal/danger"
	"sheetlift/internal/engine"
	"sheetlift/internal/engine/pieces"
	"sheetlift/internal/errs"
	"sheetlift/internal/table"
)

// witnessAgain is the pause after the store failed, before the same image is compared again.
const witnessAgain = 30 * time.Second

// WitnessDeps are the parts that a Witness works with.
type WitnessDeps struct {
	Edits      *edit.Service
	Repository batch.Repository
	Pictures   batch.Pictures
	Changes    batch.Changes
	Engine     engine.Engine // reads a picture a second time, without knowing the first reading
	Cutter     pieces.Cutter // cuts the long pictures
	Danger     *danger.Guard // marks each picture while it is opened; nil for none
	Log        *slog.Logger
}

// Witness compares the rows of completed images with a second reading, one image after the other and at its own pace: no image
// and no batch waits for it. Images that are not compared yet are found again after a restart, and by any process.
type Witness struct {
	WitnessDeps

	mu      sync.Mutex
	batches map[batch.ID]bool // whose images are to be listed
	listed  map[batch.ID]bool // whose images were or are to be listed; true: since the batch ended
	waiting map[unitOf]bool
	wake    chan struct{}
}

// unitOf names an image.
type unitOf struct {
	batch batch.ID
	n     int
}

// NewWitness returns a witness; Run starts it.
func NewWitness(d WitnessDeps) *Witness {
	return &Witness{WitnessDeps: d, batches: map[batch.ID]bool{}, listed: map[batch.ID]bool{}, waiting: map[unitOf]bool{}, wake: make(chan struct{}, 1)}
}

// Run follows changes and compares images until ctx ends.
func (w *Witness) Run(ctx context.Context) error {
	cancel, err := w.Changes.Subscribe(ctx, w.onChange)
	if err != nil {
		return err
	}
	defer cancel()
	for ctx.Err() == nil {
		var wait <-chan time.Time
		switch id, u, found := w.next(); {
		case id != "":
			err = w.list(ctx, id)
		case found:
			err = w.compare(ctx, u)
		default:
			select {
			case <-ctx.Done():
				return nil
			case <-w.wake:
			}
			continue
		}
		if err != nil && ctx.Err() == nil {
			w.Log.Warn("a picture could not be compared with a second reading; trying again", "err", err)
			wait = time.After(witnessAgain)
		}
		if wait == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-wait:
		}
	}
	return nil
}

// onChange notes the images and batches that may have to be compared. A batch whose images are not all compared is listed when it is first seen, when
// its setting changes, and when it ends; otherwise its images are noted one by one.
func (w *Witness) onChange(c batch.Change) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case c.N > 0 && !c.Gone && c.Image.Status == batch.Completed && !c.Image.Compared():
		w.waiting[unitOf{c.ID, c.N}] = true
	case c.N > 0:
		return
	case c.Gone || c.Batch.Options.Witness != batch.WitnessOffline || c.Batch.Order == nil || compared(c.Batch):
		delete(w.listed, c.ID)
		return
	default:
		ended := c.Batch.Counts != nil
		if before, known := w.listed[c.ID]; known && before == ended {
			return
		}
		w.listed[c.ID], w.batches[c.ID] = ended, true
	}
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// compared reports whether b ended and each of its completed images was compared.
func compared(b *batch.Batch) bool { return b.Counts != nil && b.Counts.Compared == b.Counts.Completed }

// next returns and removes a batch to list or, if there is none, an image. Images come in no order, so that several processes
// seldom read the same one.
func (w *Witness) next() (id batch.ID, u unitOf, found bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id := range w.batches {
		delete(w.batches, id)
		return id, u, true
	}
	skip := 0
	if len(w.waiting) > 0 {
		skip = rand.IntN(len(w.waiting)) // the order of a map is random, but not evenly
	}
	for u := range w.waiting {
		if skip--; skip < 0 {
			delete(w.waiting, u)
			return "", u, true
		}
	}
	return "", u, false
}

// list notes the images of a batch that are not compared yet. If there are none, it counts the batch: a comparison that ended
// together with the batch is missing in its counts.
func (w *Witness) list(ctx context.Context, id batch.ID) error {
	b, err := w.Repository.Batch(ctx, id)
	var images []*batch.Image
	if err == nil {
		images, err = w.Repository.Images(ctx, id)
	}
	if err = unlessGone(err); err != nil {
		w.locked(func() { w.batches[id] = true })
		return err
	}
	w.locked(func() {
		for _, m := range images {
			if b.Awaits(m) {
				w.waiting[unitOf{id, m.N}] = true
			}
		}
	})
	return w.recount(ctx, id)
}

// recount counts the doubts of a batch once none of its images waits here: each comparison only adjusted their number.
func (w *Witness) recount(ctx context.Context, id batch.ID) error {
	waits := false
	w.locked(func() {
		for u := range w.waiting {
			waits = waits || u.batch == id
		}
	})
	if waits {
		return nil
	}
	err := unlessGone(w.Edits.Recount(ctx, id))
	if err != nil {
		w.locked(func() { w.batches[id] = true })
	}
	return err
}

// locked calls f with the lock held.
func (w *Witness) locked(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

// compare reads an image a second time and stores the doubts. After an error the image waits again.
func (w *Witness) compare(ctx context.Context, u unitOf) error {
	compared, err := w.compareOnce(ctx, u)
	switch err = unlessGone(err); {
	case err != nil:
		w.locked(func() { w.waiting[u] = true })
		return err
	case compared:
		return w.recount(ctx, u.batch)
	}
	return nil
}

// compareOnce reports whether there was something to compare.
func (w *Witness) compareOnce(ctx context.Context, u unitOf) (bool, error) {
	b, err := w.Repository.Batch(ctx, u.batch)
	if err != nil {
		return false, err
	}
	m, err := w.Repository.Image(ctx, u.batch, u.n)
	if err != nil || !b.Awaits(m) {
		return false, err
	}
	var lines [][]string // of an image that is not opened any more or has lost its picture there are none
	picture, err := w.Pictures.GetPicture(ctx, m.Batch, m.Picture.Key, batch.Full)
	if err == nil && !m.SetAside() {
		lines, err = w.read(ctx, m, picture)
	}
	if unlessGone(err) != nil {
		return false, err
	}
	return true, w.Edits.Compare(ctx, m.Batch, m.N, m.Ended, lines)
}

// read returns the lines of a picture, the heading first; nil if the engine could not read it.
func (w *Witness) read(ctx context.Context, m *batch.Image, picture []byte) ([][]string, error) {
	reading, err := pieces.Read(opening(ctx, w.Danger, m), w.Cutter, w.Engine, engine.Request{
		Batch: string(m.Batch), Picture: picture, MIME: m.Picture.MIME, Width: m.Picture.Width, Height: m.Picture.Height,
		Table: table.Table{Open: true},
	})
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		w.Log.Info("the offline engine cannot read a picture that another engine read; its rows are not compared", "batch", m.Batch, "image", m.N, "err", err)
		return nil, nil
	}
	lines := [][]string{reading.Columns}
	for _, r := range reading.Rows {
		texts := make([]string, len(r.Cells))
		for i, c := range r.Cells {
			texts[i] = c.Text
		}
		lines = append(lines, texts)
	}
	return lines, nil
}

// unlessGone is err, or nil for a batch, an image or a picture that was removed meanwhile.
func unlessGone(err error) error {
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	return err
}
