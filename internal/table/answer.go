package table

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// The limits of an answer. What is over them is cut, and an issue says so.
const (
	MaxRows        = 10_000 // rows of one image
	MaxCell        = 32_000 // characters of a cell; a cell of a workbook holds 32,767
	MaxOpenColumns = 200    // columns of an open table
)

// Answer is what Parse made of an engine's answer.
type Answer struct {
	Columns  []string // header of an open table, as long as its longest row; nil where the table names the columns
	Rows     []Row    // each with a cell for every column
	Issues   []Issue  // where the answer did not have the shape asked for; the cells' own doubts are Check's
	Repaired bool     // it was not the plain JSON asked for (fences, trailing commas, words around it)
}

// ShapeError says that an answer has nothing in it that could be rows.
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
// other letters, arrays for objects) and strict with the content: values stay as they are written, what is dropped,
// renamed or missing is an Issue, and an answer that is cut off or has no rows in it at all is a *ShapeError. An answer
// that says that there are no rows is no error.
func (t Table) Parse(answer []byte) (Answer, error) {
	text := strings.TrimPrefix(string(answer), "\uFEFF")
	top, repaired, err := read(text)
	if err != nil {
		return Answer{}, shapeError(err.Error(), text)
	}
	f, ok := t.find(top, 0)
	if !ok {
		return Answer{}, shapeError("no rows in it", text)
	}
	a := t.build(f)
	a.Repaired = repaired
	return a, nil
}

var errSeveral = errors.New("more than one answer")

// read finds the JSON in the text. Several objects one after the other are a list of them.
func read(text string) (v value, repaired bool, err error) {
	body, fenced := unfence(text)
	all, rest, repaired, err := readAll(body)
	if err != nil {
		// Words around it: the first place where a whole value stands.
		if all, rest, err = search(body, err); err != nil {
			return value{}, false, err
		}
		repaired = true
	}
	repaired = repaired || fenced || strings.TrimSpace(rest) != ""
	if len(all) == 1 && all[0].kind == '"' {
		if inner := strings.TrimSpace(all[0].text); strings.HasPrefix(inner, "{") || strings.HasPrefix(inner, "[") {
			all, _, _, err = readAll(inner)
			repaired = true
		}
	}
	if err != nil || len(all) == 1 {
		return first(all), repaired, err
	}
	for _, v := range all {
		if v.kind != '{' || holds(v) {
			return value{}, false, errSeveral
		}
	}
	return value{kind: '[', list: all}, true, nil
}

func first(all []value) value {
	if len(all) == 0 {
		return value{}
	}
	return all[0]
}

// holds reports whether v is a wrapper around rows rather than a row.
func holds(v value) bool {
	for _, f := range v.fields {
		if f.value.kind == '[' && wrapper(f.name) {
			return true
		}
	}
	return false
}

// readAll reads one value, and further objects directly after it.
func readAll(text string) (all []value, rest string, repaired bool, err error) {
	r := &reader{in: text}
	v, err := r.value(0)
	if err != nil {
		return nil, "", false, err
	}
	all = []value{v}
	for v.kind == '{' {
		at := r.at
		if r.peek() == ',' {
			r.at++
		}
		if r.peek() != '{' {
			r.at = at
			break
		}
		next, err := r.value(0)
		if err != nil {
			return nil, "", false, err
		}
		all = append(all, next)
	}
	return all, r.in[r.at:], r.repaired, nil
}

// search looks for a value behind words; err is why there is none at the very beginning.
func search(text string, err error) ([]value, string, error) {
	trimmed := strings.TrimSpace(text)
	if trimmed == "" {
		return nil, "", errors.New("empty")
	}
	if strings.IndexByte("{[\"", trimmed[0]) >= 0 {
		return nil, "", err
	}
	at := 0
	for range 8 {
		next := strings.IndexAny(text[at:], "{[")
		if next < 0 {
			break
		}
		at += next
		all, rest, _, found := readAll(text[at:])
		if found == nil && (all[0].kind == '{' || len(all[0].list) > 0 && !all[0].list[0].scalar()) {
			return all, rest, nil
		}
		if found != nil && errors.Is(found, errCut) {
			return nil, "", found
		}
		at++
	}
	return nil, "", err
}

// unfence takes the text out of a Markdown fence. A fence that is not closed is left to the JSON to judge.
func unfence(text string) (string, bool) {
	_, inside, fenced := strings.Cut(text, "```")
	before := strings.TrimSpace(text[:strings.IndexAny(text+"`", "`")])
	if !fenced || strings.ContainsAny(before, "{[\"") {
		return text, false
	}
	if line, rest, ok := strings.Cut(inside, "\n"); ok && !strings.ContainsAny(line, "{[") {
		inside = rest
	} else {
		inside = strings.TrimPrefix(inside, "json")
	}
	return strings.TrimSuffix(strings.TrimRight(inside, " \t\r\n"), "```"), true
}
