package reader_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sheetlift/internal/engine/neural"
	"sheetlift/internal/engine/reader"
)

// TestMain is also the program that these tests start: this binary under another name. The program does as its name says.
func TestMain(m *testing.M) {
	switch act := filepath.Base(os.Args[0]); act {
	case reader.Program:
		os.Exit(neural.Program(os.Args[1], os.Stdin, os.Stdout, os.Stderr))
	case "crashes", "hangs", "babbles", "misreads", "refuses":
		misbehave(act)
		os.Exit(3)
	}
	goleak.VerifyTestMain(m)
}

// misbehave reads the first pages well, as a program that knows their text, and then does as its name says.
func misbehave(act string) {
	in := bufio.NewReader(os.Stdin)
	for n := 0; ; n++ {
		if _, err := reader.ReadPage(in); err != nil {
			return
		}
		if n > 0 || act == "misreads" {
			switch act {
			case "crashes":
				panic("this page is too much")
			case "hangs":
				time.Sleep(time.Hour)
			case "babbles":
				fmt.Println("what page?")
				_, _ = io.Copy(io.Discard, in)
				return
			case "misreads":
				_ = reader.WriteAnswer(os.Stdout, reader.Answer{Words: []reader.Word{{Right: 9, Bottom: 9, Text: "Tota1", Conf: 99}}})
				continue
			case "refuses":
				_ = reader.WriteAnswer(os.Stdout, reader.Answer{Problem: "out of paper"})
				continue
			}
		}
		words := []reader.Word{{Right: 90, Bottom: 40, Text: "Total", Conf: 99}, {Left: 100, Right: 200, Bottom: 40, Text: "1,234.50", Conf: 99}}
		_ = reader.WriteAnswer(os.Stdout, reader.Answer{Reader: "a pretended reader", Words: words})
	}
}

// program returns the path of this binary under a name.
func program(t testing.TB, name string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.Symlink(self, path); err != nil {
		t.Fatal(err)
	}
	return path
}
