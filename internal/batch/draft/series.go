package draft

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"math"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"sync"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
)

// Series adds files that arrive one after the other, as in a form. While one arrives, those before it are prepared and stored,
// on all processors. One goroutine calls its methods, and calls Wait or Stop at the end. Use Service.Series to create one.
type Series struct {
	draft    *Service
	ctx      context.Context
	cancel   context.CancelFunc
	batch    batch.ID
	upload   string // of which the ids of the uploads are made
	position int    // of the first file
	room     int    // images that the batch can still hold when the series begins

	slots   chan struct{}
	running sync.WaitGroup

	mu     sync.Mutex
	added  []Added
	active int   // files in work
	images int   // images that were made
	failed error // the first error that is not the fault of a file
}

// Added is the outcome of one file of a Series.
type Added struct {
	Filename string    // as sent
	Ingested *Ingested // nil if the file was refused
	Refusal  error     // errs.Invalid or errs.TooLarge
}

// Series returns a series that adds to a draft, behind the images that are there.
func (s *Service) Series(ctx context.Context, id batch.ID) (*Series, error) {
	images, err := s.ports.Repository.Images(ctx, id)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	return &Series{
		draft: s, ctx: ctx, cancel: cancel, batch: id, upload: rand.Text(),
		position: batch.NextPosition(images), room: s.limits.MaxImages - len(images),
		// One more than processors, so that all are busy while a file is being stored.
		slots: make(chan struct{}, runtime.GOMAXPROCS(0)+1),
	}, nil
}

// Add adds the next file and returns when its body was read; the file is in work then. An error is not the fault of this file
// and ends the series.
func (s *Series) Add(filename string, body io.Reader) error {
	s.settle()
	s.slots <- struct{}{}
	n, err := s.begin(filename)
	if err != nil {
		<-s.slots
		return err
	}
	arrived := make(chan struct{})
	over := sync.OnceFunc(func() { close(arrived) })
	s.running.Go(func() {
		defer func() { <-s.slots }()
		defer over()
		s.add(n, Upload{
			ID: s.upload + "-" + strconv.Itoa(n+1), Filename: filename, Position: s.position + n, Body: &endingReader{body, over},
		})
	})
	<-arrived
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed
}

// settle waits for the files in work if they could fill the batch: the order of the files decides which of them find a place.
func (s *Series) settle() {
	s.mu.Lock()
	near := s.images+s.active >= s.room
	s.mu.Unlock()
	if near {
		s.running.Wait()
	}
}

func (s *Series) begin(filename string) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed != nil {
		return 0, s.failed
	}
	s.added = append(s.added, Added{Filename: filename})
	s.active++
	return len(s.added) - 1, nil
}

// add adds file n and records its outcome.
func (s *Series) add(n int, u Upload) {
	taken, err := s.safely(u)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.active--
	switch {
	case err == nil:
		s.added[n].Ingested = taken
		s.images += len(taken.Images)
	case errs.Is(err, errs.Invalid) || errs.Is(err, errs.TooLarge):
		s.added[n].Refusal = err
	case s.failed == nil:
		s.failed = err
		s.cancel()
	}
}

// safely returns a panic as an error: nothing above this goroutine recovers.
func (s *Series) safely(u Upload) (taken *Ingested, err error) {
	defer func() {
		if p := recover(); p != nil {
			taken, err = nil, fmt.Errorf("add a file of a series: panic: %v\n%s", p, debug.Stack())
		}
	}()
	return s.draft.add(s.ctx, s.batch, u, math.MaxInt) // positions of refused files stay unused
}

// Full reports whether the batch holds as many images as it may. It may wait for the files in work.
func (s *Series) Full() bool {
	s.settle()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.images >= s.room
}

// Wait waits for the files in work and returns the outcomes in the order in which the files came. An error is not the fault of
// a file; what was added before it stays.
func (s *Series) Wait() ([]Added, error) {
	s.running.Wait()
	s.cancel()
	return slices.Clone(s.added), s.failed
}

// Stop ends the files in work and waits for them. What was added stays. After Wait it does nothing.
func (s *Series) Stop() {
	s.cancel()
	s.running.Wait()
}

// endingReader calls over at the end of a reader, and does not touch the reader afterwards.
type endingReader struct {
	io.Reader
	over func()
}

// Read implements io.Reader.
func (r *endingReader) Read(p []byte) (int, error) {
	if r.Reader == nil {
		return 0, io.EOF
	}
	n, err := r.Reader.Read(p)
	if err == io.EOF {
		r.Reader = nil
		r.over()
	}
	return n, err
}
