package api

import (
	"cmp"
	"sheetlift/internal/batch"
	"sheetlift/internal/batch/progress"
	"sheetlift/internal/batch/settings"
	"sheetlift/internal/table"
)

// batchInfo is the JSON form of a batch.
type batchInfo struct {
	ID         batch.ID          `json:"id"`
	Name       string            `json:"name"`
	Status     batch.Status      `json:"status"`
	Pause      batch.PauseReason `json:"paused_by,omitempty"`      // user, keys, disk
	PauseWhy   string            `json:"paused_because,omitempty"` // while its keys are in cooldown: such as rpd, model_unavailable, foreign
	PauseEnds  *string           `json:"paused_until,omitempty"`   // when it resumes automatically; omitted if a person must act first
	Engine     string            `json:"engine,omitempty"`
	Model      string            `json:"model,omitempty"`
	Thinking   string            `json:"thinking,omitempty"`
	Priority   batch.Priority    `json:"priority"`
	AtOnce     int               `json:"at_once"`
	MaxRetries int               `json:"max_retries"`
	Keep       string            `json:"keep"`
	Fallback   batch.Fallback    `json:"fallback"`
	Witness    batch.Witness     `json:"witness"`
	Images     int               `json:"images"`
	Counts     batch.Counts      `json:"counts"`
	PerMinute  float64           `json:"images_per_minute"`
	Left       float64           `json:"seconds_left"` // 0: ended, or unknown
	StartAt    *string           `json:"start_at"`
	Created    *string           `json:"created_at"`
	Started    *string           `json:"started_at"`
	Ended      *string           `json:"ended_at"`
}

func newBatch(o progress.Overview) batchInfo {
	b := o.Batch
	o.Counts.Exact = false // not for programs
	rest := batch.Cooldown{}
	if b.Cooldown != nil && b.Status == batch.Paused {
		rest = *b.Cooldown
	}
	return batchInfo{
		PauseWhy: rest.Why, PauseEnds: stamp(rest.Until), Thinking: b.Thinking,
		ID: b.ID, Name: b.Name, Status: b.Status, Pause: b.Pause, Engine: b.Engine, Model: b.Model, Priority: word(b.Priority),
		AtOnce: b.Options.AtOnce, MaxRetries: b.Options.MaxRetries, Keep: settings.KeepWord(b.Options.Keep), Fallback: cmp.Or(b.Options.Fallback, batch.FallbackAsk), Witness: cmp.Or(b.Options.Witness, batch.WitnessOff), Images: o.Images, Counts: o.Counts,
		PerMinute: o.PerMinute, Left: o.Left.Seconds(), StartAt: stamp(b.StartAt), Created: stamp(b.Created), Started: stamp(b.Started),
		Ended: stamp(b.Ended),
	}
}

// word returns p with the zero value spelled out as Normal.
func word(p batch.Priority) batch.Priority {
	if p.Level() == 0 {
		return batch.Normal
	}
	return p
}

// imageInfo is the JSON form of an image, without rows and text.
type imageInfo struct {
	N          int            `json:"n"`
	Upload     string         `json:"upload"`
	Name       string         `json:"name"`
	Filename   string         `json:"filename"`
	Status     batch.Status   `json:"status"`
	Priority   batch.Priority `json:"priority"`
	Tries      int            `json:"tries"`
	Rows       int            `json:"rows"`
	Doubts     int            `json:"doubts"`
	Checked    bool           `json:"checked"` // confirmed by a person
	Failure    string         `json:"failure,omitempty"`
	Again      *string        `json:"next_try_at"`
	SameAs     int            `json:"same_picture_as,omitempty"` // the image whose rows it copied
	CachedFrom *string        `json:"read_earlier_at"`           // time of the reading for another batch that its rows come from, otherwise null
}

func newImage(m *batch.Image) imageInfo {
	var earlier *string
	if m.CachedFrom != nil {
		earlier = stamp(m.CachedFrom.Read)
	}
	return imageInfo{
		CachedFrom: earlier, N: m.N, Upload: m.UploadID(), Name: m.Name, Filename: m.Filename, Status: m.Status, Priority: word(m.Priority), Tries: m.Tries,
		Rows: len(m.Rows), Doubts: m.DoubtCount(), Checked: m.IsChecked(), Failure: m.Failure, Again: stamp(m.NotBefore), SameAs: m.DuplicateOf,
	}
}

// wholeImage is an image with its attempts, rows and text.
type wholeImage struct {
	imageInfo
	Attempts []batch.Attempt `json:"attempts"`
	Read     []rowInfo       `json:"read"`
	Issues   []issueInfo     `json:"issues"`
	Text     string          `json:"text"`
}

// issueInfo is a doubt about an image, a row or a cell.
type issueInfo struct {
	Row     int    `json:"row"`    // from 1; 0: about the image
	Column  string `json:"column"` // "": about the row
	Kind    string `json:"kind"`
	Message string `json:"message"`
}

func newWholeImage(b *batch.Batch, m *batch.Image) wholeImage {
	w := wholeImage{imageInfo: newImage(m), Attempts: m.Attempts, Read: newRows(b.Table, m), Issues: []issueInfo{}, Text: m.Text}
	if w.Attempts == nil {
		w.Attempts = []batch.Attempt{}
	}
	header := b.Table.Header(m.Columns)
	for _, issue := range m.Issues {
		d := issueInfo{Row: issue.Row + 1, Kind: issue.Kind, Message: issue.Message}
		if issue.Column >= 0 && issue.Column < len(header) {
			d.Column = header[issue.Column]
		}
		w.Issues = append(w.Issues, d)
	}
	return w
}

// rowInfo is one row with its image.
type rowInfo struct {
	Image int               `json:"image"`
	Name  string            `json:"name"`
	Row   int               `json:"row"`   // from 1
	Cells map[string]string `json:"cells"` // by column, as written on the sheet

	Values map[string]string `json:"values,omitempty"` // normalized numbers and dates, such as 1250.5 and 2026-12-31; omitted where the text is not a plain one
}

// valuesOf returns the normalized values of the number and date cells of a row, by column.
func valuesOf(t table.Table, row table.Row) map[string]string {
	values := map[string]string{}
	for i, cell := range row.Cells {
		if value := t.Column(i).Value(cell); value != "" {
			values[t.Columns[i].Name] = value
		}
	}
	return values
}

func newRows(t table.Table, m *batch.Image) []rowInfo {
	rows := []rowInfo{}
	for i, cells := range rowsOf(t, m) {
		rows = append(rows, rowInfo{Image: m.N, Name: m.Name, Row: i + 1, Cells: cells, Values: valuesOf(t, m.Rows[i])})
	}
	return rows
}
