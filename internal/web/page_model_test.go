package web_test

import (
	"testing"

	"sheetlift/internal/web"
)

func TestEveryMenuThatReadsAgainOffersTheModelsWithTheirLevels(t *testing.T) {
	t.Parallel()
	d := newDeskWith(t, pool(t, "key 1"), "gemini", "tesseract")
	d.offers = []web.Offer{{ID: "gemini-9", Thinking: []string{"low", "high"}}, {ID: "gemini-8"}}
	b := d.started()
	here := "/batches/" + string(b.ID)
	for _, page := range []string{here, here + "/images/3", here + "/images/4"} {
		d.get(page).has(t, 200, `<select name="model"`, `<option value="">The same as before</option>`, `<optgroup label="gemini-9`,
			`<option value="gemini-9 high">`, `<option value="gemini-9 low">`, `<option value="gemini-8">`)
		d.get(page).lacks(t, `<input name="model"`)
	}
	d.offers = nil // no list is known: a model is typed
	d.get(here).has(t, 200, `<input name="model"`)
}
