package tesseract

import (
	"strings"

	"sheetlift/internal/engine"
	"sheetlift/internal/table"
)

// sure is the confidence below which a cell is shown as a guess.
const sure = 0.75

// answer maps what was found to the table that was asked for.
func answer(f *finding, want table.Table) *engine.Reading {
	lines := linesOf(f.words)
	reading := &engine.Reading{Text: textOf(lines), Issues: []table.Issue{offline()}}
	switch {
	case want.Single:
		single(reading, lines, want)
	case want.Open:
		open(reading, gridOf(f.words, f.rules))
	default:
		named(reading, gridOf(f.words, f.rules), want)
	}
	f.locate(reading.Rows)
	return reading
}

// open takes the sheet's own header and rows.
func open(r *engine.Reading, g grid) {
	for i, row := range g.rows {
		if i > 0 {
			r.Rows = append(r.Rows, table.Row{Cells: values(row)})
			continue
		}
		for _, c := range row {
			r.Columns = append(r.Columns, c.text())
		}
	}
}

func values(row []cell) []table.Cell {
	cells := make([]table.Cell, len(row))
	for j, c := range row {
		cells[j] = c.value()
	}
	return cells
}

// value is the cell as the rest of the program knows it, but for its place, which is still that on the straightened
// picture; see locate.
func (c cell) value() table.Cell {
	v := valueOf(c.text(), meanConfidence(c.words))
	if !c.empty() {
		v.Box = &table.Box{Top: c.top, Left: c.left, Bottom: c.bottom, Right: c.right}
	}
	return v
}

func valueOf(text string, conf float64) table.Cell {
	if text == "" {
		return table.Cell{State: table.Blank}
	}
	v := table.Cell{Text: text, State: table.Read, Confidence: conf / 100}
	if v.Confidence < sure {
		v.State = table.Guessed
	}
	return v
}

// single finds the fields of one document by rules on its text.
func single(r *engine.Reading, lines []line, want table.Table) {
	found := receiptOf(lines)
	cells := make([]table.Cell, len(want.Columns))
	for j, column := range want.Columns {
		f, known := found.field(column.Name)
		if !known {
			f = labelled(lines, column.Name)
		}
		cells[j] = valueOf(f.text, f.conf)
	}
	r.Rows = []table.Row{{Cells: cells}}
}

// field returns what the rules found for a column, by the words of its name.
func (r receipt) field(name string) (field, bool) {
	lower := strings.ToLower(name)
	for _, known := range []struct {
		words []string
		value field
	}{
		{[]string{"company", "merchant", "vendor", "seller", "supplier", "shop", "store"}, r.company},
		{[]string{"address"}, r.address},
		{[]string{"date"}, r.date},
		{[]string{"total", "amount"}, r.total},
	} {
		for _, w := range known.words {
			if strings.Contains(lower, w) {
				return known.value, true
			}
		}
	}
	return field{}, false
}

// labelled finds a value behind its own label: "Invoice no: 123".
func labelled(lines []line, name string) field {
	label := strings.Fields(strings.ToLower(strings.ReplaceAll(name, "_", " ")))
	for _, l := range lines {
		words := l.words()
		if at := labelEnd(words, label); at > 0 && at < len(words) {
			rest := words[at:]
			return field{tidy(joinWords(rest)), meanConfidence(rest)}
		}
	}
	return field{}
}

// labelEnd returns the index of the word behind the label, 0 where it does not stand.
func labelEnd(words []word, label []string) int {
	for i := 0; len(label) > 0 && i+len(label) <= len(words); i++ {
		same := true
		for k, part := range label {
			same = same && strings.Trim(strings.ToLower(words[i+k].text), ":.#-") == part
		}
		if same {
			end := i + len(label)
			for end < len(words) && alnum(words[end].text) == 0 {
				end++
			}
			return end
		}
	}
	return 0
}
