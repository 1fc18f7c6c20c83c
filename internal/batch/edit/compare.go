package edit

import (
	"context"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/table"
	"sheetlift/internal/witness"
)

// Compare compares image n with the lines of a second reading, the heading first, and stores the doubts. nil lines mean that
// the picture could not be read a second time. It does nothing for rows that ended at another time than of, because they were read again.
// In a batch that has ended it adjusts the counts, which are exact again after Recount.
func (s *Service) Compare(ctx context.Context, id batch.ID, n int, of time.Time, lines [][]string) error {
	b, err := s.batches.Batch(ctx, id)
	if err != nil {
		return err
	}
	compared := false
	var before batch.Figures
	m, err := s.batches.UpdateImage(ctx, id, n, func(m *batch.Image) (bool, error) {
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
	c := &batch.Comparison{Of: m.Ended, Failed: lines == nil}
	m.Witness = c
	if lines == nil {
		return
	}
	doubtful := map[batch.Place]bool{}
	for _, i := range m.Issues {
		doubtful[batch.Place{Row: i.Row, Column: i.Column}] = true
	}
	found := witness.Compare(m.Rows, lines)
	var all []table.Issue
	for i, row := range m.Rows {
		for j, cell := range row.Cells {
			switch {
			case found.Cells[i][j] == witness.Agreed:
				c.Agreed++
			case found.Cells[i][j] == witness.Disputed && copied(t.Column(j)) && (cell.State == table.Read || cell.State == "") && !doubtful[batch.Place{Row: i, Column: j}]:
				c.Disputed++
				all = append(all, table.Disputed(i, j, found.Other[i][j]))
			}
		}
	}
	for _, l := range found.Lost {
		c.Lost++
		all = append(all, table.LostRow(l.After, l.Text))
	}
	m.AddIssues(all)
}

// copied reports whether an engine writes the values of a column as they stand on the sheet.
func copied(c table.Column) bool { return c.Type != table.YesNo && c.Type != table.Choice }
