package worker_test

import (
	"context"
	"sync"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
)

// way is how an operation of the store fails.
type way string

const (
	refused     way = "refused"      // the operation is not done, and the caller gets an error
	unheard     way = "unheard"      // the operation is done, but the caller gets an error
	late        way = "late"         // the caller gets an error, and the operation is done a moment later
	crashBefore way = "crash before" // the process dies before the operation is done
	crashAfter  way = "crash after"  // the process dies after the operation is done
)

// faulty implements the ports of one process over a store and makes one operation fail: number at. Once the process has
// crashed, none of its operations reaches the store.
type faulty struct {
	repository batch.Repository
	queue      batch.Queue
	pictures   batch.Pictures
	readings   batch.ReadingCache
	at         int
	way        way

	mu       sync.Mutex
	n        int
	name     string // of the operation that failed
	dead     bool
	crashed  chan struct{}            // closed when dead
	inFlight map[*faultyDelivery]bool // units that die with the process
	delayed  sync.WaitGroup           // operations that come late
}

// ports is the part of a process's ports that the store implements.
type ports interface {
	batch.Repository
	batch.Pictures
	batch.ReadingCache
}

func newFaulty(s ports, q batch.Queue, at int, w way) *faulty {
	return &faulty{repository: s, queue: q, pictures: s, readings: s, at: at, way: w, crashed: make(chan struct{}), inFlight: map[*faultyDelivery]bool{}}
}

var errFault = errs.New(errs.Unavailable, "The store did not answer in time. Please try again in a moment.")

// do runs one operation, or makes it fail. A port may be called only once more after that.
func (f *faulty) do(ctx context.Context, name string, op func(context.Context) error) error {
	f.mu.Lock()
	if f.dead {
		f.mu.Unlock()
		return errFault
	}
	f.n++
	fails := f.n == f.at
	if fails {
		f.name = name
		if f.way == crashBefore || f.way == crashAfter {
			f.dead = true
			defer close(f.crashed)
		}
	}
	f.mu.Unlock()
	if !fails {
		return op(ctx)
	}
	switch f.way {
	case unheard, crashAfter:
		_ = op(context.WithoutCancel(ctx))
	case late:
		f.delayed.Add(1)
		time.AfterFunc(5*time.Millisecond, func() {
			defer f.delayed.Done()
			_ = op(context.WithoutCancel(ctx))
		})
	}
	return errFault
}

// give is do for an operation that returns a value. The value is returned whole or not at all.
func give[T any](ctx context.Context, f *faulty, name string, op func(context.Context) (T, error)) (T, error) {
	var v T
	err := f.do(ctx, name, func(ctx context.Context) (err error) {
		got, err := op(ctx)
		if err == nil {
			v = got
		}
		return err
	})
	if err != nil {
		var none T
		return none, err
	}
	return v, nil
}

// free returns the units that a dead process had in work to the queue, as the store does when the folder is opened again.
func (f *faulty) free() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for w := range f.inFlight {
		_ = w.Delivery.Nack(context.Background(), 0)
	}
}

func (f *faulty) CreateBatch(ctx context.Context, b *batch.Batch) error {
	c := *b
	err := f.do(ctx, "create batch", func(ctx context.Context) error { return f.repository.CreateBatch(ctx, &c) })
	if err == nil {
		b.Rev = c.Rev
	}
	return err
}

func (f *faulty) Batch(ctx context.Context, id batch.ID) (*batch.Batch, error) {
	return give(ctx, f, "batch", func(ctx context.Context) (*batch.Batch, error) { return f.repository.Batch(ctx, id) })
}

func (f *faulty) SaveBatch(ctx context.Context, b *batch.Batch) error {
	c := *b
	err := f.do(ctx, "save batch", func(ctx context.Context) error { return f.repository.SaveBatch(ctx, &c) })
	if err == nil {
		b.Rev = c.Rev
	}
	return err
}

func (f *faulty) CreateImage(ctx context.Context, m *batch.Image) error {
	c := *m
	err := f.do(ctx, "create image", func(ctx context.Context) error { return f.repository.CreateImage(ctx, &c) })
	if err == nil {
		m.Rev = c.Rev
	}
	return err
}

func (f *faulty) Image(ctx context.Context, id batch.ID, n int) (*batch.Image, error) {
	return give(ctx, f, "image", func(ctx context.Context) (*batch.Image, error) { return f.repository.Image(ctx, id, n) })
}

func (f *faulty) Images(ctx context.Context, id batch.ID) ([]*batch.Image, error) {
	return give(ctx, f, "images", func(ctx context.Context) ([]*batch.Image, error) { return f.repository.Images(ctx, id) })
}

func (f *faulty) SaveImage(ctx context.Context, m *batch.Image) error {
	c := *m
	err := f.do(ctx, "save image", func(ctx context.Context) error { return f.repository.SaveImage(ctx, &c) })
	if err == nil {
		m.Rev = c.Rev
	}
	return err
}

func (f *faulty) RemoveImage(ctx context.Context, m *batch.Image) error {
	c := *m
	return f.do(ctx, "remove image", func(ctx context.Context) error { return f.repository.RemoveImage(ctx, &c) })
}

func (f *faulty) RemoveBatch(ctx context.Context, id batch.ID) error {
	return f.do(ctx, "remove batch", func(ctx context.Context) error { return f.repository.RemoveBatch(ctx, id) })
}

func (f *faulty) PutPicture(ctx context.Context, id batch.ID, key string, kind batch.Kind, data []byte) error {
	return f.do(ctx, "put picture", func(ctx context.Context) error { return f.pictures.PutPicture(ctx, id, key, kind, data) })
}

func (f *faulty) GetPicture(ctx context.Context, id batch.ID, key string, kind batch.Kind) ([]byte, error) {
	return give(ctx, f, "get picture", func(ctx context.Context) ([]byte, error) { return f.pictures.GetPicture(ctx, id, key, kind) })
}

func (f *faulty) DropPicture(ctx context.Context, id batch.ID, key string) error {
	return f.do(ctx, "drop picture", func(ctx context.Context) error { return f.pictures.DropPicture(ctx, id, key) })
}

func (f *faulty) PutReading(ctx context.Context, question string, r *batch.Reading) error {
	return f.do(ctx, "put reading", func(ctx context.Context) error { return f.readings.PutReading(ctx, question, r) })
}

func (f *faulty) GetReading(ctx context.Context, question string) (*batch.Reading, error) {
	return give(ctx, f, "get reading", func(ctx context.Context) (*batch.Reading, error) { return f.readings.GetReading(ctx, question) })
}

func (f *faulty) PurgeReadings(ctx context.Context, id batch.ID) error {
	return f.do(ctx, "purge readings", func(ctx context.Context) error { return f.readings.PurgeReadings(ctx, id) })
}

func (f *faulty) Add(ctx context.Context, units []batch.Unit) error {
	return f.do(ctx, "add work", func(ctx context.Context) error { return f.queue.Add(ctx, units) })
}

func (f *faulty) Drop(ctx context.Context, id batch.ID) error {
	return f.do(ctx, "drop work", func(ctx context.Context) error { return f.queue.Drop(ctx, id) })
}

func (f *faulty) Open(ctx context.Context, id batch.ID, atOnce int) (batch.Consumer, error) {
	consumer, err := give(ctx, f, "open consumer", func(ctx context.Context) (batch.Consumer, error) { return f.queue.Open(ctx, id, atOnce) })
	if err != nil {
		return nil, err
	}
	return &faultyLane{consumer, f}, nil
}

type faultyLane struct {
	batch.Consumer
	f *faulty
}

// Next does not fail by itself: a unit that a store loses on its way to a worker is delivered again when its lease expires.
func (l *faultyLane) Next(ctx context.Context) (batch.Delivery, error) {
	w, err := l.Consumer.Next(ctx)
	if err != nil {
		return nil, err
	}
	h := &faultyDelivery{w, l.f}
	l.f.mu.Lock()
	l.f.inFlight[h] = true
	l.f.mu.Unlock()
	return h, nil
}

type faultyDelivery struct {
	batch.Delivery
	f *faulty
}

func (w *faultyDelivery) settle(ctx context.Context, name string, op func(context.Context) error) error {
	err := w.f.do(ctx, name, op)
	if err == nil {
		w.f.mu.Lock()
		delete(w.f.inFlight, w)
		w.f.mu.Unlock()
	}
	return err
}

// Ack implements batch.Delivery.
func (w *faultyDelivery) Ack(ctx context.Context) error { return w.settle(ctx, "ack", w.Delivery.Ack) }

// Nack implements batch.Delivery.
func (w *faultyDelivery) Nack(ctx context.Context, d time.Duration) error {
	return w.settle(ctx, "nack", func(ctx context.Context) error { return w.Delivery.Nack(ctx, d) })
}
