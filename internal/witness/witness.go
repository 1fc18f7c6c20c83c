// Package witness compares the rows of an image with an independent reading of the same picture. The other reader is weaker
// and makes errors of its own, but seldom the same ones: where both have the same text, it is right, and a difference is worth
// a look.
package witness

import (
	"strings"

	"sheetlift/internal/table"
)

// Verdict is the result of comparing one cell.
type Verdict int

// The verdicts. The zero value means that there was nothing to compare with.
const (
	Unseen   Verdict = iota // the witness has no line for the row, the cell is blank, or both differ in signs that look alike
	Agreed                  // both have the same text, kinds of dashes and quotes and spaces apart
	Disputed                // the witness has another text
)

// Result is the comparison of all rows of an image.
type Result struct {
	Cells [][]Verdict // by row and column, as the rows
	Other [][]string  // the text of the witness in place of a disputed cell; "" where it has none
	Lost  []Lost      // lines that look like rows and belong to none
}

// Lost is a line of the witness that looks like a row.
type Lost struct {
	After int    // index of the row before it; -1 at the top
	Text  string // as the witness read it
}

// rowsFrom is the share of a row's characters that its lines have to contain: with less, the line of another row that has some
// of the same values would do. Measured by make bench-trust.
const rowsFrom = 0.45

// Compare compares rows with the lines of a witness, each of which is the cells of one line from left to right, the heading
// first. Neither is changed. With more than four million pairs of a row and a line nothing is compared.
func Compare(rows []table.Row, lines [][]string) Result {
	res := Result{Cells: make([][]Verdict, len(rows)), Other: make([][]string, len(rows))}
	if len(rows)*len(lines) > maxPairs {
		for i, r := range rows {
			res.Cells[i], res.Other[i] = make([]Verdict, len(r.Cells)), make([]string, len(r.Cells))
		}
		return res
	}
	read, seen := make([]line, len(rows)), make([]line, len(lines))
	for i, r := range rows {
		texts := make([]string, len(r.Cells))
		for j, c := range r.Cells {
			texts[j] = c.Text
		}
		read[i] = newLine(texts)
	}
	for i, texts := range lines {
		seen[i] = newLine(texts)
	}
	spans := align(read, seen)
	for i := range read {
		res.Cells[i], res.Other[i] = judge(read[i], seen, spans[i])
	}
	res.Lost = lost(read, seen, spans)
	return res
}

// line is the words of a row or of a witness's line.
type line struct {
	cells [][]string // words of each cell, as written
	folds [][]string // the same, with signs that look alike as one
	words []string   // of all cells
	fold  []string
	size  int // runes of all words
}

func newLine(texts []string) line {
	var l line
	for _, text := range texts {
		words := strings.Fields(plain(text))
		folds := make([]string, len(words))
		for i, w := range words {
			folds[i] = fold(w)
			l.size += len([]rune(w))
		}
		l.cells, l.folds = append(l.cells, words), append(l.folds, folds)
		l.words, l.fold = append(l.words, words...), append(l.fold, folds...)
	}
	return l
}

// plain has one kind of dashes and quotes.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case '‐', '‑', '‒', '–', '—', '―', '−':
			return '-'
		case '“', '”', '„', '‟', '«', '»', '″':
			return '"'
		case '‘', '’', '‚', '‛', '′', '`', '´':
			return '\''
		}
		return r
	}, s)
}

// fold has one sign for the letters and digits that readers take for one another.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case 'o':
			return '0'
		case 'l', 'i', '|', '!':
			return '1'
		case 's':
			return '5'
		case 'b':
			return '8'
		}
		return r
	}, strings.ToLower(s))
}
