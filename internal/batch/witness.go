package batch

import (
	"context"
	"slices"
	"time"

	"sheetlift/internal/errs"
	"sheetlift/internal/table"
	"sheetlift/internal/witness"
)

// Witness says whether a second, independent reading checks the rows of a batch: every cell in which both differ becomes a
// doubt. The second reading comes after the first, at the lowest priority; nothing waits for it.
type Witness string

// The witnesses. The zero value counts as WitnessOff: batches of older programs are not compared.
const (
	WitnessOff     Witness = "off"
	WitnessOffline Witness = "offline" // the offline engine
)

// offlineEngine is the name of the offline engine in attempts.
const offlineEngine = "tesseract"

func (w Witness) check() error {
	if !slices.Contains([]Witness{"", WitnessOff, WitnessOffline}, w) {
		return errs.New(errs.Invalid, "The second reading is %q; choose off or offline.", w)
	}
	return nil
}

// Comparison is the result of comparing the rows of an image with a second reading.
type Comparison struct {
	Of       time.Time `json:"of"`                 // Image.Ended of the rows that were compared
	Agreed   int       `json:"agreed,omitempty"`   // cells with the same text in both
	Disputed int       `json:"disputed,omitempty"` // cells that became a doubt
	Lost     int       `json:"lost,omitempty"`     // lines of the second reading that belong to no row
	Failed   bool      `json:"failed,omitempty"`   // the second reader could not read the picture
}

// Compared reports whether the rows of m were compared with a second reading.
func (m *Image) Compared() bool {
	return m.Status == Completed && m.Witness != nil && m.Witness.Of.Equal(m.Ended)
}

// Awaits reports whether the rows of m, an image of b, are yet to be compared. Rows that the offline engine read are not, nor
// are sheets that are one record: their fields stand in no order.
func (b *Batch) Awaits(m *Image) bool {
	return b.Options.Witness == WitnessOffline && b.Deleted.IsZero() && !b.Table.Single && m.Status == Completed && !m.Compared() && !m.readOffline()
}

// readOffline reports whether the rows of m come from the offline engine.
func (m *Image) readOffline() bool {
	if m.CachedFrom != nil {
		return m.CachedFrom.Engine == offlineEngine
	}
	last := m.Last()
	return last != nil && last.Engine == offlineEngine
}

// Compare compares image n with the lines of a second reading, the heading first, and stores the doubts. nil lines mean that
// the picture could not be read a second time. It does nothing for rows that ended at another time than of, because they were read again.
// In a batch that has ended it adjusts the counts, which are exact again after Recount.
func (s *Service) Compare(ctx context.Context, id ID, n int, of time.Time, lines [][]string) error {
	b, err := s.Batch(ctx, id)
	if err != nil {
		return err
	}
	compared := false
	var before Figures
	m, err := s.changeImage(ctx, id, n, func(m *Image) (bool, error) {
		if !m.Ended.Equal(of) || !b.Awaits(m) {
			return false, nil
		}
		compared, before = true, m.Figures(b.Table)
		sheet{m}.compare(b.Table, lines)
		return true, nil
	})
	if err != nil || !compared {
		return err
	}
	return s.adjustCounts(ctx, id, before, m.Figures(b.Table))
}

// compare adds the doubts. Cells that a person settled or that are in doubt already have none added.
func (m sheet) compare(t table.Table, lines [][]string) {
	c := &Comparison{Of: m.Ended, Failed: lines == nil}
	m.Witness = c
	if lines == nil {
		return
	}
	doubtful := map[Place]bool{}
	for _, i := range m.Issues {
		doubtful[Place{i.Row, i.Column}] = true
	}
	found := witness.Compare(m.Rows, lines)
	var all []table.Issue
	for i, row := range m.Rows {
		for j, cell := range row.Cells {
			switch {
			case found.Cells[i][j] == witness.Agreed:
				c.Agreed++
			case found.Cells[i][j] == witness.Disputed && copied(t.Column(j)) && (cell.State == table.Read || cell.State == "") && !doubtful[Place{i, j}]:
				c.Disputed++
				all = append(all, table.Disputed(i, j, found.Other[i][j]))
			}
		}
	}
	for _, l := range found.Lost {
		c.Lost++
		all = append(all, table.LostRow(l.After, l.Text))
	}
	m.addIssues(all)
}

// copied reports whether an engine writes the values of a column as they stand on the sheet.
func copied(c table.Column) bool { return c.Type != table.YesNo && c.Type != table.Choice }
