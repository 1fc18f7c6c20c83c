package settings

import (
	"context"
	"slices"
	"strings"

	"sheetlift/internal/batch"
	"sheetlift/internal/errs"
)

// Levels returns the thinking levels, lowest first; "" means the lowest that a model has.
func Levels() []string { return []string{"minimal", "low", "medium", "high", "xhigh"} }

// SetModel chooses the model that reads a batch and its thinking level, at any time before the batch has ended; "" means the
// default of the program settings. In a started batch it applies to all images not read yet, also while the batch is paused
// because no key may use its former model.
func (s *Service) SetModel(ctx context.Context, id batch.ID, model, thinking string) (*batch.Batch, error) {
	return s.Set(ctx, id, Settings{Model: &model, Thinking: &thinking})
}

// useModel sets the model of b and reports whether that changes anything.
func (s *Service) useModel(b *batch.Batch, model, thinking string) (changed bool, err error) {
	if err := CheckModel(model, thinking); err != nil {
		return false, err
	}
	if b.Over() {
		return false, errs.New(errs.Conflict, "Nothing of this batch waits to be read.")
	}
	if b.Order != nil || b.Status == batch.Pending { // started: it always has a model then
		_, standard, err := s.ports.Readers.Choose(b.Engine)
		switch {
		case err != nil:
			return false, err
		case standard == "":
			return false, errs.At("model", errs.New(errs.Invalid, "This batch is read offline, without a model."))
		case model == "":
			model = standard
		}
	}
	changed = b.Model != model || b.Thinking != thinking
	b.Model, b.Thinking = model, thinking
	return changed, nil
}

// CheckModel rejects an impossible model name or an unknown thinking level.
func CheckModel(model, thinking string) error {
	if len(model) > 100 || strings.ContainsFunc(model, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '.' || r == '_')
	}) {
		return errs.At("model", errs.New(errs.Invalid, "“%s” cannot be the name of a model; type one such as gemini-3.8-flash.", batch.CleanName(model)))
	}
	if thinking != "" && !slices.Contains(Levels(), thinking) {
		return errs.At("thinking", errs.New(errs.Invalid, "There is no level of thinking %q. Choose one of: %s.", batch.CleanName(thinking), strings.Join(Levels(), ", ")))
	}
	return nil
}
