package store_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/store"
	"sheetlift/internal/store/storetest"
)

// benchPair opens two stores on three nodes, as two processes do.
func benchPair(b *testing.B) (one, two *store.Store) {
	b.Helper()
	nodes := storetest.Start(b, 3)
	var pair [2]*store.Store
	for i := range pair {
		s, err := store.Open(b.Context(), store.Config{Cluster: store.Cluster{URL: nodes.URL()}})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = s.Close() })
		pair[i] = s
	}
	return pair[0], pair[1]
}

func BenchmarkEngineEnqueueToStart(b *testing.B) {
	alone := func(b *testing.B) (*store.Store, *store.Store) { s := open(b, b.TempDir()); return s, s }
	for name, stores := range map[string]func(*testing.B) (*store.Store, *store.Store){"inside": alone, "cluster": benchPair} {
		b.Run(name, func(b *testing.B) {
			from, to := stores(b)
			x := newBatch(b, from)
			consumer, err := to.Queue().Open(b.Context(), x.ID, 5)
			if err != nil {
				b.Fatal(err)
			}
			defer consumer.Close()
			var waited time.Duration
			for n := 1; b.Loop(); n++ {
				begun := time.Now()
				if err := from.Queue().Add(b.Context(), []batch.Unit{{Batch: x.ID, N: n, Generation: 1}}); err != nil {
					b.Fatal(err)
				}
				w, err := consumer.Next(b.Context())
				if err != nil {
					b.Fatal(err)
				}
				waited += time.Since(begun)
				if err := w.Ack(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(waited.Microseconds())/1000/float64(b.N), "ms/start")
		})
	}
}

// BenchmarkEngineChangeOnAnotherProcess measures from the writing call to the subscriber of the other process.
func BenchmarkEngineChangeOnAnotherProcess(b *testing.B) {
	one, two := benchPair(b)
	m := newImages(b, one, newBatch(b, one).ID, 1)[0]
	seen := make(chan uint64, 16)
	cancel, err := two.Subscribe(b.Context(), func(c batch.Change) {
		if c.Image != nil {
			seen <- c.Image.Rev
		}
	})
	if err != nil {
		b.Fatal(err)
	}
	defer cancel()
	for b.Loop() {
		m.Tries++
		if err := one.SaveImage(b.Context(), m); err != nil {
			b.Fatal(err)
		}
		for rev := range seen {
			if rev == m.Rev {
				break
			}
		}
	}
}

// BenchmarkEngineNoOp takes images through their life without an engine: claim, save, ack.
func BenchmarkEngineNoOp(b *testing.B) {
	const images = 1000
	for _, slots := range []int{5, 64} {
		b.Run(fmt.Sprint(slots), func(b *testing.B) {
			s := open(b, b.TempDir())
			for b.Loop() {
				b.StopTimer()
				x := newBatch(b, s)
				newImages(b, s, x.ID, images)
				consumer, err := s.Queue().Open(b.Context(), x.ID, slots)
				if err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				begun := time.Now()
				if err := s.Queue().Add(b.Context(), units(x.ID, images)); err != nil {
					b.Fatal(err)
				}
				work := make(chan batch.Delivery)
				var all sync.WaitGroup
				for range slots {
					all.Go(func() {
						for w := range work {
							if err := noOp(b.Context(), s, w); err != nil {
								b.Error(err)
							}
						}
					})
				}
				for range images {
					w, err := consumer.Next(b.Context())
					if err != nil {
						b.Fatal(err)
					}
					work <- w
				}
				close(work)
				all.Wait()
				b.ReportMetric(images/time.Since(begun).Seconds(), "images/s")
				consumer.Close()
			}
			b.ReportMetric(memory(b, "VmHWM"), "peak-MB")
		})
	}
}

func noOp(ctx context.Context, s *store.Store, w batch.Delivery) error {
	u := w.Unit()
	m, err := s.Image(ctx, u.Batch, u.N)
	if err != nil {
		return err
	}
	m.Status, m.Tries = batch.Processing, 1
	if err := s.SaveImage(ctx, m); err != nil {
		return err
	}
	m.Status = batch.Completed
	if err := s.SaveImage(ctx, m); err != nil {
		return err
	}
	return w.Ack(ctx)
}

func BenchmarkEngineList5000(b *testing.B) {
	s := open(b, b.TempDir())
	x := newBatch(b, s)
	newImages(b, s, x.ID, 5000)
	for b.Loop() {
		if images, err := s.Images(b.Context(), x.ID); err != nil || len(images) != 5000 {
			b.Fatal(len(images), err)
		}
	}
}

// BenchmarkEngineStart100000 opens a folder with 200 batches of 500 images, and lists its batches.
func BenchmarkEngineStart100000(b *testing.B) {
	dir := filepath.Join(b.TempDir(), "data")
	s := open(b, dir)
	var some sync.WaitGroup
	for range 200 {
		some.Go(func() { newImages(b, s, newBatch(b, s).ID, 500) })
	}
	some.Wait()
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		s := open(b, dir)
		if ids, err := s.Batches(b.Context()); err != nil || len(ids) != 200 {
			b.Fatal(len(ids), err)
		}
		b.StopTimer()
		debug.FreeOSMemory()
		b.ReportMetric(memory(b, "VmRSS"), "idle-MB")
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

// memory returns a line of this process's memory statistics, in MB.
func memory(b *testing.B, line string) float64 {
	b.Helper()
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Skip("memory is read from /proc, which is not here")
	}
	for one := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(one, line+":"); ok {
			kb, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				b.Fatal(err)
			}
			return float64(kb) / 1024
		}
	}
	return 0
}
