package web

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/edit"
	"sheetlift/internal/table"
	"sheetlift/views"
)

func presentImage(ctx context.Context, b *batch.Batch, m *batch.Image) views.Image {
	v := views.Image{
		Batch: batchURL(b.ID), BatchName: oneLine(b.Name), Row: presentRow(b, m),
		Picture: imageURL(m.Batch, m.N) + "/picture", Width: m.Picture.Width, Height: m.Picture.Height,
		Notes: presentNotes(ctx, m), Total: b.Total(), Text: lines(m.Text), Heads: presentHeads(b.Table, m),
		Reading: m.Generation, Outdated: len(m.Outdated()),
	}
	if place := v.Row.Place; place > 1 {
		v.Previous = imageURL(b.ID, b.Order[place-2])
	}
	if place := v.Row.Place; place > 0 && place < len(b.Order) {
		v.Next = imageURL(b.ID, b.Order[place])
	}
	if m.IsChecked() {
		v.CheckedBy = oneLine(m.Checked.By)
	}
	v.Lines = presentLines(ctx, m, m.Name, len(v.Heads))
	v.Doubts = presentDoubts(ctx, m, v.Heads)
	v.History = presentHistory(m, v.Heads)
	return v
}

func presentHeads(t table.Table, m *batch.Image) []views.Head {
	var heads []views.Head
	for i, name := range t.Header(m.Columns) {
		heads = append(heads, views.Head{Name: oneLine(name), Numeric: i < len(t.Columns) && t.Columns[i].Type == table.Number})
	}
	return heads
}

// presentLines returns one line per row, all of the same width: short rows are filled with blanks. name is the unique name of
// the image.
func presentLines(ctx context.Context, m *batch.Image, name string, width int) []views.Line {
	all := make([]views.Line, 0, len(m.Rows))
	for i, r := range m.Rows {
		id := m.RowID(i)
		l := views.Line{
			ID: id, Key: fmt.Sprintf("r-%d-%d", m.N, id), N: i + 1, Sum: edit.Fingerprint(r), Box: presentBox(r.Box),
			Cells: make([]views.Cell, max(width, len(r.Cells))),
			Image: oneLine(name), URL: imageURL(m.Batch, m.N), Reading: m.Generation,
		}
		for j := range l.Cells {
			l.Cells[j].ID, l.Cells[j].Column, l.Cells[j].State = cellID(m, id, j), j, string(table.Blank)
			if j >= len(r.Cells) {
				continue
			}
			c := r.Cells[j]
			l.Cells[j].Text, l.Cells[j].State, l.Cells[j].Box = lines(c.Text), string(c.State), presentBox(c.Box)
			if c.State == table.Read {
				l.Cells[j].State = ""
			}
		}
		all = append(all, l)
	}
	for _, issue := range m.Issues {
		if issue.Row < 0 || issue.Row >= len(all) || issue.Column < 0 || issue.Column >= len(all[issue.Row].Cells) {
			continue
		}
		cell := &all[issue.Row].Cells[issue.Column]
		cell.Why = strings.TrimSpace(cell.Why + "\n" + views.LocalizeText(ctx, oneLine(issue.Message)))
		if cell.State != string(table.Unreadable) && cell.State != string(table.Guessed) {
			cell.State = doubtState(issue.Kind)
		}
	}
	return all
}

func presentBox(b *table.Box) string {
	if b == nil {
		return ""
	}
	return fmt.Sprint(b.Left, b.Top, b.Right, b.Bottom)
}

func doubtState(kind string) string {
	switch kind {
	case table.KindUnreadable:
		return string(table.Unreadable)
	case table.KindGuessed, table.KindConfidence:
		return string(table.Guessed)
	default:
		return "rule"
	}
}

func cellID(m *batch.Image, row, column int) string {
	return fmt.Sprintf("c-%d-%d-%d", m.N, row, column+1)
}

func presentDoubts(ctx context.Context, m *batch.Image, heads []views.Head) []views.Doubt {
	doubts := make([]views.Doubt, 0, len(m.Issues))
	for _, issue := range m.Issues {
		d := views.Doubt{Message: views.LocalizeText(ctx, oneLine(issue.Message)), At: -1, Settles: issue.Message}
		if issue.Row >= 0 && issue.Row < len(m.Rows) {
			d.Row, d.RowID = issue.Row+1, m.RowID(issue.Row)
			if cells := m.Rows[issue.Row].Cells; issue.Column >= 0 && issue.Column < min(len(heads), len(cells)) {
				d.Column, d.At = heads[issue.Column].Name, issue.Column
				d.Target = cellID(m, d.RowID, issue.Column)
				d.Seen, d.Settles = lines(cells[issue.Column].Text), ""
			}
		}
		doubts = append(doubts, d)
	}
	return doubts
}

// presentHistory returns the edits by people, newest first.
func presentHistory(m *batch.Image, heads []views.Head) []views.Edit {
	var all []views.Edit
	for _, e := range slices.Backward(m.Edits) {
		v := views.Edit{Kind: string(e.Kind), Row: e.Row, Was: oneLine(e.Was.Text), Now: oneLine(e.Now.Text), By: oneLine(e.By), At: e.At, Undone: e.Undone, Old: e.Generation != m.Generation}
		if e.Row > 0 && e.Column >= 0 && e.Column < len(heads) && (e.Kind == batch.EditCell || e.Kind == batch.EditUnreadable || e.Kind == batch.EditAccept) {
			v.Column = heads[e.Column].Name
		}
		all = append(all, v)
	}
	return all
}

// presentClash returns the typed text together with the conflicting change.
func presentClash(c *edit.Conflict, sentence string) *views.EditConflict {
	return &views.EditConflict{
		Message: sentence, Cell: c.There, Row: c.Request.Row, Column: c.Request.Column, Now: lines(c.Now), By: oneLine(c.By), Mine: lines(c.Request.Text),
	}
}
