package table_test

import (
	"slices"
	"testing"

	"sheetlift/internal/errs"
	"sheetlift/internal/table"
)

func TestInvisibleCharactersAreTakenOutWhereTheyChangeNothing(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		clean  string
		hidden int
	}{
		"plain":           {"plain", 0},
		"\u200bS1\ufeff":  {"S1", 2},
		"pro\u00adduct":   {"product", 1},
		"\u200e-5\u200f":  {"-5", 2},
		"\u202aabc\u202c": {"abc", 2},
		"Cafe\u0301":      {"Café", 0},
		"A\ufe0f1":        {"A1", 1},
		"✔\ufe0f":         {"✔\ufe0f", 0},
		"1\ufe0f\u20e3":   {"1\ufe0f\u20e3", 0},
		"👩\u200d🔧":        {"👩\u200d🔧", 0},
		"\U0001F3F4\U000E0067\U000E0062\U000E007F": {"\U0001F3F4\U000E0067\U000E0062\U000E007F", 0},
		"می\u200cخواهم":                            {"می\u200cخواهم", 0},
		"क\u094d\u200dष":                           {"क\u094d\u200dष", 0},
		"a\u200db":                                 {"ab", 1},
		"辻\U000E0100":                              {"辻\U000E0100", 0},
		"12\u00a0345":                              {"12\u00a0345", 0},
		"bad\xff":                                  {"bad\uFFFD", 0},
	} {
		clean, hidden := table.Clean(text)
		if clean != want.clean || hidden != want.hidden {
			t.Errorf("%q: %q, %d", text, clean, hidden)
		}
	}
}

func TestHeadingsDifferWhenTheirSignsOrLettersDiffer(t *testing.T) {
	t.Parallel()
	two := func(a, b string) table.Table {
		return table.Table{Columns: []table.Column{{Name: a, Type: table.Text}, {Name: b, Type: table.Text}}}
	}
	for _, c := range [][2]string{{"Price €", "Price $"}, {"C", "C++"}, {"ปี", "ปู"}, {"タイヤ", "ダイヤ"}, {"Ano", "Año"}, {"и", "й"}, {"Item", "Item #"}, {"Rate", "Rate %"}, {"°C", "°F"}} {
		both := two(c[0], c[1])
		if err := both.Validate(); err != nil {
			t.Errorf("%q: %v", c, err)
		}
		if got := both.Match([]string{c[1], c[0]}); !slices.Equal(got, []int{1, 0}) {
			t.Errorf("%q are matched to %v", c, got)
		}
		a, err := both.Parse([]byte(`{"rows":[{"` + c[1] + `":"second","` + c[0] + `":"first"}]}`))
		if err != nil || brief(a) != "first|second" {
			t.Errorf("%q: %s %v", c, brief(a), err)
		}
		seen := table.Seen{Columns: c[:], Rows: []table.Row{{Cells: []table.Cell{{Text: "x"}, {Text: "y"}}}}}
		if s := table.Suggest([]table.Seen{seen}); len(s.Columns) != 2 {
			t.Errorf("%q are suggested as %+v", c, s.Columns)
		}
		if table.Key(c[0]) == table.Key(c[1]) {
			t.Errorf("%q have one key", c)
		}
	}
	for _, c := range [][2]string{{"Désignation", "De\u0301signation"}, {"Serial No", "serial_no"}, {"Item A", "Item\u00a0A"}, {"Ｎｏ", "No"}, {"Qty", "Q\u200bty"}} {
		if err := two(c[0], c[1]).Validate(); !errs.Is(err, errs.Invalid) {
			t.Errorf("%q are two columns: %v", c, err)
		}
	}
}

func TestChoicesAreFoundInEitherFormOfUnicodeAndWithAnySpace(t *testing.T) {
	t.Parallel()
	c := table.Column{Name: "State", Type: table.Choice, Choices: []string{"très usé", "neuf"}}
	for _, text := range []string{"très usé", "tre\u0300s use\u0301", "Très\u00a0usé", "très\u202fusé", "neuf\u200b", " très  usé "} {
		if broken := c.Broken(text); broken != "" {
			t.Errorf("%q: %s", text, broken)
		}
	}
	if c.Broken("tres use") == "" {
		t.Error("letters without their accents are another value")
	}
}

func TestATickWithTheEmojiSelectorIsAYes(t *testing.T) {
	t.Parallel()
	c := table.Column{Name: "There", Type: table.YesNo}
	for _, text := range []string{"✔", "✔\ufe0f", "✔\ufe0e", "☑\ufe0f", "[✔\ufe0f]", "✅", "✖\ufe0f", "❌"} {
		if broken := c.Broken(text); broken != "" {
			t.Errorf("%q: %s", text, broken)
		}
	}
}

func TestEscapesAreReadAsAClerkWouldTypeThem(t *testing.T) {
	t.Parallel()
	one := table.Table{Columns: []table.Column{{Name: "A", Type: table.Text}}}
	for text, want := range map[string]string{
		`Caf\\u00e9`: "Café guessed(0,0)", `AT&amp;T`: "AT&T guessed(0,0)", `a\\nb`: "a\nb guessed(0,0)", `\\ud83d\\ude00`: "😀 guessed(0,0)", `x&#39;y`: "x'y guessed(0,0)",
		`C:\\new\\table`: `C:\new\table`, `R&D`: "R&D", `a & b;`: "a & b;", `5\\6`: `5\6`, `\ud83d Lamp`: "\uFFFD Lamp guessed(0,0) repaired",
	} {
		a, err := one.Parse([]byte(`{"rows":[{"A":"` + text + `"}]}`))
		if err != nil || brief(a) != want {
			t.Errorf("%s: %q %v, want %q", text, brief(a), err, want)
		}
	}
}
