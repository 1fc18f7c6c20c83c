package fault_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sheetlift/internal/fault"
)

func TestEveryPointStandsOnceInTheProgram(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("fault.go")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]int{}
	for _, m := range regexp.MustCompile(`(?m)^\t(\w+)\s+Point = "`).FindAllSubmatch(source, -1) {
		used[string(m[1])] = 0
	}
	if len(used) != len(fault.Points) {
		t.Errorf("%d points are named, %d are in the list", len(used), len(fault.Points))
	}
	at := regexp.MustCompile(`fault\.At\(fault\.(\w+)\)`)
	err = filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		code, err := os.ReadFile(path)
		for _, m := range at.FindAllSubmatch(code, -1) {
			used[string(m[1])]++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, n := range used {
		if n != 1 {
			t.Errorf("%s stands %d times in the program", name, n)
		}
	}
}
