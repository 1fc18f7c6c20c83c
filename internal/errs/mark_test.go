package errs_test

import (
	"errors"
	"fmt"
	"testing"

	"sheetlift/internal/errs"
)

func TestACodeAndAFieldSurviveWrappingAndChangeNothingElse(t *testing.T) {
	t.Parallel()
	plain := errs.New(errs.Invalid, "The type %q is unknown.", "x")
	err := fmt.Errorf("creating: %w", errs.At("columns[2]", errs.As("unknown_type", errs.At("type", plain))))
	if errs.CodeOf(err) != "unknown_type" || errs.FieldOf(err) != "columns[2].type" {
		t.Errorf("%s at %s", errs.CodeOf(err), errs.FieldOf(err))
	}
	if !errs.Is(err, errs.Invalid) || errs.Message(err) != errs.Message(plain) || !errors.Is(err, plain) {
		t.Errorf("it became %v", err)
	}
	if errs.At("x", nil) != nil || errs.As("x", nil) != nil {
		t.Error("nil is an error")
	}
}

func TestWithoutACodeTheKindIsTheCode(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"not_found": errs.New(errs.NotFound, "Gone."), "too_large": errs.At("name", errs.New(errs.TooLarge, "Large.")), "internal": errors.New("x"),
	} {
		if got := errs.CodeOf(err); got != want {
			t.Errorf("%v: %s, want %s", err, got, want)
		}
	}
	if field := errs.FieldOf(errors.New("x")); field != "" {
		t.Errorf("a field %q", field)
	}
}
