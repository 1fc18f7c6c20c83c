package web

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/table"
	"sheetlift/views"
)

// Here the domain's values become view models. Whatever people or engines wrote is put on one line first: a bare
// carriage return would otherwise end a line of an event stream.

var lineBreaks = strings.NewReplacer("\r\n", " ", "\r", " ", "\n", " ")

func oneLine(s string) string { return lineBreaks.Replace(s) }

var carriageReturns = strings.NewReplacer("\r\n", "\n", "\r", "\n")

func lines(s string) string { return carriageReturns.Replace(s) }

func imageURL(id batch.ID, n int) string { return batchURL(id) + "/images/" + strconv.Itoa(n) }

// placeOf is where image n stands in its started batch, from 1; 0 when it is not in it.
func placeOf(b *batch.Batch, n int) int {
	if n > 0 && n <= len(b.Order) && b.Order[n-1] == n { // nearly always: nothing was removed and nothing moved
		return n
	}
	return slices.Index(b.Order, n) + 1
}

func presentShots(ctx context.Context, images []*batch.Image) []views.Shot {
	shots := make([]views.Shot, 0, len(images))
	for i, m := range images {
		before, after := 0, -1
		if i > 0 {
			before = images[i-1].N
		}
		switch left := len(images) - i; {
		case left > 2:
			after = images[i+2].N
		case left == 2:
			after = 0
		}
		shots = append(shots, views.Shot{
			N: m.N, Before: before, After: after, Place: i + 1, Name: oneLine(m.Name), Filename: oneLine(m.Filename),
			Plain: oneLine(m.DefaultName()), Folder: oneLine(m.Folder), Date: dayOf(m), Thumb: imageURL(m.Batch, m.N) + "/thumb" + versionOf(m),
			Picture: imageURL(m.Batch, m.N) + "/picture" + versionOf(m), Notes: presentNotes(ctx, m), Turn: turnOf(m),
		})
	}
	return shots
}

// versionOf makes the address of a picture another one when it was turned.
func versionOf(m *batch.Image) string {
	return "?v=" + m.Picture.Digest[:min(8, len(m.Picture.Digest))]
}

// turnOf is by how many quarters a picture must be turned to stand upright, as far as is known.
func turnOf(m *batch.Image) int {
	for _, n := range m.Picture.Notes {
		if n.Turn > 0 {
			return n.Turn
		}
	}
	return 0
}

// notedOf is how many of the images carry a note.
func notedOf(images []*batch.Image) int {
	n := 0
	for _, m := range images {
		if len(m.Picture.Notes) > 0 {
			n++
		}
	}
	return n
}

func presentNotes(ctx context.Context, m *batch.Image) []string {
	var notes []string
	for _, n := range m.Picture.Notes {
		notes = append(notes, views.Retell(ctx, oneLine(n.Message)))
	}
	return notes
}

func presentProgress(o batch.Overview) views.Progress {
	b, c := o.Batch, o.Counts
	p := views.Progress{
		Status: string(b.Status), Pause: string(b.Pause), Total: max(o.Images, c.Total()), AtOnce: b.Options.AtOnce,
		Pending: c.Pending, Processing: c.Processing, Retrying: c.Retrying,
		Completed: c.Completed, Failed: c.Failed, Canceled: c.Canceled,
		Rows: c.Rows, Issues: c.Issues, Calls: c.Calls, Tokens: c.Tokens, USD: c.USD, Reused: c.Reused,
		PerMinute: o.PerMinute, Left: o.Left,
	}
	if b.Status != batch.Paused {
		p.Pause = ""
	} else if b.Rest != nil {
		p.Rests, p.Back = b.Rest.Why, b.Rest.Until
	}
	if b.Status.Final() && !b.Started.IsZero() {
		p.Took = b.Ended.Sub(b.Started)
	}
	return p
}

// presentLive is the page of a batch without its rows.
func presentLive(b *batch.Batch, p views.Progress) views.Live {
	return views.Live{
		URL: batchURL(b.ID), Name: oneLine(b.Name), Progress: p, Engine: b.Engine, Model: oneLine(b.Model),
		Columns: choiceOf(b.Table),
	}
}

// choiceOf is which of the choices of columns a table is.
func choiceOf(t table.Table) string {
	if t.Preset == "" {
		return ownColumns
	}
	return t.Preset
}

func presentRow(b *batch.Batch, m *batch.Image) views.Row {
	row := views.Row{
		URL: imageURL(m.Batch, m.N), Batch: batchURL(m.Batch), N: m.N, Place: placeOf(b, m.N),
		Name: oneLine(m.Name), Filename: oneLine(m.Filename), Thumb: imageURL(m.Batch, m.N) + "/thumb",
		Status: string(m.Status), Priority: priorityWord(m.Priority), Tries: presentTries(m), Rows: len(m.Rows), Issues: len(m.Issues),
	}
	if last := m.Last(); last != nil {
		row.Key, row.Engine = oneLine(last.Key), last.Engine
	}
	switch {
	case m.Twin > 0:
		row.Note = fmt.Sprintf("The same picture as number %d: it was read once.", placeOf(b, m.Twin))
	case m.Reused():
		row.Earlier = m.Earlier.Read
	case m.Status == batch.Failed:
		row.Note = oneLine(m.Failure)
	case m.Status == batch.Retrying:
		row.Note, row.Again = lastFault(m), m.NotBefore
	}
	if m.Status.Final() {
		row.Took = m.Working(m.Ended)
	}
	return row
}

// priorityWord is a priority as pages and programs read it.
func priorityWord(p batch.Priority) string {
	if p.Level() == 0 {
		return string(batch.Normal)
	}
	return string(p)
}

// lastFault is why the newest try that failed did.
func lastFault(m *batch.Image) string {
	for _, a := range slices.Backward(m.Attempts) {
		if a.Why != "" {
			return oneLine(a.Message)
		}
	}
	return ""
}

func presentTries(m *batch.Image) []views.Try {
	tries := make([]views.Try, 0, len(m.Attempts))
	for i, a := range m.Attempts {
		last := i == len(m.Attempts)-1
		t := views.Try{Text: oneLine(a.Message), Key: oneLine(a.Key), Engine: a.Engine, Model: oneLine(a.Model)}
		if !a.Ended.IsZero() {
			t.Took = a.Ended.Sub(a.Started)
		}
		switch {
		case a.Ended.IsZero() && last && m.Status.Active():
			t.Status = "processing"
		case a.Ended.IsZero():
			t.Status = "canceled"
		case a.Why == "":
			t.Status = "completed"
		case last && m.Status == batch.Failed:
			t.Status = "failed"
		default:
			t.Status = "retrying"
		}
		tries = append(tries, t)
	}
	return tries
}

// presentRecent is the list of batches, newest first, and how many of all are left out of it.
func presentRecent(shown []batch.Overview, all int) ([]views.Recent, int) {
	recent := make([]views.Recent, 0, len(shown))
	for _, o := range shown {
		recent = append(recent, views.Recent{
			URL: batchURL(o.Batch.ID), Name: oneLine(o.Batch.Name), Draft: o.Batch.Status == batch.Draft,
			Progress: presentProgress(o), Created: o.Batch.Created,
		})
	}
	return recent, all - len(shown)
}

// presentTable is a table as the editor of columns shows it.
func presentTable(t table.Table) []views.Column {
	columns := make([]views.Column, 0, len(t.Columns))
	for _, c := range t.Columns {
		columns = append(columns, views.Column{
			Name: oneLine(c.Name), Type: string(c.Type), Description: oneLine(c.Description),
			Choices: oneLine(strings.Join(c.Choices, ", ")), Required: c.Required, Unique: c.Unique,
			Dates: string(c.Dates), Pattern: oneLine(c.Pattern), Example: oneLine(c.Example),
		})
	}
	return columns
}

// overviewOf counts the images themselves, for a page that has loaded them; pace and time left come from the board,
// which may be a moment behind.
func overviewOf(b *batch.Batch, images []*batch.Image, board batch.Overview) batch.Overview {
	o := batch.Overview{Batch: b, Images: len(images), PerMinute: board.PerMinute}
	for _, m := range images {
		o.Counts.Add(m.Figures(), 1)
	}
	if !b.Status.Final() {
		o.Left = board.Left
	} else if took := b.Ended.Sub(b.Started); took > 0 && o.PerMinute == 0 {
		o.PerMinute = float64(o.Counts.Done()) / took.Minutes()
	}
	o.Left = o.Left.Round(time.Second)
	return o
}
