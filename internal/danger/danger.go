// Package danger marks code that can kill the whole process: code that opens the bytes of a picture or of an answer
// in this process (decode, rotate, parse). A mark names the image and survives a crash, so that the next start
// knows which images were being opened, and which of them was opened alone.
package danger

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Image names the image whose bytes are opened. The zero value stands for an upload that is no image yet; it is not
// marked.
type Image struct {
	Batch string
	N     int
}

// Mark records that an image is being opened.
type Mark struct {
	ID    string // unique, so that one crash is counted once
	Image Image
	Alone bool // nothing else was opened meanwhile
	Made  time.Time
}

// Guard tracks the dangerous sections of this process. A nil Guard does nothing.
type Guard struct {
	marks   *file // nil: marks are not stored
	left    []Mark
	log     *slog.Logger
	started int64
	count   atomic.Int64
	logOnce sync.Once

	mu           sync.Mutex
	open         int           // open sections
	alone        bool          // the open section excludes all others
	waitingAlone int           // callers that wait to be alone; no other section starts before theirs
	changed      chan struct{} // closed and replaced when a section ends or a waiting caller gives up
}

// New returns a guard that stores no marks, for a process whose data ends with it.
func New(log *slog.Logger) *Guard {
	return &Guard{log: log, started: time.Now().UnixNano(), changed: make(chan struct{})}
}

// Open returns a guard that stores its marks in a folder, which it creates if missing. Left returns the marks of a
// dead process. Each file of the folder belongs to one process, by a lock that ends with the process: of processes
// that share a folder each finds the marks of its own predecessor or of another dead one.
func Open(dir string, log *slog.Logger) (*Guard, error) {
	g := New(log)
	var err error
	g.marks, g.left, err = open(dir)
	return g, err
}

// Left returns the marks of the dead process. They stay until Forget, also over the next start.
func (g *Guard) Left() []Mark {
	if g == nil {
		return nil
	}
	return g.left
}

// Forget removes a mark of Left once its information is stored elsewhere.
func (g *Guard) Forget(m Mark) {
	if g != nil && g.marks != nil {
		g.marks.forget(m)
	}
}

// Close releases the marks to the next process.
func (g *Guard) Close() error {
	if g == nil || g.marks == nil {
		return nil
	}
	return g.marks.close()
}

type sectionKey struct{}

type section struct {
	guard *Guard
	image Image
	alone bool
}

// About returns a context in which Enter and Do open the bytes of image m; alone excludes every other section of
// this process meanwhile.
func (g *Guard) About(ctx context.Context, m Image, alone bool) context.Context {
	if g == nil {
		return ctx
	}
	return context.WithValue(ctx, sectionKey{}, section{g, m, alone})
}

// Enter starts a dangerous section for the image of ctx. leave ends it and may be called twice. A section must be
// innermost: inside it the code must not wait for the network, a child process, a lock, a slot or another section.
// The only error is ctx's. Without an image in ctx nothing is marked.
func Enter(ctx context.Context) (leave func(), err error) {
	a, ok := ctx.Value(sectionKey{}).(section)
	if !ok {
		return func() {}, nil
	}
	if err := a.guard.enter(ctx, a.alone); err != nil {
		return func() {}, err
	}
	unmark := a.guard.mark(a)
	return sync.OnceFunc(func() {
		unmark()
		a.guard.leave()
	}), nil
}

// Do runs f in a dangerous section; see Enter.
func Do(ctx context.Context, f func() error) error {
	leave, err := Enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	return f()
}

func (g *Guard) enter(ctx context.Context, alone bool) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if alone {
		g.waitingAlone++
		defer func() { g.waitingAlone-- }()
	}
	for g.alone || alone && g.open > 0 || !alone && g.waitingAlone > 0 {
		moved := g.changed
		g.mu.Unlock()
		select {
		case <-moved:
			g.mu.Lock()
		case <-ctx.Done():
			g.mu.Lock()
			g.wake()
			return ctx.Err()
		}
	}
	g.open, g.alone = g.open+1, alone
	return nil
}

func (g *Guard) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open, g.alone = g.open-1, false
	g.wake()
}

// wake wakes the waiting callers. They run once the caller releases g.mu.
func (g *Guard) wake() {
	close(g.changed)
	g.changed = make(chan struct{})
}

// mark stores a mark. If that fails, the image is opened all the same: the mark protects other images, and a disk
// that cannot store a mark cannot store a result either.
func (g *Guard) mark(a section) (unmark func()) {
	if g.marks == nil || a.image == (Image{}) {
		return func() {}
	}
	slot, err := g.marks.put(Mark{ID: fmt.Sprintf("%x-%x", g.started, g.count.Add(1)), Image: a.image, Alone: a.alone, Made: time.Now()})
	if err != nil {
		g.logOnce.Do(func() {
			g.log.Error("storing crash marks failed: an image that crashes the process will not be identified", "err", err)
		})
	}
	return func() { g.marks.clear(slot) }
}
