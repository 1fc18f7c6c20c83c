package tesseract

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
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
	want := []word{
		{box{10, 20, 40, 32}, "Laptop", 96.5},
		{box{130, 20, 160, 32}, "a\tb", 40},
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
			if w.empty() || w.conf < 0 || w.conf > 100 || w.text == "" || !utf8.ValidString(w.text) {
				t.Fatalf("not a word: %+v", w)
			}
		}
		words = clean(words)
		g := gridOf(words, rules{w: 800, h: 600})
		for _, row := range g.rows {
			if len(row) != len(g.rows[0]) {
				t.Fatalf("rows of %d and %d cells", len(row), len(g.rows[0]))
			}
		}
		receiptOf(linesOf(words))
	})
}

func TestMarksAreToldFromDirt(t *testing.T) {
	t.Parallel()
	at := func(text string, conf float64, w, h int) word { return word{box{0, 0, w, h}, text, conf} }
	words := []word{
		at("Total", 90, 60, 20), at("—", 80, 22, 20), at("%", 80, 15, 20), at("*", 60, 8, 20), // kept
		at("|", 90, 2, 20), at("_", 70, 50, 3), at("—", 90, 400, 3), at("“", 60, 8, 8), at("Stain", 90, 90, 80), at("x", 2, 9, 20),
	}
	var kept []string
	for _, w := range clean(words) {
		kept = append(kept, w.text)
	}
	if got := strings.Join(kept, " "); got != "Total — % *" {
		t.Errorf("kept %q", got)
	}
}

func TestSurerWordOfTwoReadingsIsTaken(t *testing.T) {
	t.Parallel()
	a := []word{{box{0, 0, 60, 20}, "T0tal", 40}, {box{100, 0, 160, 20}, "31.00", 90}}
	b := []word{{box{1, 0, 61, 20}, "Total", 80}, {box{101, 1, 160, 20}, "81.00", 50}, {box{200, 0, 260, 20}, "new", 70}, {box{300, 0, 360, 20}, "dirt", 20}}
	var got []string
	for _, w := range merge(a, b) {
		got = append(got, w.text)
	}
	if s := strings.Join(got, " "); s != "Total 31.00 new" {
		t.Errorf("got %q", s)
	}
}
