package batch

import (
	"io"
	"maps"
	"sync"

	"sheetlift/internal/errs"
)

// Stats is what a process did since it began, for those who watch.
type Stats struct {
	Ended       map[End]uint64    // images that became final, by what became of them; one that is read again counts again
	Uploads     map[string]uint64 // files that were sent, by UploadTaken, …
	Uploading   int               // files that are being taken in
	UploadBytes uint64            // read of files
	Arrived     uint64            // images that came out of files
}

// End is what became of an image.
type End struct {
	Result string // one of the constants
	Engine string // that read it, or was the last to try; "" for none
}

// The results.
const (
	EndRead     = "completed" // by the engine
	EndReused   = "reused"    // completed with what was read before: of the same picture, or until it was to be read afresh
	EndFailed   = "failed"
	EndCanceled = "canceled"
)

// What may become of a file that was sent.
const (
	UploadTaken   = "taken"   // it is in the batch, or was already
	UploadRefused = "refused" // for what it is, or because the batch takes no more
	UploadFailed  = "failed"  // it broke off, there is no room, or the store does not answer
)

// counters counts Stats.
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

// Stats returns what this process did so far.
func (s *Service) Stats() Stats {
	s.counters.mu.Lock()
	defer s.counters.mu.Unlock()
	f := s.counters.f
	f.Ended, f.Uploads = maps.Clone(f.Ended), maps.Clone(f.Uploads)
	return f
}

// Stored tells the statistics that m, which was in status before, was stored as it is. Whoever writes images past the use
// cases says so for each swap that succeeded.
func (s *Service) Stored(before Status, m *Image) {
	if m.Status.Final() && m.Status != before {
		s.counters.count(func(f *Stats) { f.Ended[m.end()]++ })
	}
}

// end is what became of m, which is final.
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
	return End{EndReused, ""}
}

// uploading counts a file in that is being taken; the function returned counts it out.
func (c *counters) uploading() func(error) {
	c.count(func(f *Stats) { f.Uploading++ })
	return func(err error) {
		c.count(func(f *Stats) {
			f.Uploading--
			switch {
			case err == nil:
				f.Uploads[UploadTaken]++
			case errs.Is(err, errs.Invalid) || errs.Is(err, errs.TooLarge) || errs.Is(err, errs.Conflict) || errs.Is(err, errs.NotFound):
				f.Uploads[UploadRefused]++
			default:
				f.Uploads[UploadFailed]++
			}
		})
	}
}

// weighed is a file whose bytes are counted as they are read.
type weighed struct {
	io.Reader
	counters *counters
}

// Read implements io.Reader.
func (w weighed) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	w.counters.count(func(f *Stats) { f.UploadBytes += uint64(n) })
	return n, err
}
