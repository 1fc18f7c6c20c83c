package tesseract

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"sheetlift/internal/engine/layout"
	"sheetlift/internal/engine/receipt"
)

const tsvHead = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n"

func TestWordsAreReadFromTheToolsTable(t *testing.T) {
	t.Parallel()
	words := parseTSV([]byte(tsvHead +
		"1\t1\t0\t0\t0\t0\t0\t0\t600\t400\t-1\t\n" +
		"5\t1\t1\t1\t1\t1\t10\t20\t30\t12\t96.5\tLaptop\n" +
		"5\t1\t1\t1\t1\t2\t50\t20\t30\t12\t-1\tno\n" +
		"5\t1\t1\t1\t1\t3\t90\t20\t30\t12\t91\t \n" +
		"5\t1\t1\t1\t1\t4\t90\tx\t30\t12\t91\tbad\n" +
		"5\t1\t1\t1\t1\t5\t130\t20\t30\t12\t40\ta\tb\r\n" +
		"5\t1\t1\t1\t1"))
	want := []layout.Word{
		{Box: layout.Box{Left: 10, Top: 20, Right: 40, Bottom: 32}, Text: "Laptop", Conf: 96.5},
		{Box: layout.Box{Left: 130, Top: 20, Right: 160, Bottom: 32}, Text: "a\tb", Conf: 40},
	}
	if !slices.Equal(words, want) {
		t.Errorf("got %+v", words)
	}
}

func FuzzTSVNeverBreaksTheLayout(f *testing.F) {
	f.Add([]byte(tsvHead + "5\t1\t1\t1\t1\t1\t10\t20\t30\t12\t96.5\tLaptop\n5\t1\t1\t1\t1\t2\t99\t20\t30\t12\t90\t12.50\n"))
	f.Add([]byte("5\t\t\t\t\t\t0\t0\t1048576\t1048576\t1e309\t\xff\n"))
	f.Add([]byte(strings.Repeat("5\t1\t1\t1\t1\t1\t1\t1\t1\t1\t1\t-\n", 20)))
	f.Fuzz(func(t *testing.T, data []byte) {
		words := parseTSV(data)
		for _, w := range words {
			if w.Empty() || w.Conf < 0 || w.Conf > 100 || w.Text == "" || !utf8.ValidString(w.Text) {
				t.Fatalf("not a word: %+v", w)
			}
		}
		words = layout.Clean(words)
		g := layout.GridOf(words, layout.Rules{W: 800, H: 600})
		for _, row := range g.Rows {
			if len(row) != len(g.Rows[0]) {
				t.Fatalf("rows of %d and %d cells", len(row), len(g.Rows[0]))
			}
		}
		receipt.Find(layout.LinesOf(words))
	})
}

func TestSurerWordOfTwoReadingsIsTaken(t *testing.T) {
	t.Parallel()
	a := []layout.Word{{Box: layout.Box{Left: 0, Top: 0, Right: 60, Bottom: 20}, Text: "T0tal", Conf: 40}, {Box: layout.Box{Left: 100, Top: 0, Right: 160, Bottom: 20}, Text: "31.00", Conf: 90}}
	b := []layout.Word{{Box: layout.Box{Left: 1, Top: 0, Right: 61, Bottom: 20}, Text: "Total", Conf: 80}, {Box: layout.Box{Left: 101, Top: 1, Right: 160, Bottom: 20}, Text: "81.00", Conf: 50}, {Box: layout.Box{Left: 200, Top: 0, Right: 260, Bottom: 20}, Text: "new", Conf: 70}, {Box: layout.Box{Left: 300, Top: 0, Right: 360, Bottom: 20}, Text: "dirt", Conf: 20}}
	var got []string
	for _, w := range merge(a, b) {
		got = append(got, w.Text)
	}
	if s := strings.Join(got, " "); s != "Total 31.00 new" {
		t.Errorf("got %q", s)
	}
}
