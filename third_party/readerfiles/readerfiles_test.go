package readerfiles

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestTheFilesAreTheOnesThatTheSumsName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"detector.onnx", "recogniser.onnx", "dictionary.txt"} {
		data, err := files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		sum, err := sumOf(name)
		if err != nil || !same(data, sum) {
			t.Errorf("%s is not the file that SHA256SUMS names: %v", name, err)
		}
	}
}

func TestTheLibraryIsUnpackedOnceAndAgainWhereItWasChanged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, err := Library(dir)
	if errors.Is(err, ErrNoLibrary) {
		t.Skip("no library for this processor is in the checkout")
	}
	if err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Library(dir); err != nil || again != path {
		t.Fatalf("the second time: %q, %v", again, err)
	}
	after, err := os.Stat(path)
	if err != nil || !os.SameFile(before, after) {
		t.Errorf("a library that was there was unpacked again: %v", err)
	}

	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("something else"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Library(dir); err != nil {
		t.Fatal(err)
	}
	mended, err := os.Stat(path)
	if err != nil || mended.Size() != before.Size() {
		t.Errorf("a changed library was not replaced: %v, %v", mended, err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "new-*")); len(left) > 0 {
		t.Errorf("%v was left behind", left)
	}
}

func TestALibraryThatCannotBeWrittenIsAnError(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if path, err := Library(filepath.Join(file, "below")); err == nil {
		t.Errorf("unpacked into %s", path)
	}
}
