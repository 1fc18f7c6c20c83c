package store_test

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"sheetlift/internal/errs"
	"sheetlift/internal/store"
)

// bound takes from the thread that runs the test what lets root write everywhere, so that the permissions of a folder
// count for whoever runs it. The thread ends with the test.
func bound(t *testing.T) {
	t.Helper()
	runtime.LockOSThread()
	var caps [2]unix.CapUserData
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	if err := unix.Capget(&header, &caps[0]); err != nil {
		t.Fatal(err)
	}
	caps[0].Effective &^= 1<<unix.CAP_DAC_OVERRIDE | 1<<unix.CAP_DAC_READ_SEARCH
	if err := unix.Capset(&header, &caps[0]); err != nil {
		t.Fatal(err)
	}
}

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
			bound(t)
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

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
