package batch

import (
	"io"
	"maps"
	"sync"

	"sheetlift/internal/errs"
)

// UploadStats are the counters of the uploads of a process since its start, for monitoring.
type UploadStats struct {
	Uploads     map[string]uint64 // uploads by result: UploadAccepted, …
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

// counters holds UploadStats under a lock.
type counters struct {
	mu sync.Mutex
	f  UploadStats
}

func newCounters() *counters {
	return &counters{f: UploadStats{Uploads: map[string]uint64{}}}
}

func (c *counters) count(f func(*UploadStats)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(&c.f)
}

// Stats returns a copy of the counters.
func (s *Service) Stats() UploadStats {
	s.counters.mu.Lock()
	defer s.counters.mu.Unlock()
	f := s.counters.f
	f.Uploads = maps.Clone(f.Uploads)
	return f
}

// endCounter counts the images that became final.
type endCounter struct {
	mu sync.Mutex
	by map[End]uint64
}

func newEndCounter() *endCounter { return &endCounter{by: map[End]uint64{}} }

// Ended returns how many images became final since the start of the process, by result; an image that is read again counts again.
func (s *Service) Ended() map[End]uint64 {
	s.ended.mu.Lock()
	defer s.ended.mu.Unlock()
	return maps.Clone(s.ended.by)
}

// Stored counts m, which had status before and was just stored. Code that writes images without the use cases must call it
// after each successful compare-and-swap.
func (s *Service) Stored(before Status, m *Image) {
	if m.Status.Final() && m.Status != before {
		s.ended.mu.Lock()
		defer s.ended.mu.Unlock()
		s.ended.by[m.end()]++
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
	c.count(func(f *UploadStats) { f.Uploading++ })
	return func(err error) {
		c.count(func(f *UploadStats) {
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
	w.counters.count(func(f *UploadStats) { f.UploadBytes += uint64(n) })
	return n, err
}
