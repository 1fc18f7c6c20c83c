package errs_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"sheetlift/internal/errs"
)

func TestAForeignErrorShowsNothingOfItself(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("open /secret/path: %w", fs.ErrPermission)
	if errs.KindOf(err) != errs.Internal || strings.Contains(errs.Message(err), "secret") {
		t.Errorf("%s: %s", errs.KindOf(err), errs.Message(err))
	}
}

func TestKindAndMessageSurviveWrapping(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("saving: %w", errs.Wrap(fs.ErrNotExist, errs.NotFound, "There is no batch %d.", 7))
	if !errs.Is(err, errs.NotFound) || errs.Message(err) != "There is no batch 7." || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if errs.Wrap(nil, errs.Invalid, "x") != nil || errs.Is(nil, errs.Internal) {
		t.Error("nil is an error")
	}
}

func TestEveryKindHasAName(t *testing.T) {
	t.Parallel()
	for k := errs.Internal; k <= errs.Changed; k++ {
		if k.String() == "unknown" || k.String() == "" {
			t.Errorf("kind %d has no name", k)
		}
	}
	if errs.Kind(200).String() != "unknown" {
		t.Error("an unknown kind has a name")
	}
}
