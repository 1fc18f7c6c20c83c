package receipt

import (
	"strings"

	"sheetlift/internal/engine/layout"
)

// Sure is the confidence below which the field of a document is shown as a guess.
const Sure = 0.75

// Field returns the value that the rules found for a column, by the words of its name.
func (r Receipt) Field(name string) (Field, bool) {
	lower := strings.ToLower(name)
	for _, known := range []struct {
		words []string
		value Field
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
	return Field{}, false
}

// Labelled finds a value behind its own label: "Invoice no: 123".
func Labelled(lines []layout.Line, name string) Field {
	label := strings.Fields(strings.ToLower(strings.ReplaceAll(name, "_", " ")))
	for _, l := range lines {
		words := l.Words()
		if at := labelEnd(words, label); at > 0 && at < len(words) {
			rest := words[at:]
			return Field{tidy(layout.JoinWords(rest)), layout.MeanConfidence(rest)}
		}
	}
	return Field{}
}

// labelEnd returns the index of the word behind the label, 0 where it does not stand.
func labelEnd(words []layout.Word, label []string) int {
	for i := 0; len(label) > 0 && i+len(label) <= len(words); i++ {
		same := true
		for k, part := range label {
			same = same && strings.Trim(strings.ToLower(words[i+k].Text), ":.#-") == part
		}
		if same {
			end := i + len(label)
			for end < len(words) && layout.Alnum(words[end].Text) == 0 {
				end++
			}
			return end
		}
	}
	return 0
}
