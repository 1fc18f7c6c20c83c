package views

import (
	"strings"
	"unicode"
)

// Text by a person may be right to left or contain bidirectional controls that reorder the text next to it. On a page it is in
// an element with dir="auto" or in <bdi>. In sentences, titles and labels, where no element is possible, isolate has the same
// effect.

const (
	firstStrong = '\u2068' // begins text with a direction of its own
	popIsolate  = '\u2069' // ends it
)

// isolate prevents a text from reordering the text around it. Text that cannot do so is returned unchanged.
func isolate(text string) string {
	if !strings.ContainsFunc(text, turns) {
		return text
	}
	var b strings.Builder
	b.WriteRune(firstStrong)
	open := 0
	for _, r := range text {
		switch {
		case r >= '\u2066' && r <= firstStrong:
			open++
		case r == popIsolate && open == 0: // would end ours
			continue
		case r == popIsolate:
			open--
		}
		b.WriteRune(r)
	}
	b.WriteString(strings.Repeat(string(popIsolate), open+1))
	return b.String()
}

// isolated returns the arguments of a sentence with each text isolated.
func isolated(args []any) []any {
	out := make([]any, len(args))
	for i, arg := range args {
		out[i] = arg
		if text, ok := arg.(string); ok {
			out[i] = isolate(text)
		}
	}
	return out
}

// turns reports whether a character is right to left, or changes the direction of others.
func turns(r rune) bool {
	return unicode.Is(unicode.Bidi_Control, r) ||
		unicode.In(r, unicode.Hebrew, unicode.Arabic, unicode.Syriac, unicode.Thaana, unicode.Nko, unicode.Samaritan, unicode.Mandaic, unicode.Adlam, unicode.Hanifi_Rohingya)
}
