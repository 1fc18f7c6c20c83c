package web

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"sheetlift/internal/batch"
	"sheetlift/internal/batch/doubt"
	"sheetlift/internal/batch/progress"
	"sheetlift/internal/table"
	"sheetlift/views"
)

// The present functions turn domain values into view models. Texts by people or engines are reduced to one line first: a bare
// carriage return would otherwise end a line of an event stream.

var lineBreaks = strings.NewReplacer("\r\n", " ", "\r", " ", "\n", " ")

func oneLine(s string) string { return lineBreaks.Replace(s) }

var carriageReturns = strings.NewReplacer("\r\n", "\n", "\r", "\n")

func lines(s string) string { return carriageReturns.Replace(s) }

func imageURL(id batch.ID, n int) string { return batchURL(id) + "/images/" + strconv.Itoa(n) }

// placeOf returns the position of image n in its started batch, from 1; 0 if it is not part of it.
func placeOf(b *batch.Batch, n int) int {
	if n > 0 && n <= len(b.Order) && b.Order[n-1] == n { // the common case: no image was removed or moved
		return n
	}
	return slices.Index(b.Order, n) + 1
}

func presentShots(ctx context.Context, images []*batch.Image) []views.Shot {
	shots := make([]views.Shot, 0, len(images))
	names := batch.NamesApart(images)
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
		if name := names[m.N]; name != m.Name {
			shots[i].Apart = oneLine(name)
		}
	}
	return shots
}

// versionOf makes the address of a picture change when it is rotated.
func versionOf(m *batch.Image) string {
	return "?v=" + m.Picture.Digest[:min(8, len(m.Picture.Digest))]
}

// turnOf returns the quarter turns that make a picture upright, as far as known.
func turnOf(m *batch.Image) int {
	for _, n := range m.Picture.Notes {
		if n.QuarterTurns > 0 {
			return n.QuarterTurns
		}
	}
	return 0
}

// notedOf returns how many of the images have a note.
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
		notes = append(notes, views.LocalizeText(ctx, oneLine(n.Message)))
	}
	return notes
}

func presentProgress(o progress.Overview) views.Progress {
	b, c := o.Batch, o.Counts
	p := views.Progress{
		Status: string(b.Status), Pause: string(b.Pause), Total: max(o.Images, c.Total()), AtOnce: b.Options.AtOnce,
		Pending: c.Pending, Processing: c.Processing, Retrying: c.Retrying,
		Completed: c.Completed, Failed: c.Failed, Canceled: c.Canceled,
		Rows: c.Rows, Issues: c.Issues, Calls: c.Calls, Tokens: c.Tokens, USD: c.USD, Unpriced: c.Unpriced, Called: c.Called, FromCache: c.FromCache, Compared: c.Compared,
		PerMinute: o.PerMinute, Left: o.Left,
	}
	if b.Options.Witness != batch.WitnessOffline || b.Table.Single {
		p.Compared = -1
	}
	if b.Status != batch.Paused {
		p.Pause = ""
	} else if b.Cooldown != nil {
		p.Rests, p.Back = b.Cooldown.Why, b.Cooldown.Until
	}
	if b.Status.Final() && !b.Started.IsZero() {
		p.Took = b.Ended.Sub(b.Started)
	}
	return p
}

// presentLive returns the page of a batch without its rows.
func (s *Server) presentLive(b *batch.Batch, p views.Progress) views.Live {
	v := views.Live{
		URL: batchURL(b.ID), Name: oneLine(b.Name), Progress: p, Engine: b.Engine, Model: oneLine(b.Model),
		Columns: choiceOf(b.Table), Kept: s.kept(b),
	}
	if e := b.Estimate; e != nil && (e.Took > 0 || e.From > 0) {
		v.Estimate = presentEstimate(context.Background(), e, b.Engine, views.Ready{})
	}
	if b.Reads() && s.slow != nil {
		v.Slow = s.slow()
	}
	return v
}

// choiceOf returns the choice of columns that a table belongs to.
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
		Status: string(m.Status), Priority: priorityWord(m.Priority), Tries: presentTries(m), Rows: len(m.Rows), Issues: m.DoubtCount(),
	}
	if last := m.Last(); last != nil {
		row.Key, row.Engine = oneLine(last.Key), last.Engine
	}
	switch {
	case m.DuplicateOf > 0:
		row.Note = fmt.Sprintf("The same picture as number %d: it was read once.", placeOf(b, m.DuplicateOf))
	case m.Typed != nil && m.Status == batch.Completed:
		row.Note = fmt.Sprintf("Typed in by %s.", oneLine(m.Typed.By))
	case m.FromCache():
		row.CachedFrom = m.CachedFrom.Read
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

// priorityWord returns a priority with the zero value spelled out as Normal.
func priorityWord(p batch.Priority) string {
	if p.Level() == 0 {
		return string(batch.Normal)
	}
	return string(p)
}

// lastFault returns the message of the newest failed attempt.
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
		t := views.Try{Text: oneLine(a.Message), Key: oneLine(a.Key), Engine: a.Engine, Model: oneLine(a.Model), Asked: oneLine(a.Asked)}
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

// presentRecent returns the list of batches, newest first, and the number of those not listed.
func (s *Server) presentRecent(shown []progress.Overview, all int) ([]views.Recent, int) {
	recent := make([]views.Recent, 0, len(shown))
	for _, o := range shown {
		if o.Batch.Status == batch.Draft && o.Images == 0 {
			continue // nothing is in it that anybody could miss
		}
		recent = append(recent, views.Recent{
			URL: batchURL(o.Batch.ID), Name: oneLine(o.Batch.Name), Draft: o.Batch.Status == batch.Draft,
			Progress: presentProgress(o), Created: o.Batch.Created, Kept: s.kept(o.Batch),
		})
	}
	return recent, all - len(shown)
}

// presentTable returns a table as rows of the column editor.
func presentTable(t table.Table) []views.Column {
	columns := make([]views.Column, 0, len(t.Columns))
	for _, c := range t.Columns {
		columns = append(columns, views.Column{
			Name: oneLine(c.Name), Type: string(c.Type), Description: oneLine(c.Description),
			Choices: oneLine(strings.Join(c.Choices, ", ")), Required: c.Required, Unique: c.Unique,
			Dates: string(c.Dates), Decimal: string(c.Decimal), Pattern: oneLine(c.Pattern), Example: oneLine(c.Example),
		})
	}
	return columns
}

// overviewOf counts images that the page has loaded; pace and remaining time come from Progress, which may be slightly older.
func overviewOf(b *batch.Batch, images []*batch.Image, known progress.Overview) progress.Overview {
	o := progress.Overview{Batch: b, Images: len(images), PerMinute: known.PerMinute}
	for _, m := range images {
		o.Counts.Add(m.Figures(b.Table), 1)
	}
	o.Counts = o.Counts.WithColumnIssues(b.Table)
	o.Counts.Issues, o.Counts.Exact = doubt.Count(b, images), true
	if !b.Status.Final() {
		o.Left = known.Left
	} else if took := b.Ended.Sub(b.Started); took > 0 && o.PerMinute == 0 {
		o.PerMinute = float64(o.Counts.Done()) / took.Minutes()
	}
	o.Left = o.Left.Round(time.Second)
	return o
}
