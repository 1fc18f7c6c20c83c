package store_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sheetlift/internal/errs"
	"sheetlift/internal/store"
)

func TestDataOfANewerProgramIsRefusedAndThatWithoutANumberIsMarked(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	if err := open(t, dir).Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "format")
	if got, err := os.ReadFile(file); err != nil || string(got) != "1\n" {
		t.Fatalf("a new folder is marked %q, %v", got, err)
	}
	if err := os.Remove(file); err != nil { // as in a folder older than the format number
		t.Fatal(err)
	}
	if err := open(t, dir).Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != "1\n" {
		t.Fatalf("a folder without a number is marked %q, %v", got, err)
	}
	for number, why := range map[string]string{"2\n": "newer Sheetlift", "99": "newer Sheetlift", " \n": "cannot be read", "one": "cannot be read", "-1": "cannot be read"} {
		if err := os.WriteFile(file, []byte(number), 0o600); err != nil {
			t.Fatal(err)
		}
		before := listing(t, filepath.Join(dir, "jetstream", "$G"))
		_, err := store.Open(t.Context(), store.Config{Dir: dir})
		if err == nil || !strings.Contains(errs.Message(err), why) || !strings.Contains(errs.Message(err), dir) || !strings.Contains(errs.Message(err), "restore") {
			t.Errorf("format %q: %v", number, err)
		}
		if after := listing(t, filepath.Join(dir, "jetstream", "$G")); after != before {
			t.Errorf("format %q: the data was touched", number)
		}
	}
}

func TestAFirstStartWithoutRoomLeavesAFolderThatTheNextStartOpens(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "format")
	if err := os.Symlink("/dev/full", file+".new"); err != nil { // the number is written there, and there is no space
		t.Fatal(err)
	}
	if s, err := store.Open(t.Context(), store.Config{Dir: dir}); err == nil {
		_ = s.Close()
		t.Fatal("a folder was opened whose format could not be written")
	}
	if _, err := os.Lstat(file); !os.IsNotExist(err) {
		t.Errorf("the start without room left a format: %v", err)
	}
	for _, left := range []string{"absent", "empty"} { // earlier versions left an empty file
		if left == "empty" {
			if err := os.Truncate(file, 0); err != nil {
				t.Fatal(err)
			}
		}
		if err := open(t, dir).Close(); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(file); err != nil || string(got) != "1\n" {
			t.Errorf("a folder whose format is %s is marked %q, %v", left, got, err)
		}
		if _, err := os.Lstat(file + ".new"); !os.IsNotExist(err) {
			t.Errorf("the file that was renamed is still there: %v", err)
		}
	}
}

func TestAStartRemovesWhatAHealthCheckLeftThatWasKilled(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	if err := open(t, dir).Close(); err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(dir, ".health-123")
	if err := os.WriteFile(left, []byte("well"), 0o600); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Errorf("it is still there: %v", err)
	}
}
