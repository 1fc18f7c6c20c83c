package batch

import (
	"io"
	"maps"
	"sync"

	"sheetlift/internal/errs"
)

// Stats are the counters of a process since its start, for monitoring.
type Stats struct {
	Ended       map[End]uint64    // images that became final, by result; an image that is read again counts again
	Uploads     map[string]uint64 // uploads by result: UploadTaken, …
	Uploading   int               // uploads in progress
	UploadBytes uint64            // bytes read from uploads
	Arrived     uint64            // images extracted from uploads
}

// End is the final result of an image.
type End struct {
	Result string // one of the End… constants
	Engine string // the engine that read it, or made the last attempt; "" for none
}

// The results.
const (
	EndRead      = "completed" // read by an engine
	EndFromCache = "reused"    // completed with an earlier reading: of the same picture, or its own after a reread was canceled or failed
	EndFailed    = "failed"
	EndCanceled  = "canceled"
)

// The results of an upload.
const (
	UploadAccepted = "taken"   // it is in the batch, now or from before
	UploadRefused  = "refused" // rejected because of its content, or because the batch accepts no more
	UploadFailed   = "failed"  // interrupted, disk full, or the store does not answer
)

// counters holds Stats under a lock.
type counters struct {
	mu sync.Mutex
	f  Stats
}

func newCounters() *counters {
	return &counters{f: Stats{Ended: map[End]uint64{}, Uploads: map[string]uint64{}}}
}

func (c *counters) count(f func(*Stats)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(&c.f)
}

// Stats returns a copy of the counters.
func (s *Service) Stats() Stats {
	s.counters.mu.Lock()
	defer s.counters.mu.Unlock()
	f := s.counters.f
	f.Ended, f.Uploads = maps.Clone(f.Ended), maps.Clone(f.Uploads)
	return f
}

// Stored counts m, which had status before and was just stored. Code that writes images without the use cases must call it
// after each successful compare-and-swap.
func (s *Service) Stored(before Status, m *Image) {
	if m.Status.Final() && m.Status != before {
		s.counters.count(func(f *Stats) { f.Ended[m.end()]++ })
	}
}

// end returns the result of m, which is final.
func (m *Image) end() End {
	a := m.Last()
	switch {
	case m.Status == Failed || m.Status == Canceled:
		e := End{Result: string(m.Status)}
		if a != nil {
			e.Engine = a.Engine
		}
		return e
	case a != nil && a.Why == "" && a.Ended.Equal(m.Ended):
		return End{EndRead, a.Engine}
	}
	return End{EndFromCache, ""}
}

// uploading counts an upload that begins; the returned function counts its end.
func (c *counters) uploading() func(error) {
	c.count(func(f *Stats) { f.Uploading++ })
	return func(err error) {
		c.count(func(f *Stats) {
			f.Uploading--
			switch {
			case err == nil:
				f.Uploads[UploadAccepted]++
			case errs.Is(err, errs.Invalid) || errs.Is(err, errs.TooLarge) || errs.Is(err, errs.Conflict) || errs.Is(err, errs.NotFound):
				f.Uploads[UploadRefused]++
			default:
				f.Uploads[UploadFailed]++
			}
		})
	}
}

// countingReader counts the bytes of an upload as they are read.
type countingReader struct {
	io.Reader
	counters *counters
}

// Read implements io.Reader.
func (w countingReader) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	w.counters.count(func(f *Stats) { f.UploadBytes += uint64(n) })
	return n, err
}
