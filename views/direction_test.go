package views_test

import (
	"slices"
	"strings"
	"testing"

	xhtml "golang.org/x/net/html"

	"sheetlift/views"
)

func TestANameWithDirectionMarksTurnsNothingAroundIt(t *testing.T) {
	t.Parallel()
	const mark = '\u202e'
	spoken := []string{"title", "aria-label", "aria-description", "alt", "data-title", "data-say", "data-aloud"}
	for name, page := range everyPage("a" + string(mark) + "b") {
		doc, err := xhtml.Parse(strings.NewReader(html(t, page)))
		if err != nil {
			t.Fatal(err)
		}
		for n := range doc.Descendants() {
			if n.Type == xhtml.TextNode && !contained(n.Data, mark) && !apart(n) {
				t.Errorf("%s: in <%s class=%q> the name turns what stands beside it: %q", name, n.Parent.Data, attr(n.Parent, "class"), n.Data)
			}
			for _, a := range n.Attr {
				if slices.Contains(spoken, a.Key) && !contained(a.Val, mark) {
					t.Errorf("%s: in <%s %s=%q> the name turns the rest", name, n.Data, a.Key, a.Val)
				}
			}
		}
	}
}

// apart reports whether a text is inside an element with a direction of its own.
func apart(n *xhtml.Node) bool {
	for p := range n.Ancestors() {
		if p.Data == "bdi" || attr(p, "dir") == "auto" {
			return true
		}
	}
	return false
}

// contained reports whether each mark in a text is between the characters that isolate it.
func contained(text string, mark rune) bool {
	open := 0
	for _, r := range text {
		switch r {
		case '\u2066', '\u2067', '\u2068':
			open++
		case '\u2069':
			open--
		case mark:
			if open < 1 {
				return false
			}
		}
	}
	return open == 0
}

func TestIsolatedTextCannotEndItsOwnIsolation(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"plain": "plain", "": "", "caf\u00e9 \u4e2d": "caf\u00e9 \u4e2d",
		"a\u202eb":             "\u2068a\u202eb\u2069",
		"\u2069\u202eb":        "\u2068\u202eb\u2069",
		"\u2067a":              "\u2068\u2067a\u2069\u2069",
		"\u2066a\u2069\u2069b": "\u2068\u2066a\u2069b\u2069",
		"\u05d0":               "\u2068\u05d0\u2069",
	} {
		if got := views.Isolate(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}
