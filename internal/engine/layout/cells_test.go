package layout

import (
	"testing"

	"sheetlift/internal/table"
)

func printedAt(x, y int, text string, conf float64) Word {
	return Word{Box{x, y, x + 12*len(text), y + 20}, text, conf}
}

func TestOneWordThatIsHardToReadIsADoubtOfItsWholeCell(t *testing.T) {
	t.Parallel()
	var c Cell
	c.Add(printedAt(0, 0, "Adjustable", 97), printedAt(140, 0, "ladder", 97), printedAt(230, 0, "ot", 30))
	if v := c.Value(); v.State != table.Guessed {
		t.Errorf("%+v", v)
	}
}

func TestLinesOfHeadingsThatWereTornApartAreADoubt(t *testing.T) {
	t.Parallel()
	rows := [][]Cell{make([]Cell, 2), make([]Cell, 2)}
	rows[0][0].Add(printedAt(0, 0, "Participation", 97))
	rows[1][0].Add(printedAt(0, 24, "rate", 97))
	rows[1][1].Add(printedAt(400, 24, "Total", 97))
	sheet{rules: paper, h: 20, pitch: 24}.doubtHeader(rows)
	if rows[0][0].Value().State != table.Guessed || rows[1][0].Value().State != table.Guessed {
		t.Error("no doubt")
	}
	if rows[1][1].Value().State != table.Read {
		t.Error("a heading that stands alone is a doubt")
	}
}

func TestAGapWhereALineOfTheLatticeRunsIsADoubt(t *testing.T) {
	t.Parallel()
	f := frame{xs: []int{0, 100, 200, 300}}
	if !f.parted([]Word{printedAt(60, 0, "22", 97), printedAt(110, 0, "Red", 97)}, 0) {
		t.Error("two values on both sides of a line are one without a doubt")
	}
	if f.parted([]Word{printedAt(30, 0, "Condition", 97)}, 0) {
		t.Error("a word that stands across a line is no doubt")
	}
}
