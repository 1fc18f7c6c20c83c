package danger_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sheetlift/internal/danger"
)

func open(t *testing.T, dir string) *danger.Guard {
	t.Helper()
	g, err := danger.Open(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	return g
}

// enter starts a section during which the process is assumed to die.
func enter(t *testing.T, g *danger.Guard, m danger.Image, alone bool) (leave func()) {
	t.Helper()
	leave, err := danger.Enter(g.About(t.Context(), m, alone))
	if err != nil {
		t.Fatal(err)
	}
	return leave
}

func TestAMarkOutlivesItsProcessUntilItIsForgotten(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "marks")
	g := open(t, dir)
	if n := len(g.Left()); n != 0 {
		t.Fatalf("%d marks in a new folder", n)
	}
	enter(t, g, danger.Image{Batch: "a", N: 7}, false)
	enter(t, g, danger.Image{Batch: "b", N: 8}, false)
	ended := enter(t, g, danger.Image{Batch: "c", N: 9}, false)
	ended()
	ended()
	enter(t, g, danger.Image{}, false) // an upload: no image yet
	_ = g.Close()

	g = open(t, dir)
	left := g.Left()
	if len(left) != 2 || left[0].Image != (danger.Image{Batch: "a", N: 7}) || left[1].Image.N != 8 || left[0].Alone || left[0].ID == left[1].ID {
		t.Fatalf("left are %v", left)
	}
	g.Forget(left[0])
	enter(t, g, danger.Image{Batch: "d", N: 1}, true) // reuses the slot of the forgotten mark
	_ = g.Close()
	left = open(t, dir).Left()
	if len(left) != 2 || !left[0].Alone || left[0].Image.Batch != "d" || left[1].Image.Batch != "b" {
		t.Errorf("left are %v", left)
	}
}

func TestMoreMarksThanTheFileHasRoomForAreKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_ = os.Chmod(dir, 0o700)
	g := open(t, dir)
	for n := range 300 {
		enter(t, g, danger.Image{Batch: "a", N: n + 1}, false)
	}
	_ = g.Close()
	if n := len(open(t, dir).Left()); n != 300 {
		t.Errorf("%d marks were left, want 300", n)
	}
}

func TestProcessesThatShareAFolderFindOnlyMarksOfTheDead(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "marks")
	one, two := open(t, dir), open(t, dir)
	enter(t, one, danger.Image{Batch: "a", N: 1}, false)
	enter(t, two, danger.Image{Batch: "b", N: 2}, false)
	_ = two.Close()
	if left := open(t, dir).Left(); len(left) != 1 || left[0].Image.Batch != "b" {
		t.Errorf("left are %v", left)
	}
}

func TestWhatIsNoMarkIsPassedOver(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "marks")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	text := "a 1 perhaps 2026-11-30T10:00:00Z x\n" + strings.Repeat("\x00", 500) + "a x alone 2026-11-30T10:00:00Z x\n"
	if err := os.WriteFile(filepath.Join(dir, "1"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	g := open(t, dir)
	if len(g.Left()) != 0 {
		t.Errorf("left are %v", g.Left())
	}
	enter(t, g, danger.Image{Batch: "a", N: 1}, false)
}

func TestMarksAreKeptOnlyInAFolderOfOnesOwn(t *testing.T) {
	t.Parallel()
	dir, other := filepath.Join(t.TempDir(), "marks"), t.TempDir()
	if err := os.Symlink(other, dir); err != nil {
		t.Fatal(err)
	}
	if g, err := danger.Open(dir, slog.New(slog.DiscardHandler)); err == nil {
		_ = g.Close()
		t.Error("a link was followed")
	}
}

func TestNothingIsOpenedBesideAPictureThatIsOpenedAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := danger.New(slog.New(slog.DiscardHandler))
		var inside, alone, most atomic.Int32
		section := func(single bool) {
			_ = danger.Do(g.About(t.Context(), danger.Image{Batch: "a", N: 1}, single), func() error {
				if single {
					alone.Add(1)
				}
				most.Store(max(most.Load(), inside.Add(1)))
				if n := inside.Load(); n > 1 && alone.Load() > 0 {
					t.Errorf("%d are open, one of them alone", n)
				}
				<-time.After(time.Second)
				if single {
					alone.Add(-1)
				}
				inside.Add(-1)
				return nil
			})
		}
		for i := range 60 {
			go section(i%6 == 5)
			<-time.After(100 * time.Millisecond)
		}
		synctest.Wait()
		<-time.After(time.Minute)
		if inside.Load() != 0 || most.Load() < 2 {
			t.Errorf("%d are open in the end, %d were at most", inside.Load(), most.Load())
		}
	})
}

func TestOneThatGivesUpWaitingToBeAloneHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := danger.New(slog.New(slog.DiscardHandler))
		leave := enter(t, g, danger.Image{Batch: "a", N: 1}, false)
		defer leave()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		go func() {
			if _, err := danger.Enter(g.About(ctx, danger.Image{Batch: "a", N: 2}, true)); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
		}()
		synctest.Wait()
		began := time.Now()
		enter(t, g, danger.Image{Batch: "a", N: 3}, false)() // waits behind the caller that wants to be alone
		if took := time.Since(began); took != time.Second {
			t.Errorf("it waited %v", took)
		}
	})
}

func TestWithoutAGuardEverythingIsOpened(t *testing.T) {
	t.Parallel()
	var none *danger.Guard
	if err := danger.Do(none.About(t.Context(), danger.Image{Batch: "a", N: 1}, true), func() error { return none.Close() }); err != nil {
		t.Error(err)
	}
	none.Forget(danger.Mark{})
	if none.Left() != nil {
		t.Error("marks of nobody")
	}
}
