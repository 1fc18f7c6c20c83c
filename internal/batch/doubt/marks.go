package doubt

import (
	"slices"

	"sheetlift/internal/batch"
	"sheetlift/internal/table"
)

// OpenMark is a number column with values that mean one number with a decimal comma and another with a decimal point, where no
// other value proves one of the two, or where the others disprove the mark that a person chose.
type OpenMark struct {
	Column       string
	Cells        int        // number of ambiguous cells
	Example      string     // one of them
	Comma, Point string     // its number with each mark
	Said         table.Mark // the mark that a person chose; NoMark means undecided
	Disproved    bool       // other values disprove the chosen mark: the cells are in doubt
}

// OpenMarks returns the open columns of a judged batch.
func OpenMarks(b *batch.Batch, images []*batch.Image) []OpenMark {
	all := make([]OpenMark, len(b.Table.Columns))
	for _, m := range images {
		for _, at := range m.Evidence(b.Table).Open {
			c := b.Table.Columns[at.Column]
			if c.Type != table.Number || c.Concluded.Mark != table.NoMark && !c.Disproved() {
				continue
			}
			text := m.Rows[at.Row].Cells[at.Column].Text
			comma, _ := table.ParseNumber(text, table.CommaMark)
			point, _ := table.ParseNumber(text, table.PointMark)
			if comma.Text == point.Text {
				continue
			}
			if o := &all[at.Column]; o.Cells == 0 {
				*o = OpenMark{Column: c.Name, Cells: 1, Example: text, Comma: comma.Text, Point: point.Text, Said: c.Decimal, Disproved: c.Disproved()}
			} else {
				o.Cells++
			}
		}
	}
	return slices.DeleteFunc(all, func(o OpenMark) bool { return o.Cells == 0 })
}
