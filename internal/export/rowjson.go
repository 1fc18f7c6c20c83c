package export

import (
	"bufio"
	"bytes"
	"encoding/json"
	"strconv"

	"sheetlift/internal/batch"
)

// jsonRows writes one object: the batch, its columns in order, and its rows, one a line.
type jsonRows struct {
	w     *bufio.Writer
	names []string // of the columns, as JSON
	rows  int
	text  bytes.Buffer // of the value being written
}

// jsonBatch names the batch of the rows.
type jsonBatch struct {
	ID       batch.ID     `json:"id"`
	Name     string       `json:"name"`
	Status   batch.Status `json:"status"`
	Complete bool         `json:"complete"` // the batch has ended; until then rows may be added
	Images   int          `json:"images"`
	Read     int          `json:"images_read"`
}

func (j *jsonRows) begin(h rowsHead) {
	j.name(h.columns)
	if h.columns == nil {
		h.columns = []string{}
	}
	b := h.batch
	j.w.WriteString(`{"batch":`)
	j.value(jsonBatch{b.ID, b.Name, b.Status, h.label == "", h.images, h.read})
	j.w.WriteString(`,"columns":`)
	j.value(h.columns)
	j.w.WriteString(`,"rows":[`)
}

func (j *jsonRows) row(r row) {
	if j.rows++; j.rows > 1 {
		j.w.WriteByte(',')
	}
	j.w.WriteByte('\n')
	j.object(r)
}

func (j *jsonRows) end() { j.w.WriteString("\n]}\n") }

// object writes a row with its cells in the order of the columns.
func (j *jsonRows) object(r row) {
	j.w.WriteString(`{"image":` + strconv.Itoa(r.image) + `,"name":`)
	j.value(r.name)
	j.w.WriteString(`,"row":` + strconv.Itoa(r.number) + `,"checked":` + strconv.FormatBool(r.checked))
	j.fields(`,"cells":{`, r, func(c cell) (string, bool) { return c.text, c.there })
	j.fields(`,"values":{`, r, func(c cell) (string, bool) { return c.value, c.value != "" })
	j.w.WriteString(`,"doubts":[`)
	for i, d := range r.doubts {
		if i > 0 {
			j.w.WriteByte(',')
		}
		j.value(map[string]string{"column": d.column, "kind": d.kind, "message": d.message})
	}
	j.w.WriteString("]}")
}

// fields writes an object by column of those values that there are.
func (j *jsonRows) fields(start string, r row, of func(cell) (string, bool)) {
	j.w.WriteString(start)
	first := true
	for i, c := range r.cells {
		text, there := of(c)
		if !there {
			continue
		}
		if !first {
			j.w.WriteByte(',')
		}
		first = false
		j.w.WriteString(j.names[i])
		j.w.WriteByte(':')
		j.value(text)
	}
	j.w.WriteByte('}')
}

// value writes v as JSON, with < and > as they are.
func (j *jsonRows) value(v any) {
	j.w.WriteString(j.encoded(v))
}

func (j *jsonRows) encoded(v any) string {
	j.text.Reset()
	e := json.NewEncoder(&j.text)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // texts, numbers and truth values
	return string(bytes.TrimRight(j.text.Bytes(), "\n"))
}

// name keeps the names of the columns as they stand in every row.
func (j *jsonRows) name(columns []string) {
	for _, name := range columns {
		j.names = append(j.names, j.encoded(name))
	}
}

// ndjsonRows writes one object a line for each row, and nothing else.
type ndjsonRows struct{ jsonRows }

func (n *ndjsonRows) begin(h rowsHead) { n.name(h.columns) }

func (n *ndjsonRows) row(r row) {
	n.object(r)
	n.w.WriteByte('\n')
}

func (n *ndjsonRows) end() {}
