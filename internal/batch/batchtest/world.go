// Package batchtest implements the ports of the domain in memory, for tests on virtual time, and states the contract that every
// implementation must keep (Run).
package batchtest

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
)

// World implements the ports that the store implements. Use NewWorld; the zero value is not usable.
type World struct {
	mu        sync.Mutex
	rev       uint64
	docs      map[address]doc
	pics      map[form]picture
	queues    map[batch.ID]*unitQueue
	added     map[batch.Unit]time.Time
	watches   []*watch
	readings  map[string]remembered // by question
	templates map[string][]byte     // by id
	entries   map[batch.ID][]batch.Day
	wait      chan struct{} // closed and replaced at each change of the queue

	failing func(op string) error
	listed  int
}

// address names an image, or with n = 0 a batch.
type address struct {
	id batch.ID
	n  int
}

// doc is a document as it was decoded from its stored form. Each reader gets a copy: to decode it each time was most of the
// work of the tests that let hours pass.
type doc struct {
	value batch.Change
	rev   uint64
}

// Update returns the document in values that nobody shares.
func (d doc) change() batch.Change { return *deepCopy(&d.value) }

type watch struct{ f func(batch.Change) }

// NewWorld returns an empty world.
func NewWorld() *World {
	return &World{
		docs: map[address]doc{}, pics: map[form]picture{}, queues: map[batch.ID]*unitQueue{}, added: map[batch.Unit]time.Time{},
		readings: map[string]remembered{}, templates: map[string][]byte{}, entries: map[batch.ID][]batch.Day{},
		wait: make(chan struct{}),
	}
}

// Fail calls f before every write, with a name for the operation. If f returns an error, nothing is written and the caller gets
// it. nil ends it.
func (w *World) Fail(f func(op string) error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failing = f
}

func (w *World) fail(op string) error {
	w.mu.Lock()
	failing := w.failing
	w.mu.Unlock() // f may act on the world itself
	if failing == nil {
		return nil
	}
	return failing(op)
}

// ended is the error of a call whose context has ended.
func ended(ctx context.Context) error {
	return errs.Wrap(ctx.Err(), errs.Unavailable, "The request was given up.")
}

func checkID(id batch.ID) error {
	if !id.Valid() {
		return errs.New(errs.NotFound, "There is no batch %q.", id)
	}
	return nil
}

func checkImage(id batch.ID, n int) error {
	if !id.Valid() || n < 1 {
		return errs.New(errs.NotFound, "There is no image %d of %q.", n, id)
	}
	return nil
}

// put writes v if the stored revision is still *rev, or, when it is new, if there is none.
func (w *World) put(ctx context.Context, op string, at address, v any, rev *uint64, isNew bool) error {
	if err := cmp.Or(ended(ctx), w.fail(op)); err != nil {
		return err
	}
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	old, there := w.docs[at]
	if there == isNew || !isNew && old.rev != *rev {
		return errs.New(errs.Conflict, "%v was changed by somebody else.", at)
	}
	c, err := decode(at, data, w.rev+1)
	if err != nil {
		return err
	}
	w.rev++
	*rev = w.rev
	d := doc{c, w.rev}
	w.docs[at] = d
	w.tell(d.change())
	return nil
}

func (w *World) tell(c batch.Change) {
	for _, watch := range w.watches {
		watch.f(c)
	}
}

func (w *World) get(ctx context.Context, at address) (batch.Change, error) {
	if err := ended(ctx); err != nil {
		return batch.Change{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	d, ok := w.docs[at]
	if !ok {
		return batch.Change{}, errs.New(errs.NotFound, "There is no %v.", at)
	}
	return d.change(), nil
}

func decode(at address, data []byte, rev uint64) (batch.Change, error) {
	c := batch.Change{ID: at.id, N: at.n}
	if at.n > 0 {
		c.Image = &batch.Image{}
		err := json.Unmarshal(data, c.Image)
		c.Image.Rev = rev
		return c, err
	}
	c.Batch = &batch.Batch{}
	err := json.Unmarshal(data, c.Batch)
	c.Batch.Rev = rev
	return c, err
}

// CreateBatch implements batch.Repository.
func (w *World) CreateBatch(ctx context.Context, b *batch.Batch) error {
	if err := checkID(b.ID); err != nil {
		return err
	}
	return w.put(ctx, "create batch", address{b.ID, 0}, b, &b.Rev, true)
}

// SaveBatch implements batch.Repository.
func (w *World) SaveBatch(ctx context.Context, b *batch.Batch) error {
	if err := checkID(b.ID); err != nil {
		return err
	}
	return w.put(ctx, "save batch", address{b.ID, 0}, b, &b.Rev, false)
}

// Batch implements batch.Repository.
func (w *World) Batch(ctx context.Context, id batch.ID) (*batch.Batch, error) {
	c, err := w.get(ctx, address{id, 0})
	return c.Batch, err
}

// CreateImage implements batch.Repository.
func (w *World) CreateImage(ctx context.Context, m *batch.Image) error {
	if err := checkImage(m.Batch, m.N); err != nil {
		return err
	}
	return w.put(ctx, "create image", address{m.Batch, m.N}, m, &m.Rev, true)
}

// SaveImage implements batch.Repository.
func (w *World) SaveImage(ctx context.Context, m *batch.Image) error {
	if err := checkImage(m.Batch, m.N); err != nil {
		return err
	}
	return w.put(ctx, "save image", address{m.Batch, m.N}, m, &m.Rev, false)
}

// Image implements batch.Repository.
func (w *World) Image(ctx context.Context, id batch.ID, n int) (*batch.Image, error) {
	if err := checkImage(id, n); err != nil {
		return nil, err
	}
	c, err := w.get(ctx, address{id, n})
	return c.Image, err
}

// Listed returns how often the images of a batch were listed.
func (w *World) Listed() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.listed
}

// Images implements batch.Repository.
func (w *World) Images(ctx context.Context, id batch.ID) ([]*batch.Image, error) {
	if err := cmp.Or(ended(ctx), checkID(id)); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.listed++
	var images []*batch.Image
	for at, d := range w.docs {
		if at.id == id && at.n > 0 {
			images = append(images, d.change().Image)
		}
	}
	slices.SortFunc(images, func(a, b *batch.Image) int { return cmp.Compare(a.N, b.N) })
	return images, nil
}

// RemoveImage implements batch.Repository.
func (w *World) RemoveImage(ctx context.Context, m *batch.Image) error {
	if err := cmp.Or(ended(ctx), checkImage(m.Batch, m.N), w.fail("remove image")); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	at := address{m.Batch, m.N}
	old, there := w.docs[at]
	switch {
	case m.Rev == 0 || there && old.rev != m.Rev:
		return errs.New(errs.Conflict, "%v was changed by somebody else.", at)
	case !there:
		return nil
	}
	delete(w.docs, at)
	w.tell(batch.Change{ID: m.Batch, N: m.N, Gone: true})
	return nil
}

// RemoveBatch implements batch.Repository.
func (w *World) RemoveBatch(ctx context.Context, id batch.ID) error {
	if err := cmp.Or(ended(ctx), checkID(id), w.fail("remove batch")); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	_, there := w.docs[address{id, 0}]
	for at := range w.docs {
		if at.id == id {
			delete(w.docs, at)
		}
	}
	w.forget(id)
	if there {
		w.tell(batch.Change{ID: id, Gone: true})
	}
	return nil
}

// Lose removes an image without any notification, as damage does.
func (w *World) Lose(id batch.ID, n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.docs, address{id, n})
}

// Subscribe implements batch.Changes.
func (w *World) Subscribe(ctx context.Context, f func(batch.Change)) (func(), error) {
	if err := ended(ctx); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for at, d := range w.docs {
		if at.n > 0 {
			continue
		}
		f(d.change())
	}
	me := &watch{f}
	w.watches = append(w.watches, me)
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.watches = slices.DeleteFunc(slices.Clone(w.watches), func(other *watch) bool { return other == me })
	}, nil
}

// CatchUp implements batch.Changes: every save notifies subscribers before it returns.
func (w *World) CatchUp(ctx context.Context) error { return ended(ctx) }
