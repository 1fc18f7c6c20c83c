package table

import (
	"errors"
	"regexp"
	"strings"
)

// document is everything in an answer that is JSON.
type document struct {
	values   []value  // in their order; the words around them are left out
	comments []value  // texts of comments
	repaired bool     // the text is not one plain value
	words    bool     // there are words around the values, other than the marks of a fence
	prose    []string // those words, in their order
	ids      int      // the last id given to a value
}

// maxTexts is how many levels of quoting an answer may have: JSON in a string in a string.
const maxTexts = 3

// scan reads all JSON values of a text and skips the words and fences around them. A value that begins and cannot be read
// to its end is an error, so that a part is never taken for the whole.
func scan(text string) (*document, error) {
	d := &document{}
	if err := d.read(text); err != nil {
		return nil, err
	}
	// The whole answer may be a text that holds the JSON.
	for range maxTexts {
		if len(d.values) != 1 || d.values[0].kind != '"' || !isJSON(d.values[0].text) {
			break
		}
		inner := d.values[0].text
		d.values, d.repaired = nil, true
		if err := d.read(inner); err != nil {
			return nil, err
		}
	}
	switch {
	case strings.TrimSpace(text) == "":
		return nil, errors.New("empty")
	case len(d.values) == 0:
		return nil, errSyntax
	}
	return d, nil
}

// read adds the values of a text.
func (d *document) read(text string) error {
	r := &reader{in: text, ids: &d.ids}
	for first := true; ; first = false {
		r.space()
		if first && r.at < len(text) && text[r.at] == '"' || d.begins(text, r.at) {
			v, err := r.value(0)
			if err != nil {
				return err
			}
			d.values = append(d.values, v)
			continue
		}
		at := r.at
		for r.at < len(text) && !d.begins(text, r.at) {
			r.at++
		}
		words := strings.TrimSpace(text[at:r.at])
		d.repaired, d.prose = d.repaired || words != "", append(d.prose, words)
		d.words = d.words || strings.Trim(strings.TrimPrefix(strings.TrimLeft(words, "`"), "json"), "` \r\n") != ""
		switch {
		case r.at >= len(text) && words == ",":
			return errCut // one more was to follow
		case r.at >= len(text) && len(d.values) == 1 && closers.MatchString(words):
			// One bracket too many behind a whole value.
		case torn.MatchString(remark.ReplaceAllString(words, "")), strings.Count(words, `"`)%2 == 1:
			return errSyntax
		}
		if r.at >= len(text) {
			break
		}
	}
	if r.tight && r.loose {
		for i := range d.values {
			doubtTight(&d.values[i])
		}
	}
	d.comments = append(d.comments, r.comments...)
	d.repaired = d.repaired || r.repaired || len(d.values) > 1
	return nil
}

// doubtTight marks the numbers in lists that may be one number with a comma in it, 1,234 or 12,5. It is used for an answer
// that writes its other commas with a space, or has one comma too many. In an answer that writes all commas alike, they are
// separate numbers if their count fits the columns, which the builder checks.
func doubtTight(v *value) {
	for i := range v.list {
		if v.list[i].tight {
			v.list[i-1].odd, v.list[i].odd = true, true
		}
		doubtTight(&v.list[i])
	}
	for i := range v.fields {
		doubtTight(&v.fields[i].value)
	}
}

// begins reports whether a value begins here: an object, a list that is no remark, or a text that holds one of them.
func (d *document) begins(text string, at int) bool {
	switch {
	case at >= len(text):
	case text[at] == '{':
		return true
	case text[at] == '[':
		return strings.TrimSpace(text[:at]) == "" || !aside(text[at:])
	case text[at] == '"':
		inner := strings.TrimLeft(text[at+1:min(at+20, len(text))], " \t\r\n\\n\"")
		return strings.HasPrefix(inner, "{") || strings.HasPrefix(inner, "[")
	}
	return false
}

var (
	// torn finds JSON punctuation among words: a value was broken there, and the values beside it are not the whole answer.
	torn    = regexp.MustCompile(`[}\]]|["']\s*[:,]`)
	closers = regexp.MustCompile("^[}\\]][`\\s]*$")
	remark  = regexp.MustCompile(`\[[^\[\]{}"']*\]`)
)

// aside reports whether a text begins with a remark in brackets, such as [as asked].
func aside(text string) bool {
	end := strings.IndexAny(text[1:], "{[]\"'")
	if end < 1 || text[1+end] != ']' {
		return false
	}
	for word := range strings.SplitSeq(text[1:1+end], ",") {
		if word = strings.TrimSpace(word); word == "" || numeral(word) {
			return false
		}
	}
	return true
}

// isJSON reports whether a text within an answer looks like an object or a list with something in it, or like a text
// that holds one.
func isJSON(text string) bool {
	text = strings.TrimSpace(text)
	if len(text) < 3 {
		return false
	}
	switch first, last := text[0], text[len(text)-1]; {
	case first == '"' && last == '"':
		inner := strings.TrimLeft(text, "\"\\ ")
		return strings.HasPrefix(inner, "{") || strings.HasPrefix(inner, "[")
	case first == '{' && last == '}', first == '[' && last == ']':
		return strings.IndexByte("{[\"'", strings.TrimSpace(text[1:])[0]) >= 0
	}
	return false
}
