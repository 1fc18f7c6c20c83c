package tesseract

import (
	"testing"

	"sheetlift/internal/engine/layout"
)

func TestKindsOfQuotesAreThoseOfTheInk(t *testing.T) {
	t.Parallel()
	for _, print := range []string{"Men's", "Men’s", "\"Red\"", "“Red”", "‘Red’", "'Red'", "John’s ‘old’", "5'10\""} {
		for _, read := range []string{straightened(print), curled(print)} {
			if got := reread(t, print, read); got.Text != print {
				t.Errorf("%q, taken for %q, became %q", print, read, got.Text)
			}
		}
	}
}

func TestQuotesWhoseMarksAreNotThoseOfTheInkStayAsTheyWereRead(t *testing.T) {
	t.Parallel()
	for print, read := range map[string]string{"Mens": "Men's", "Men’s": "Men\"s", "“Red”": "“Red"} {
		if got := reread(t, print, read); got.Text != read {
			t.Errorf("%q, taken for %q, became %q", print, read, got.Text)
		}
	}
}

func TestOnEnlargedPrintQuotesStayAsTheyWereRead(t *testing.T) {
	t.Parallel()
	p, boxes := printed(t, "Men’s")
	p.scale = 3
	words := []layout.Word{{Box: boxes[0], Text: "Men's", Conf: 95}}
	if got := inkUnder(words, p).checked(words)[0]; got.Text != "Men's" {
		t.Errorf("became %q", got.Text)
	}
}

// straightened is a text with straight quotes, and curled one with curly ones, both wrong where the text has others.
func straightened(s string) string { return mapped(s, `''""`) }
func curled(s string) string       { return mapped(s, "’‘”“") }

func mapped(s, to string) string {
	as := []rune(to)
	out := []rune(s)
	for i, r := range out {
		switch r {
		case '\'', '’':
			out[i] = as[0]
		case '‘':
			out[i] = as[1]
		case '"', '”':
			out[i] = as[2]
		case '“':
			out[i] = as[3]
		}
	}
	return string(out)
}
