package store_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"sheetlift/internal/errs"
	"sheetlift/internal/fault/faulttest"
	"sheetlift/internal/store"
)

func TestAFolderThatCannotBeWrittenIsNamedAtTheStartWithReasonAndRemedy(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(t *testing.T, data string){
		"there is none, and its parent is read-only": func(t *testing.T, data string) {
			must(t, os.Chmod(filepath.Dir(data), 0o500))
		},
		"it is read-only": func(t *testing.T, data string) {
			must(t, os.Mkdir(data, 0o500))
		},
		"what the server keeps in it is read-only": func(t *testing.T, data string) {
			must(t, open(t, data).Close())
			must(t, os.Chmod(filepath.Join(data, "jetstream"), 0o500))
		},
		"it is a file": func(t *testing.T, data string) {
			must(t, os.WriteFile(data, []byte("x"), 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			parent := filepath.Join(t.TempDir(), "parent")
			must(t, os.Mkdir(parent, 0o700))
			data := filepath.Join(parent, "data")
			prepare(t, data)
			t.Cleanup(func() { // so that it can be removed
				_ = os.Chmod(parent, 0o700)
				_ = os.Chmod(data, 0o700)
				_ = os.Chmod(filepath.Join(data, "jetstream"), 0o700)
			})
			faulttest.Bound(t)
			s, err := store.Open(context.Background(), store.Config{Dir: data})
			if err == nil {
				s.Close()
				t.Fatal("it was opened")
			}
			sentence := errs.Message(err)
			reason := strings.Contains(sentence, "permission denied") || strings.Contains(sentence, "not a directory")
			if !errs.Is(err, errs.Unavailable) || !strings.Contains(sentence, data) || !reason || !strings.Contains(sentence, "may write to, or choose another one with SHEETLIFT_DATA") {
				t.Errorf("it says %q", err)
			}
		})
	}
}

// The test has the state of a process that was just forked: every open file of its parent, until exec.
func TestAClosedFolderIsFreeAtOnceAlsoWhileAProgramIsBeingStarted(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	s := open(t, data)
	const files = "/proc/self/fd"
	all, err := os.ReadDir(files)
	must(t, err)
	copies := 0
	own := map[string]bool{} // numbers of the copies: another test may have closed a listed file, so a copy can reuse its number
	for _, f := range all {
		if own[f.Name()] {
			continue
		}
		if name, err := os.Readlink(filepath.Join(files, f.Name())); err != nil || name != filepath.Join(data, "lock") {
			continue
		}
		n, err := strconv.Atoi(f.Name())
		must(t, err)
		n, err = unix.FcntlInt(uintptr(n), unix.F_DUPFD_CLOEXEC, 0)
		must(t, err)
		t.Cleanup(func() { _ = unix.Close(n) })
		own[strconv.Itoa(n)] = true
		copies++
	}
	if copies != 1 {
		t.Fatalf("the folder is locked by %d open files", copies)
	}
	must(t, s.Close())
	must(t, open(t, data).Close())
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
