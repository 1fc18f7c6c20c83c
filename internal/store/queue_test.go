package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
	"sheetlift/internal/store"
)

func TestAddingWorkMayBeRepeated(t *testing.T) {
	t.Parallel()
	s := open(t, "")
	b := newBatch(t, s)
	q := s.Queue()
	for range 3 {
		if err := q.Add(t.Context(), units(b.ID, 400)); err != nil {
			t.Fatal(err)
		}
	}
	consumer, err := q.Open(t.Context(), b.ID, 64)
	if err != nil {
		t.Fatal(err)
	}
	defer consumer.Close()
	seen := map[int]bool{}
	for range 400 {
		w, err := consumer.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if seen[w.Unit().N] {
			t.Fatalf("unit %v came twice", w.Unit())
		}
		seen[w.Unit().N] = true
		if w.Unit().N == 7 { // leased: adding it again changes nothing
			if err := q.Add(t.Context(), []batch.Unit{w.Unit()}); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Ack(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	nothingMore(t, consumer)
}

func nothingMore(t *testing.T, consumer batch.Consumer) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
	defer cancel()
	if w, err := consumer.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("more work came: %v, %v", w, err)
	}
}

// beVictim takes two units, reports that, and waits to be killed.
func beVictim(dir string) {
	ctx := context.Background()
	s, err := store.Open(ctx, store.Config{Dir: dir, MinFree: -1})
	if err == nil {
		var consumer batch.Consumer
		if consumer, err = s.Queue().Open(ctx, batch.ID(os.Getenv("SHEETLIFT_TEST_BATCH")), 5); err == nil {
			for range 2 {
				if _, err = consumer.Next(ctx); err != nil {
					break
				}
			}
		}
	}
	fmt.Println("in hand", err)
	select {}
}

func TestWorkOfAKilledProcessComesBackAtOnce(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	s := open(t, dir)
	b := newBatch(t, s)
	if err := s.Queue().Add(t.Context(), units(b.ID, 2)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = []string{victim + "=" + dir, "SHEETLIFT_TEST_BATCH=" + string(b.ID)}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 100)
	n, _ := out.Read(line)
	if said := string(line[:n]); said != "in hand <nil>\n" {
		t.Errorf("the process said %q", said)
	}
	if _, err := store.Open(t.Context(), store.Config{Dir: dir}); !errs.Is(err, errs.Conflict) || !strings.Contains(errs.Message(err), dir) {
		t.Errorf("a second process on the folder: %v", err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()

	s = open(t, dir)
	consumer, err := s.Queue().Open(t.Context(), b.ID, 5)
	if err != nil {
		t.Fatal(err)
	}
	defer consumer.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second) // the queue alone would wait for 30
	defer cancel()
	for range 2 {
		if _, err := consumer.Next(ctx); err != nil {
			t.Fatalf("it did not come back: %v", err)
		}
	}
}

func TestWorkWaitsLaterThanUploadsAndAsLongAsThey(t *testing.T) {
	t.Parallel()
	var free int64
	s, err := store.Open(t.Context(), store.Config{Dir: t.TempDir(), MinFree: 100, Disk: func(string) (store.Space, error) {
		return store.Space{Free: free, Total: 1000}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, c := range []struct {
		free                    int64
		refused, begins, goesOn bool
	}{{200, false, false, false}, {100, false, false, false}, {99, true, false, true}, {50, true, false, true}, {49, true, true, true}} {
		free = c.free
		if refused := errs.Is(s.Health(t.Context()), errs.Full); refused != c.refused {
			t.Errorf("%d free: uploads refused %v", c.free, refused)
		}
		if s.Crowded(false) != c.begins || s.Crowded(true) != c.goesOn {
			t.Errorf("%d free: work waits %v, goes on waiting %v", c.free, s.Crowded(false), s.Crowded(true))
		}
	}
}

func TestManyWhoAddMuchAtOnceWaitForEachOther(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	var adding sync.WaitGroup
	for range 16 {
		b := newBatch(t, s)
		adding.Go(func() {
			if err := s.Queue().Add(t.Context(), units(b.ID, 256)); err != nil {
				t.Error(err)
			}
		})
	}
	adding.Wait()
}
