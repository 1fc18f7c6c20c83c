package draft

import (
	"io"
	"maps"
	"sync"

	"sheetlift/internal/errs"
)

// Stats are the counters of the uploads of a process since its start, for monitoring.
type Stats struct {
	Uploads     map[string]uint64 // uploads by result: UploadAccepted, …
	Uploading   int               // uploads in progress
	UploadBytes uint64            // bytes read from uploads
	Arrived     uint64            // images extracted from uploads
}

// The results of an upload.
const (
	UploadAccepted = "taken"   // it is in the batch, now or from before
	UploadRefused  = "refused" // rejected because of its content, or because the batch accepts no more
	UploadFailed   = "failed"  // interrupted, disk full, or the store does not answer
)

// counters holds UploadStats under a lock.
type counters struct {
	mu sync.Mutex
	f  Stats
}

func newCounters() *counters {
	return &counters{f: Stats{Uploads: map[string]uint64{}}}
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
	f.Uploads = maps.Clone(f.Uploads)
	return f
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
