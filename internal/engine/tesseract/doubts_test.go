package tesseract

import (
	"slices"
	"testing"

	"sheetlift/internal/engine"
	"sheetlift/internal/engine/layout"
	"sheetlift/internal/table"
)

func at(x, y int, text string, conf float64) layout.Word {
	return layout.Word{Box: layout.Box{Left: x, Top: y, Right: x + 12*len(text), Bottom: y + 20}, Text: text, Conf: conf}
}

func TestAHeadingThatWasHardToReadIsADoubtThatNamesIt(t *testing.T) {
	t.Parallel()
	var g layout.Grid
	g.Rows = [][]layout.Cell{make([]layout.Cell, 2), make([]layout.Cell, 2)}
	g.Rows[0][0].Add(at(0, 0, "Item", 97))
	g.Rows[0][1].Add(at(100, 0, "Qly", 40))
	g.Rows[1][0].Add(at(0, 40, "Chair", 97))
	g.Rows[1][1].Add(at(100, 40, "4", 97))
	var r engine.Reading
	open(&r, g)
	if len(r.Issues) != 1 || r.Issues[0].Row != -1 || r.Issues[0].Column != 1 || r.Issues[0].Kind != table.KindConfidence {
		t.Errorf("%+v", r.Issues)
	}
}

func TestAColumnOfWhichNoWordWasReadForCertainIsNoDirt(t *testing.T) {
	t.Parallel()
	var words []layout.Word
	for i, n := range []string{"12", "704", "38", "990"} {
		words = append(words, at(0, 40*i, "Chair", 96), at(200, 40*i, n, 30))
	}
	stain := at(400, 40, "ie", 30)
	kept := withoutDirt(append(words, stain))
	for _, w := range words {
		if !slices.Contains(kept, w) {
			t.Errorf("%q is dirt", w.Text)
		}
	}
	if slices.Contains(kept, stain) {
		t.Error("one word beside the sheet is no dirt")
	}
}
