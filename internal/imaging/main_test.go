package imaging_test

import (
	"fmt"
	"os"
	"testing"

	"sheetlift/internal/imaging"
)

// TestMain lets the test program be the child process that decodes HEIC, as the program itself is, and one that is
// measured.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == imaging.DecodeHEICCommand {
		if err := imaging.DecodeHEIC(os.Args[2], os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if len(os.Args) == 3 && (os.Args[1] == prepareOnce || os.Args[1] == drawPhoto) {
		if err := asMeasured(os.Args[1], os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// self returns the path of the test program.
func self(t testing.TB) string {
	t.Helper()
	name, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return name
}
