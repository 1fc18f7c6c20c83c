package layout

import (
	"slices"

	"sheetlift/internal/table"
)

// Sure is the confidence below which a cell of a table is shown as a guess.
const Sure = 0.86

// The confidence, 0 to 100, of a word or a cell that its ink speaks against.
const Contradicted = 55

// Value returns the cell as a table.Cell. Its box is still the place on the straightened picture; see locate.
func (c Cell) Value() table.Cell {
	v := ValueOf(c.Text(), c.confidence(), Sure)
	if c.lost > 0 && v.State == table.Blank {
		v.State = table.Unreadable
	}
	if !c.Empty() {
		v.Box = &table.Box{Top: c.Top, Left: c.Left, Bottom: c.Bottom, Right: c.Right}
	}
	return v
}

// weakest is how far the confidence of a cell may exceed that of its least sure word, in points of 100.
const weakest = 25

// confidence returns the confidence of a cell from that of its words, 0 to 100.
func (c Cell) confidence() float64 {
	conf := MeanConfidence(c.words)
	for _, w := range c.words {
		if Alnum(w.Text) > 0 {
			conf = min(conf, w.Conf+weakest)
		}
	}
	if c.lost > 0 || c.torn || c.mixed() {
		conf = min(conf, Contradicted)
	}
	return conf
}

// mixed reports whether the words of a cell do not stand in the order of its lines.
func (c Cell) mixed() bool {
	var inLines []Word
	for _, l := range LinesOf(c.words) {
		inLines = append(inLines, l.Words()...)
	}
	return !slices.Equal(inLines, c.words)
}

// ValueOf returns the cell of a text that was read with a confidence of 0 to 100; below sure, from 0 to 1, it is a guess.
func ValueOf(text string, conf, sure float64) table.Cell {
	if text == "" {
		return table.Cell{State: table.Blank}
	}
	v := table.Cell{Text: text, State: table.Read, Confidence: conf / 100}
	if v.Confidence < sure {
		v.State = table.Guessed
	}
	return v
}
