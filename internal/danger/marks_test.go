package danger

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestMarksAreReadAlsoWhereTheFileCannotBeGivenItsRoom(t *testing.T) {
	t.Parallel()
	mark := Mark{ID: "x", Image: Image{Batch: "a", N: 7}, Made: time.Now().UTC()}
	line := append([]byte(mark.String()), bytes.Repeat([]byte{' '}, slotSize-len(mark.String()))...)
	free := bytes.Repeat([]byte{'-'}, slotSize)
	name := filepath.Join(t.TempDir(), "1")
	// The file lacks part of its room for two slots, and a mark follows a free slot.
	if err := os.WriteFile(name, append(append(free, line...), ' '), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name) // every write to it fails
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m := &file{on: f, left: map[string]int{}}
	if marks, err := m.load(); err != nil || len(marks) != 1 || marks[0] != mark {
		t.Errorf("left are %v, %v", marks, err)
	}
}

func TestAFileThatHasItsRoomIsNotWrittenAnew(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	name, before := filepath.Join(dir, "1"), bytes.Repeat([]byte{'-'}, minSlots*slotSize)
	if err := os.WriteFile(name, before, 0o600); err != nil {
		t.Fatal(err)
	}
	m, _, err := open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer m.close()
	if after, err := os.ReadFile(name); err != nil || !bytes.Equal(after, before) {
		t.Errorf("its free slots were written, %v", err)
	}
}

func TestMarksAreNotKeptInAFolderOfAnotherUserOrBehindALink(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := own(dir, os.Geteuid()); err != nil {
		t.Error(err)
	}
	if err := own(dir, os.Geteuid()+1); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("a folder of another user: %v", err)
	}
	target := filepath.Join(t.TempDir(), "other")
	if err := os.Symlink(target, filepath.Join(dir, "1")); err != nil {
		t.Fatal(err)
	}
	if m, _, err := open(dir); err == nil {
		_ = m.close()
		t.Error("a link was followed")
	}
	if _, err := os.Lstat(target); !os.IsNotExist(err) {
		t.Errorf("a file was made where the link leads: %v", err)
	}
}
