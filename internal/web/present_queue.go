package web

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/doubt"
	"sheetlift/internal/errs"
	"sheetlift/internal/table"
	"sheetlift/views"
)

// queue is the open doubts of a batch with all that explains them.
type queue struct {
	batch  *batch.Batch
	images map[int]*batch.Image
	names  map[int]string // unique, by image
	words  map[string][]string
	doubts []doubt.Doubt
	left   map[doubt.Kind]int

	reading, failed, rows int
}

// queueOf returns the doubts of a batch in the order in which they are asked.
func (s *Server) queueOf(ctx context.Context, id batch.ID) (*queue, error) {
	b, err := s.batches.Batch(ctx, id)
	if err != nil {
		return nil, err
	}
	if b.Status == batch.Draft {
		return nil, errs.New(errs.NotFound, "This batch was not started yet, so it has no rows. Start it first.")
	}
	images, err := s.batches.Images(ctx, id)
	if err != nil {
		return nil, err
	}
	q := &queue{images: make(map[int]*batch.Image, len(images)), names: batch.NamesApart(images), left: map[doubt.Kind]int{}}
	q.batch = batch.Judged(b, images)
	doubt.MarkDuplicates(q.batch, images)
	q.doubts, q.words = doubt.List(q.batch, images), doubt.Words(b, images)
	for _, m := range images {
		q.images[m.N] = m
		switch {
		case m.Status == batch.Completed:
			q.rows += len(m.Rows)
			if q.batch.Awaits(m) { // it is read a second time, and that may find doubts
				q.reading++
			}
		case m.Status.Final():
			q.failed++
		default:
			q.reading++
		}
	}
	for _, d := range q.doubts {
		q.left[d.Kind]++
	}
	return q, nil
}

// of returns the doubts of one kind; "" for all.
func (q *queue) of(kind doubt.Kind) []doubt.Doubt {
	if kind == "" {
		return q.doubts
	}
	return slices.DeleteFunc(slices.Clone(q.doubts), func(d doubt.Doubt) bool { return d.Kind != kind })
}

// doubtID names a doubt in addresses and forms: image, row and column.
func doubtID(n, row, column int) string { return fmt.Sprintf("%d.%d.%d", n, row, column) }

// placeOfDoubt is the reverse of doubtID.
func placeOfDoubt(id string) (n, row, column int, ok bool) {
	parts := strings.Split(id, ".")
	if len(parts) != 3 {
		return 0, 0, 0, false
	}
	var all [3]int
	for i, p := range parts {
		v, err := strconv.Atoi(p)
		if err != nil {
			return 0, 0, 0, false
		}
		all[i] = v
	}
	return all[0], all[1], all[2], all[0] > 0 && all[1] >= 0 && all[2] >= -1
}

// question puts a doubt into words.
func (q *queue) question(ctx context.Context, d doubt.Doubt) views.Question {
	m := q.images[d.N]
	v := views.Question{
		ID: doubtID(d.N, d.Row, d.Column), N: d.N, Row: d.Row, Column: d.Column, Generation: m.Generation, Kind: string(d.Kind), Like: likeness(d.Like),
		Head: oneLine(cmp.Or(d.Head, q.names[d.N])),
	}
	for i, issue := range d.Issues {
		if said := views.LocalizeText(ctx, oneLine(issue.Message)); !strings.Contains(v.Why, said) {
			v.Why += strings.Repeat(" ", min(i, 1)) + said
		}
	}
	if d.At < 0 {
		v.Sub = views.T(ctx, "queue.sheet")
		return v
	}
	row := m.Rows[d.At]
	v.Band = presentBox(row.Box)
	v.Sub = views.T(ctx, "queue.row", d.At+1)
	if name := rowName(row, d.Column); name != "" {
		v.Sub = views.T(ctx, "queue.cell", name, d.At+1)
	}
	if d.Column >= 0 && d.Column < len(row.Cells) {
		cell := row.Cells[d.Column]
		v.Text, v.Box = lines(cell.Text), presentBox(placeOnPicture(m, d.At, d.Column))
		v.Offers = q.batch.Table.Column(d.Column).Offers(cell, d.Issues, q.words[d.Head])
	}
	return v
}

// placeOnPicture returns the place of a cell on the picture. Where the engine did not say it, as of a blank or unreadable cell, it is
// where the row crosses the column, as the other cells of the column lie.
func placeOnPicture(m *batch.Image, row, column int) *table.Box {
	if own := m.Rows[row].Cells[column].Box; own != nil || m.Rows[row].Box == nil {
		return own
	}
	box := *m.Rows[row].Box
	var lefts, rights []int
	for _, r := range m.Rows {
		if column < len(r.Cells) && r.Cells[column].Box != nil {
			lefts, rights = append(lefts, r.Cells[column].Box.Left), append(rights, r.Cells[column].Box.Right)
		}
	}
	if len(lefts) == 0 {
		return nil
	}
	slices.Sort(lefts)
	slices.Sort(rights)
	box.Left, box.Right = lefts[len(lefts)/2], rights[len(rights)/2]
	if box.Right <= box.Left {
		return nil
	}
	return &box
}

// rowName returns the first text with letters of a row beside the column in question: it tells a person which thing the row is
// about.
func rowName(row table.Row, but int) string {
	const most = 40
	for i, c := range row.Cells {
		if text := oneLine(c.Text); i != but && strings.ContainsFunc(text, unicode.IsLetter) {
			if runes := []rune(text); len(runes) > most {
				text = strings.TrimSpace(string(runes[:most-1])) + "…"
			}
			return text
		}
	}
	return ""
}

// likeness is a hash of a text that groups equal ones.
func likeness(text string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(text)) // never fails
	return strconv.FormatUint(uint64(h.Sum32()), 36)
}

// sheet describes the picture of a question.
func (q *queue) sheet(ctx context.Context, n int) views.Sheet {
	m := q.images[n]
	s := views.Sheet{N: n, Name: oneLine(q.names[n]), Width: m.Picture.Width, Height: m.Picture.Height}
	if a := m.Last(); a != nil && a.Engine != "" && m.Typed == nil {
		s.By = views.ReadBy(ctx, a.Engine, oneLine(a.Model))
	}
	return s
}

// rowsOf returns the rows of a picture, for the table under a question.
func (q *queue) rowsOf(ctx context.Context, n int) ([]views.Head, []views.Line) {
	m := q.images[n]
	heads := presentHeads(q.batch.Table, m)
	return heads, presentLines(ctx, m, m.Name, len(heads))
}

// kinds returns the kinds of doubt with the number of open ones, all of them first.
func (q *queue) kinds() []views.Kind {
	all := []views.Kind{{Left: len(q.doubts)}}
	for _, k := range doubt.Kinds() {
		all = append(all, views.Kind{Word: string(k), Left: q.left[k]})
	}
	return all
}

// undoable reports whether a person can take an answer back.
func (q *queue) undoable(by string) bool {
	for _, m := range q.images {
		if m.Undoable(by) != nil {
			return true
		}
	}
	return false
}

// answers counts the cells that people answered, by answer, and the people.
func (q *queue) answers() (right, changed, lost, people int) {
	who := map[string]bool{}
	for _, m := range q.images {
		if m.Status != batch.Completed {
			continue
		}
		for _, row := range m.Rows {
			for _, c := range row.Cells {
				switch c.State {
				case table.Accepted:
					right++
				case table.Edited:
					changed++
				case table.Lost:
					lost++
				}
			}
		}
		for _, e := range m.Edits {
			if e.Generation == m.Generation && !e.Undone && e.Kind != batch.EditUndo {
				who[e.By] = true
			}
		}
	}
	return right, changed, lost, len(who)
}
