package store_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
	"sheetlift/internal/store"
	"sheetlift/internal/store/storetest"
)

func TestAFolderWithBatchesOfItsOwnIsNotMixedWithACluster(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	if err := open(t, dir).Close(); err != nil {
		t.Fatal(err)
	}
	before := listing(t, dir)
	_, err := store.Open(t.Context(), store.Config{Dir: dir, Cluster: store.Cluster{URL: "nats://127.0.0.1:1"}})
	if !errs.Is(err, errs.Conflict) || !strings.Contains(errs.Message(err), dir) || !strings.Contains(errs.Message(err), "sheetlift export") {
		t.Errorf("got %v", err)
	}
	if after := listing(t, dir); after != before {
		t.Errorf("the folder was touched:\n%s\n%s", before, after)
	}
}

func TestAFolderOfAClusterNodeIsNotUsedAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "jetstream", "$SYS", "_js_"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(t.Context(), store.Config{Dir: dir}); !errs.Is(err, errs.Conflict) || !strings.Contains(errs.Message(err), dir) {
		t.Errorf("got %v", err)
	}
}

func TestAClusterThatDoesNotAnswerIsNamedWithoutItsPassword(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := store.Open(ctx, store.Config{Cluster: store.Cluster{URL: "nats://me:hidden@127.0.0.1:1"}})
	if err == nil || !strings.Contains(errs.Message(err), "127.0.0.1:1") || strings.Contains(errs.Message(err), "hidden") {
		t.Errorf("got %v", err)
	}
}

// listing lists every file of a folder with its size and time.
func listing(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil {
			_, _ = all.WriteString(path + info.ModTime().String() + "\n")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// onCluster opens two stores on three nodes, as two processes do.
func onCluster(t *testing.T) (nodes *storetest.Cluster, one, two *store.Store) {
	t.Helper()
	nodes = storetest.Start(t, 3)
	for _, s := range []**store.Store{&one, &two} {
		opened, err := store.Open(t.Context(), store.Config{Cluster: store.Cluster{URL: nodes.URL()}, Mark: "the secret of both"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = opened.Close() })
		*s = opened
	}
	return nodes, one, two
}

func TestAProcessWithAnotherSecretDoesNotJoinACluster(t *testing.T) {
	t.Parallel()
	nodes, _, _ := onCluster(t)
	_, err := store.Open(t.Context(), store.Config{Cluster: store.Cluster{URL: nodes.URL()}, Mark: "another secret"})
	if !errs.Is(err, errs.Conflict) || !strings.Contains(errs.Message(err), "SHEETLIFT_SECRET differs") || strings.Contains(err.Error(), "another secret") {
		t.Errorf("got %v", err)
	}
}

// A read may be served by a node that is behind, and must not show it.
func TestWhatOneProcessWasToldIsStoredTheOtherReadsAtOnce(t *testing.T) {
	t.Parallel()
	nodes, one, two := onCluster(t)
	b := newBatch(t, one)
	for n := 1; n <= 40; n++ {
		if n == 20 {
			nodes.Kill(nodes.Leader("KV_images")) // reads and writes continue over the election
		}
		if err := one.PutPicture(t.Context(), b.ID, "key", batch.Full, []byte{byte(n)}); err != nil {
			t.Fatal(err)
		}
		if got, err := two.GetPicture(t.Context(), b.ID, "key", batch.Full); err != nil || got[0] != byte(n) {
			t.Fatalf("picture %d: %v, %v", n, got, err)
		}
		if err := one.CreateImage(t.Context(), &batch.Image{Batch: b.ID, N: n, Status: batch.Pending}); err != nil {
			t.Fatal(err)
		}
		if images, err := two.Images(t.Context(), b.ID); err != nil || len(images) != n {
			t.Fatalf("%d of %d images: %v", len(images), n, err)
		}
	}
}

// The consumer of a watch is on one node, and a cluster may place it on a lost one.
func TestAWatchOutlivesALostNode(t *testing.T) {
	t.Parallel()
	nodes, one, two := onCluster(t)
	b := newBatch(t, one)
	heard := make(chan int, 100)
	cancel, err := two.Subscribe(t.Context(), func(c batch.Change) {
		if c.Image != nil {
			heard <- c.N
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer cancel()
	const rounds = 3
	for n := 1; n <= rounds; n++ {
		nodes.Kill(n % 3) // in one round it is the node that the watcher is connected to
		if err := one.CreateImage(t.Context(), &batch.Image{Batch: b.ID, N: n, Status: batch.Pending}); err != nil {
			t.Fatal(err)
		}
		select {
		case got := <-heard:
			if got != n {
				t.Fatalf("image %d was told when %d was due", got, n)
			}
		case <-time.After(time.Minute):
			t.Fatalf("image %d was never told", n)
		}
		nodes.Begin(n % 3)
		nodes.Whole("KV_images", "KV_batches")
	}
}

// A cluster refuses a write while another write of the same document is in progress, before it knows which one
// wins.
func TestOfManyWhoSwapAtOnceOnAClusterNobodyIsToldOfAFault(t *testing.T) {
	t.Parallel()
	_, one, two := onCluster(t)
	b := newBatch(t, one)
	if err := one.CreateImage(t.Context(), &batch.Image{Batch: b.ID, N: 1, Status: batch.Pending}); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		m, err := one.Image(t.Context(), b.ID, 1)
		if err != nil {
			t.Fatal(err)
		}
		var won atomic.Int64
		var all sync.WaitGroup
		for i := range 16 {
			s := []*store.Store{one, two}[i%2]
			mine := *m
			mine.Tries = i
			all.Go(func() {
				if err := s.SaveImage(t.Context(), &mine); err == nil {
					won.Add(1)
				} else if !errs.Is(err, errs.Conflict) {
					t.Errorf("told of a fault: %v", err)
				}
			})
		}
		all.Wait()
		if won.Load() != 1 {
			t.Errorf("%d of 16 won", won.Load())
		}
	}
}
