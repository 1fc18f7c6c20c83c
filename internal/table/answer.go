package table

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// The limits of an answer. The part beyond a limit is cut off, and an issue says so.
const (
	MaxRows        = 10_000 // rows of one image
	MaxCell        = 32_000 // characters of a cell; a cell of a workbook holds 32,767
	MaxOpenColumns = 200    // columns of an open table
)

// Answer is an engine's answer as Parse returns it.
type Answer struct {
	Columns  []string // header of an open table, as long as its longest row; nil where the table names the columns
	Rows     []Row    // each with a cell for every column
	Issues   []Issue  // places where the answer did not have the requested shape; Check returns the doubts of the cells themselves
	Repaired bool     // the answer was not the requested plain JSON (fences, trailing commas, words around it)
}

// ShapeError says that an answer contains nothing that could be rows.
type ShapeError struct {
	Reason  string // for the technician
	Excerpt string // the beginning of the answer, at most 120 printable characters
}

// Error returns the reason with the excerpt.
func (e *ShapeError) Error() string { return fmt.Sprintf("%s: %q", e.Reason, e.Excerpt) }

func shapeError(reason, answer string) error {
	excerpt := strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, clip(strings.ToValidUTF8(strings.TrimSpace(clip(answer, 400)), "?"), 120))
	return &ShapeError{Reason: reason, Excerpt: excerpt}
}

// Parse turns an engine's answer to Prompt and Schema into rows. It is lenient with the form (fences, wrappers, keys in
// other letters, arrays for objects, drafts, tables in parts, single tokens that are no JSON) and strict with the content:
// it keeps the invariant in the package comment, and values stay as written except for escapes and invisible characters.
// It returns a *ShapeError if the answer is cut off, has brackets that do not match, or contains no rows. An answer that
// says that there are no rows is no error.
//
// scan reads every value of the text, a finder collects all tables among the values, join merges the tables into one, a
// builder turns that into rows, and the ledger reports the values that none of these steps has settled.
func (t Table) Parse(answer []byte) (Answer, error) {
	text := strings.TrimPrefix(string(answer), "\uFEFF")
	d, err := scan(text)
	if err != nil {
		return Answer{}, shapeError(err.Error(), text)
	}
	s := &finder{ledger: &ledger{}, names: newNames(t), table: t, ids: &d.ids, shapes: map[int]shape{}}
	s.answers(d.values)
	f, several, ok := s.join()
	if !ok && len(s.tables) > 0 {
		return Answer{}, shapeError("several tables with headings that cannot be told apart", text)
	}
	if !ok {
		return Answer{}, shapeError("no rows in it", text)
	}
	b := t.build(f, s, several)
	left := s.left(slices.Concat(d.values, s.inner, d.comments))
	if reason := b.nothing(left, s.counts, d.words); reason != "" {
		return Answer{}, shapeError(reason, text)
	}
	if len(left) > 0 {
		b.add(-1, -1, KindRows, "The answer also had values that are in no row (%s). Compare the rows with the picture.", told(left))
	}
	if said := prose(d.prose); said != "" {
		b.add(-1, -1, KindRows, "Beside its rows the answer said: %q. Compare the rows with the picture.", clip(said, maxProse))
	}
	a := Answer{Rows: b.rows, Issues: b.all(), Repaired: d.repaired}
	if t.Open {
		a.Columns = b.header
	}
	return a, nil
}
