// Package batchtest is the world of the domain in memory, for tests on virtual time, and the promises that every
// implementation of the ports must keep.
package batchtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
)

// World implements the ports that the store implements. Its zero value is not usable; see NewWorld.
type World struct {
	mu       sync.Mutex
	rev      uint64
	docs     map[string]doc
	pics     map[string][]byte
	lanes    map[batch.ID]*lane
	watches  map[int]func(batch.Change)
	watched  int
	readings map[string]remembered // by question
	wait     chan struct{}         // closed and replaced at each change of the queue

	failing func(op string) error
}

type doc struct {
	data []byte
	rev  uint64
}

type lane struct {
	units  []batch.Unit
	inHand map[batch.Unit]bool
	atOnce int
}

// NewWorld returns an empty world.
func NewWorld() *World {
	return &World{
		docs: map[string]doc{}, pics: map[string][]byte{}, lanes: map[batch.ID]*lane{}, readings: map[string]remembered{},
		watches: map[int]func(batch.Change){}, wait: make(chan struct{}),
	}
}

// Fail asks f before every write, from whoever writes, with a word for it; an error is returned to the caller, unwritten. nil ends it.
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

func batchKey(id batch.ID) string        { return string(id) }
func imageKey(id batch.ID, n int) string { return fmt.Sprintf("%s.%06d", id, n) }

func put[T any](w *World, op, key string, v *T, rev *uint64, fresh bool, change func(T) batch.Change) error {
	if err := w.fail(op); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	old, there := w.docs[key]
	if there == fresh || !fresh && old.rev != *rev {
		return errs.New(errs.Conflict, "%s was changed by somebody else.", key)
	}
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.rev++
	*rev = w.rev
	w.docs[key] = doc{data, w.rev}
	copied := *v
	w.tell(change(copied))
	return nil
}

func (w *World) tell(c batch.Change) {
	for _, i := range slices.Sorted(keys(w.watches)) {
		w.watches[i](c)
	}
}

func keys[K comparable, V any](m map[K]V) func(func(K) bool) {
	return func(yield func(K) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func get[T any](w *World, key string) (*T, uint64, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	d, ok := w.docs[key]
	if !ok {
		return nil, 0, errs.New(errs.NotFound, "There is no %s.", key)
	}
	v := new(T)
	return v, d.rev, json.Unmarshal(d.data, v)
}

func batchChange(b batch.Batch) batch.Change { return batch.Change{ID: b.ID, Batch: &b} }
func imageChange(m batch.Image) batch.Change { return batch.Change{ID: m.Batch, N: m.N, Image: &m} }

// CreateBatch implements batch.Repository.
func (w *World) CreateBatch(_ context.Context, b *batch.Batch) error {
	return put(w, "create batch", batchKey(b.ID), b, &b.Rev, true, batchChange)
}

// SaveBatch implements batch.Repository.
func (w *World) SaveBatch(_ context.Context, b *batch.Batch) error {
	return put(w, "save batch", batchKey(b.ID), b, &b.Rev, false, batchChange)
}

// Batch implements batch.Repository.
func (w *World) Batch(_ context.Context, id batch.ID) (*batch.Batch, error) {
	b, rev, err := get[batch.Batch](w, batchKey(id))
	if err == nil {
		b.Rev = rev
	}
	return b, err
}

// CreateImage implements batch.Repository.
func (w *World) CreateImage(_ context.Context, m *batch.Image) error {
	return put(w, "create image", imageKey(m.Batch, m.N), m, &m.Rev, true, imageChange)
}

// SaveImage implements batch.Repository.
func (w *World) SaveImage(_ context.Context, m *batch.Image) error {
	return put(w, "save image", imageKey(m.Batch, m.N), m, &m.Rev, false, imageChange)
}

// Image implements batch.Repository.
func (w *World) Image(_ context.Context, id batch.ID, n int) (*batch.Image, error) {
	m, rev, err := get[batch.Image](w, imageKey(id, n))
	if err == nil {
		m.Rev = rev
	}
	return m, err
}

// Images implements batch.Repository.
func (w *World) Images(ctx context.Context, id batch.ID) ([]*batch.Image, error) {
	var ns []int
	w.mu.Lock()
	for key := range w.docs {
		var n int
		if len(key) > 27 && key[:26] == string(id) {
			if _, err := fmt.Sscanf(key[27:], "%d", &n); err == nil {
				ns = append(ns, n)
			}
		}
	}
	w.mu.Unlock()
	slices.Sort(ns)
	images := make([]*batch.Image, 0, len(ns))
	for _, n := range ns {
		m, err := w.Image(ctx, id, n)
		if errs.Is(err, errs.NotFound) {
			continue // removed meanwhile
		}
		if err != nil {
			return nil, err
		}
		images = append(images, m)
	}
	return images, nil
}

// RemoveImage implements batch.Repository.
func (w *World) RemoveImage(_ context.Context, m *batch.Image) error {
	if err := w.fail("remove image"); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	key := imageKey(m.Batch, m.N)
	old, ok := w.docs[key]
	switch {
	case !ok:
		return errs.New(errs.NotFound, "There is no %s.", key)
	case old.rev != m.Rev:
		return errs.New(errs.Conflict, "%s was changed by somebody else.", key)
	}
	delete(w.docs, key)
	w.tell(batch.Change{ID: m.Batch, N: m.N, Gone: true})
	return nil
}

// RemoveBatch implements batch.Repository.
func (w *World) RemoveBatch(_ context.Context, id batch.ID) error {
	if err := w.fail("remove batch"); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for key := range w.docs {
		if key[:26] == string(id) {
			delete(w.docs, key)
		}
	}
	w.forget(id)
	w.tell(batch.Change{ID: id, Gone: true})
	return nil
}

// Lose takes an image out behind everybody's back, as damage does.
func (w *World) Lose(id batch.ID, n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.docs, imageKey(id, n))
}

// PutPicture implements batch.Pictures.
func (w *World) PutPicture(_ context.Context, id batch.ID, key string, kind batch.Kind, data []byte) error {
	if err := w.fail("put picture"); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pics[string(id)+"/"+key+"/"+string(kind)] = bytes.Clone(data)
	return nil
}

// GetPicture implements batch.Pictures.
func (w *World) GetPicture(_ context.Context, id batch.ID, key string, kind batch.Kind) ([]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	data, ok := w.pics[string(id)+"/"+key+"/"+string(kind)]
	if !ok {
		return nil, errs.New(errs.NotFound, "There is no such picture.")
	}
	return bytes.Clone(data), nil
}

// DropPicture implements batch.Pictures.
func (w *World) DropPicture(_ context.Context, id batch.ID, key string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	prefix := string(id) + "/"
	if key != "" {
		prefix += key + "/"
	}
	for k := range w.pics {
		if len(k) >= len(prefix) && k[:len(prefix)] == prefix {
			delete(w.pics, k)
		}
	}
	return nil
}

// PictureCount is how many pictures and thumbnails are kept.
func (w *World) PictureCount() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.pics)
}

// Subscribe implements batch.Changes.
func (w *World) Subscribe(_ context.Context, f func(batch.Change)) (func(), error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, key := range slices.Sorted(keys(w.docs)) {
		if len(key) != 26 {
			continue
		}
		b := new(batch.Batch)
		if err := json.Unmarshal(w.docs[key].data, b); err != nil {
			return nil, err
		}
		b.Rev = w.docs[key].rev
		f(batch.Change{ID: b.ID, Batch: b})
	}
	w.watched++
	me := w.watched
	w.watches[me] = f
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.watches, me)
	}, nil
}

// CatchUp implements batch.Changes: whoever saves tells of it first.
func (w *World) CatchUp(context.Context) error { return nil }

// Add implements batch.Queue.
func (w *World) Add(_ context.Context, units []batch.Unit) error {
	if err := w.fail("add work"); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, u := range units {
		l := w.lane(u.Batch)
		if !l.inHand[u] && !slices.Contains(l.units, u) {
			l.units = append(l.units, u)
		}
	}
	w.stir()
	return nil
}

func (w *World) lane(id batch.ID) *lane {
	if w.lanes[id] == nil {
		w.lanes[id] = &lane{inHand: map[batch.Unit]bool{}, atOnce: 1}
	}
	return w.lanes[id]
}

// stir wakes those who wait for work.
func (w *World) stir() {
	close(w.wait)
	w.wait = make(chan struct{})
}

// Open implements batch.Queue.
func (w *World) Open(_ context.Context, id batch.ID, atOnce int) (batch.Lane, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lane(id).atOnce = atOnce
	w.stir()
	return opened{w, id}, nil
}

// Drop implements batch.Queue.
func (w *World) Drop(_ context.Context, id batch.ID) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.lanes, id)
	return nil
}

// Queued is how many units of a batch are queued or in hand.
func (w *World) Queued(id batch.ID) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := w.lane(id)
	return len(l.units) + len(l.inHand)
}

// Crash gives every unit in hand back, as the end of a process does.
func (w *World) Crash() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, l := range w.lanes {
		for u := range l.inHand {
			l.units = append(l.units, u)
		}
		l.inHand = map[batch.Unit]bool{}
	}
	w.stir()
}

type opened struct {
	w  *World
	id batch.ID
}

// Next implements batch.Lane.
func (o opened) Next(ctx context.Context) (batch.Work, error) {
	for {
		o.w.mu.Lock()
		l, wait := o.w.lane(o.id), o.w.wait
		if len(l.units) > 0 && len(l.inHand) < l.atOnce {
			u := l.units[0]
			l.units = l.units[1:]
			l.inHand[u] = true
			o.w.mu.Unlock()
			return &taken{o.w, u}, nil
		}
		o.w.mu.Unlock()
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Close implements batch.Lane.
func (opened) Close() {}

type taken struct {
	w *World
	u batch.Unit
}

// Unit implements batch.Work.
func (t *taken) Unit() batch.Unit { return t.u }

// Extend implements batch.Work.
func (t *taken) Extend(context.Context) error { return nil }

// Done implements batch.Work.
func (t *taken) Done(context.Context) error { return t.put(false) }

// Back implements batch.Work.
func (t *taken) Back(_ context.Context, d time.Duration) error {
	if d > 0 {
		time.AfterFunc(d, func() { _ = t.put(true) })
		return nil
	}
	return t.put(true)
}

func (t *taken) put(back bool) error {
	t.w.mu.Lock()
	defer t.w.mu.Unlock()
	l := t.w.lane(t.u.Batch)
	if l.inHand[t.u] {
		delete(l.inHand, t.u)
		if back {
			l.units = append(l.units, t.u)
		}
	}
	t.w.stir()
	return nil
}
