package batch_test

import (
	"testing"

	"sheetlift/internal/batch"
)

func TestAnotherModelHasItsOwnLevelOfThinking(t *testing.T) {
	t.Parallel()
	b := &batch.Batch{Engine: "gemini", Model: "gemini-3-pro", Thinking: "high"}
	for name, c := range map[string]struct{ own, want batch.ReadAs }{
		"as the batch":                  {batch.ReadAs{}, batch.ReadAs{Engine: "gemini", Model: "gemini-3-pro", Thinking: "high"}},
		"the same model":                {batch.ReadAs{Model: "gemini-3-pro"}, batch.ReadAs{Engine: "gemini", Model: "gemini-3-pro", Thinking: "high"}},
		"the same model, another level": {batch.ReadAs{Model: "gemini-3-pro", Thinking: "low"}, batch.ReadAs{Engine: "gemini", Model: "gemini-3-pro", Thinking: "low"}},
		"another model":                 {batch.ReadAs{Model: "gemini-2.5-flash"}, batch.ReadAs{Engine: "gemini", Model: "gemini-2.5-flash"}},
		"another model with its level":  {batch.ReadAs{Model: "gemini-2.5-flash", Thinking: "off"}, batch.ReadAs{Engine: "gemini", Model: "gemini-2.5-flash", Thinking: "off"}},
		"another engine":                {batch.ReadAs{Engine: "tesseract"}, batch.ReadAs{Engine: "tesseract"}},
	} {
		if got := b.ReadAsOf(&batch.Image{ReadAs: c.own}); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}
