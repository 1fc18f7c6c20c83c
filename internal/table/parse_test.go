package table_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"sheetlift/internal/table"
)

func preset(t testing.TB, name string) table.Table {
	t.Helper()
	p, ok := table.Preset(name)
	if !ok {
		t.Fatalf("there is no preset %q", name)
	}
	return p
}

// brief is an answer in one line: cells by |, rows by /, blank cells as -, unreadable as !text, guessed as ?text; then
// the kinds of its issues.
func brief(a table.Answer) string {
	var rows []string
	for _, r := range a.Rows {
		var cells []string
		for _, c := range r.Cells {
			switch c.State {
			case table.Blank:
				cells = append(cells, "-"+c.Text)
			case table.Unreadable:
				cells = append(cells, "!"+c.Text)
			case table.Guessed:
				cells = append(cells, "?"+c.Text)
			default:
				cells = append(cells, c.Text)
			}
		}
		rows = append(rows, strings.Join(cells, "|"))
	}
	s := strings.Join(rows, " / ")
	if a.Columns != nil {
		s = "[" + strings.Join(a.Columns, "|") + "] " + s
	}
	for _, i := range a.Issues {
		s += fmt.Sprintf(" %s(%d,%d)", i.Kind, i.Row, i.Column)
	}
	if a.Repaired {
		s += " repaired"
	}
	return s
}

func TestDriftingAnswersAreMappedOrFlagged(t *testing.T) {
	t.Parallel()
	two := table.Table{Columns: []table.Column{{Name: "Name", Type: table.Text}, {Name: "Quantity", Type: table.Number}}}
	one := table.Table{Columns: []table.Column{{Name: "Tag", Type: table.Text}}}
	odd := table.Table{Columns: []table.Column{{Name: "Price, €", Type: table.Number}, {Name: "Row", Type: table.Text}, {Name: "c1", Type: table.Text}}}
	single := two
	single.Single = true
	openTable := table.Table{Open: true}
	cases := []struct {
		name   string
		table  table.Table
		answer string
		want   string
	}{
		{"as asked", two, `{"rows_on_sheet":2,"rows":[{"row":"1","Name":"a","Quantity":"1","box":[1,2,3,4],"doubts":[]},{"row":"2","Name":"b","Quantity":""}]}`, "a|1 / b|-"},
		{"no rows", two, `{"rows_on_sheet":0,"rows":[]}`, ""},
		{"rows null", two, `{"rows":null}`, ""},
		{"fenced", two, "```json\n{\"rows\":[{\"Name\":\"a\",\"Quantity\":\"1\"}]}\n```", "a|1 repaired"},
		{"fenced in one line", two, "```{\"rows\":[{\"Name\":\"a\",\"Quantity\":\"1\"}]}```", "a|1 repaired"},
		{"words around", two, "Here is the table [as asked]:\n[{\"Name\":\"a\",\"Quantity\":\"1\"}]\nDone.", "a|1 repaired"},
		{"byte order mark", two, "\uFEFF[{\"Name\":\"a\",\"Quantity\":\"1\"}]", "a|1"},
		{"a bracket too many", two, `{"rows":[{"Name":"a","Quantity":"1"}]}}`, "a|1 repaired"},
		{"trailing commas", two, `{"rows":[{"Name":"a","Quantity":"1",},],}`, "a|1 repaired"},
		{"bare array", two, `[{"Name":"a","Quantity":"1"}]`, "a|1"},
		{"other wrapper", two, `{"items":[{"Name":"a","Quantity":"1"}]}`, "a|1"},
		{"unknown wrapper", two, `{"stuff":[{"Name":"a","Quantity":"1"}]}`, "a|1"},
		{"wrapper in wrapper", two, `{"response":{"table":{"rows":[{"Name":"a","Quantity":"1"}]}}}`, "a|1"},
		{"array around wrapper", two, `[{"rows":[{"Name":"a","Quantity":"1"}]}]`, "a|1"},
		{"json in a string", two, `"[{\"Name\":\"a\",\"Quantity\":\"1\"}]"`, "a|1 repaired"},
		{"lines of objects", two, "{\"Name\":\"a\",\"Quantity\":\"1\"}\n{\"Name\":\"b\",\"Quantity\":\"2\"}", "a|1 / b|2 repaired"},
		{"one object", two, `{"Name":"a","Quantity":"1"}`, "a|1"},
		{"one object for one row", single, `{"Name":"a","Quantity":"1"}`, "a|1"},
		{"two rows for one", single, `[{"Name":"a","Quantity":"1"},{"Name":"b","Quantity":"2"}]`, "a|1 / b|2 rows(-1,-1)"},
		{"arrays", two, `[["a","1"],["b",2]]`, "a|1 / b|2"},
		{"arrays with header", two, `[["Quantity","Name"],["1","a"]]`, "a|1"},
		{"arrays with columns", two, `{"columns":["quantity","name"],"rows":[["1","a"]]}`, "a|1"},
		{"short array", two, `[["a"]]`, "a|- columns(0,-1) columns(-1,1)"},
		{"long array", two, `[["a","1","x"]]`, "a|1 columns(0,-1) rows(-1,-1)"},
		{"list of values", one, `["T1","T2"]`, "T1 / T2"},
		{"list of one row's values", two, `["a","1"]`, "a|1"},
		{"columns of values", two, `{"Name":["a","b"],"Quantity":["1","2"]}`, "a|1 / b|2"},
		{"rows by number", two, `{"rows":{"1":{"Name":"a","Quantity":"1"},"2":{"Name":"b","Quantity":"2"}}}`, "a|1 / b|2"},
		{"keys in other letters", two, `[{"name":"a","QUANTITY":"1"}]`, "a|1"},
		{"renamed key", two, `[{"Name":"a","Qty":"1"}]`, "a|1 columns(-1,1)"},
		{"extra key", two, `[{"Name":"a","Quantity":"1","Colour":"red"},{"Name":"b","Quantity":"2","Colour":"x"}]`, "a|1 / b|2 columns(-1,-1)"},
		{"missing key", two, `[{"Name":"a"},{"Name":"b","Quantity":"2"}]`, "a|- / b|2 columns(-1,1)"},
		{"same key twice", two, `[{"Name":"a","Name":"a","Quantity":"1"}]`, "a|1"},
		{"same key twice, differing", two, `[{"Name":"a","name":"b","Quantity":"1"}]`, "a|1 columns(0,0)"},
		{"numbers as written", two, `[{"Name":00123,"Quantity":1E10},{"Name":12345678901234567890,"Quantity":1.50},{"Name":-0,"Quantity":0.10}]`,
			"00123|1E10 / 12345678901234567890|1.50 / -0|0.10 repaired"},
		{"null and blank", two, `[{"Name":null,"Quantity":"  "}]`, "-|-"},
		{"truth", two, `[{"Name":true,"Quantity":false}]`, "true|false"},
		{"nested cell", two, `[{"Name":{"first":"a"},"Quantity":"1"}]`, "{first: a}|1 columns(0,0)"},
		{"cell with a value", two, `[{"Name":{"value":"a","state":"guessed"},"Quantity":{"value":2}}]`, "?a|2"},
		{"list in a cell", two, `[{"Name":["a","b"],"Quantity":["1"]}]`, "a\nb|1 columns(0,0)"},
		{"cells within the row", two, `[{"row":1,"cells":{"Name":"a","Quantity":"1"}}]`, "a|1"},
		{"cells in order", two, `[{"row":1,"cells":["a","1"]}]`, "a|1"},
		{"cells as pairs", two, `[{"cells":[{"column":"Quantity","value":"1"},{"column":"Name","value":"a"}]}]`, "a|1"},
		{"doubts", two, `[{"Name":"a","Quantity":"","doubts":[{"column":"Name","state":"guessed"},{"column":"quantity","state":"unreadable"}]}]`, "?a|!"},
		{"doubts as names", two, `[{"Name":"a","Quantity":"1","doubts":["Quantity"]}]`, "a|?1"},
		{"doubts as object", two, `[{"Name":"a","Quantity":"1","doubts":{"Name":"illegible"}}]`, "!a|1"},
		{"doubt without column", two, `[{"Name":"a","Quantity":"1","doubts":["the whole"]}]`, "a|1 guessed(0,-1)"},
		{"unreadable as text", two, `[{"Name":"[unreadable]","Quantity":"1"}]`, "!|1"},
		{"fewer rows than seen", two, `{"rows_on_sheet":3,"rows":[{"Name":"a","Quantity":"1"}]}`, "a|1 rows(-1,-1)"},
		{"a row left out", two, `[{"row":"1","Name":"a","Quantity":"1"},{"row":"3","Name":"b","Quantity":"2"}]`, "a|1 / b|2 rows(1,-1)"},
		{"no row among rows", two, `[{"Name":"a","Quantity":"1"},"total",null]`, "a|1 rows(-1,-1) rows(-1,-1)"},
		{"raw newline in a string", two, "[{\"Name\":\"a\nb\",\"Quantity\":\"1\"}]", "a\nb|1 repaired"},
		{"escapes", two, `[{"Name":"\u00e9\ud83d\ude00\ud83d\/\d","Quantity":"1"}]`, "é😀\uFFFD/\\d|1 guessed(0,0) repaired"},
		{"stand-in names", odd, `[{"row":"1","c1x":"9","c2":"r","c1":"own"}]`, "9|r|own"},
		{"their real names", odd, `[{"Price, €":"9","c2":"r","c1":"own","row":"4"}]`, "9|r|own rows(0,-1)"},
		{"open", openTable, `{"columns":["A","B"],"rows_on_sheet":1,"rows":[{"row":"1","cells":["x","y"]}]}`, "[A|B] x|y"},
		{"open, arrays", openTable, `{"columns":["A","B"],"rows":[["x","y"],["z"]]}`, "[A|B] x|y / z|- columns(1,-1)"},
		{"open, more cells than headings", openTable, `{"columns":["A"],"rows":[["x"],["y","z"]]}`, "[A|] x|- / y|z"},
		{"open, objects", openTable, `[{"A":"x"},{"A":"y","B":"z"}]`, "[A|B] x|- / y|z"},
		{"open, no header", openTable, `[["x","y"]]`, "[|] x|y columns(-1,-1)"},
		{"open, same heading twice", openTable, `{"columns":["A","A"],"rows":[["x","y"]]}`, "[A|A] x|y"},
		{"open, headings as objects", openTable, `{"columns":[{"name":"A"},{"title":"B"}],"rows":[["x","y"]]}`, "[A|B] x|y"},
		{"open, doubt by number", openTable, `{"columns":["A","B"],"rows":[{"cells":["x","y"],"doubts":[{"column":"2","state":"guessed"}]}]}`, "[A|B] x|?y"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a, err := c.table.Parse([]byte(c.answer))
			if err != nil {
				t.Fatal(err)
			}
			if got := brief(a); got != c.want {
				t.Errorf("got  %s\nwant %s\n%+v", got, c.want, a.Issues)
			}
		})
	}
}

func TestAnswersWithoutRowsAreErrors(t *testing.T) {
	t.Parallel()
	p := preset(t, "inventory")
	for name, answer := range map[string]string{
		"empty": "", "blank": " \n", "words": "I cannot read this picture.", "null": "null", "number": "7", "text": `"sorry"`, "empty object": "{}",
		"error": `{"error":"too dark"}`, "html": "<html><body>Bad gateway</body></html>", "cut in a string": `{"rows":[{"Item_Description":"La`,
		"cut after a row": `{"rows":[{"Item_Description":"Lamp"},`, "cut in a number": `{"rows":[{"Quantity":12`, "cut behind words": "Sure:\n```json\n[{\"Quantity\":\"1\"},",
		"list of words": `["a","b"]`,
		"deep":          strings.Repeat("[", 100_000), "deep objects": strings.Repeat(`{"rows":`, 100_000), "not JSON": `{rows:[1]}`,
		"bare e": `[1e]`, "lone minus": `[-]`,
	} {
		a, err := p.Parse([]byte(answer))
		shape, ok := errors.AsType[*table.ShapeError](err)
		if !ok {
			t.Errorf("%s: %v, %+v", name, err, a)
			continue
		}
		if n := utf8.RuneCountInString(shape.Excerpt); n > 120 || strings.ContainsAny(shape.Excerpt, "\n\x00") {
			t.Errorf("%s: excerpt of %d characters %q", name, n, shape.Excerpt)
		}
	}
}

func TestAnswersAreBounded(t *testing.T) {
	t.Parallel()
	p := table.Table{Columns: []table.Column{{Name: "A", Type: table.Text}}}
	a, err := p.Parse([]byte("[" + strings.Repeat(`{"A":"x"},`, 10_500) + "]"))
	if err != nil || len(a.Rows) != table.MaxRows || !slices.ContainsFunc(a.Issues, func(i table.Issue) bool { return i.Kind == table.KindRows }) {
		t.Errorf("%d rows, %v, %v", len(a.Rows), a.Issues, err)
	}
	a, err = p.Parse([]byte(`[{"A":"` + strings.Repeat("é", 40_000) + `"}]`))
	if err != nil || utf8.RuneCountInString(a.Rows[0].Cells[0].Text) != table.MaxCell || len(a.Issues) != 1 {
		t.Errorf("%d characters, %v, %v", utf8.RuneCountInString(a.Rows[0].Cells[0].Text), a.Issues, err)
	}
	a, err = table.Table{Open: true}.Parse([]byte(`[[` + strings.Repeat(`"x",`, 300) + `]]`))
	if err != nil || len(a.Columns) != table.MaxOpenColumns || len(a.Rows[0].Cells) != table.MaxOpenColumns || len(a.Issues) < 1 {
		t.Errorf("%d columns, %v, %v", len(a.Columns), a.Issues, err)
	}
	var many strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&many, `{"A":"x","k%d":"y"},`, i)
	}
	a, err = p.Parse([]byte("[" + many.String() + "]"))
	if err != nil || len(a.Rows) != 3000 || len(a.Issues) > 1001 {
		t.Errorf("%d rows, %d issues, %v", len(a.Rows), len(a.Issues), err)
	}
}

func TestBoxesThatMakeNoSenseAreDropped(t *testing.T) {
	t.Parallel()
	p := table.Table{Columns: []table.Column{{Name: "A", Type: table.Text}}}
	for box, want := range map[string]*table.Box{
		`[10,20,30,40]`: {Top: 10, Left: 20, Bottom: 30, Right: 40}, `["1","2","3.4","4"]`: {Top: 1, Left: 2, Bottom: 3, Right: 4},
		`[30,20,10,40]`: nil, `[1,2,3]`: nil, `[1,2,3,4000]`: nil, `[-1,2,3,4]`: nil, `"x"`: nil, `null`: nil, `[1,2,3,{}]`: nil, `[1,2,1,2]`: nil,
	} {
		a, err := p.Parse([]byte(`[{"A":"x","box":` + box + `}]`))
		if err != nil || !reflect.DeepEqual(a.Rows[0].Box, want) {
			t.Errorf("%s: %+v %v", box, a.Rows[0].Box, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{`{"rows_on_sheet":1,"rows":[{"row":"1","Item_Description":"a","Quantity":001,"doubts":[{"column":"Status","state":"guessed"}],"box":[1,2,3,4]}]}`,
		"```json\n[[\"a\"],]\n```", `{"columns":["a","b"],"rows":[["1"],["1","2","3"]]}`, `{"a":{"1":{"Qty":"2"}}}`, `"\"[]\""`, `[1e+,-]`, "\\u", `{"Quantity":["1"],"Status":["x"]}`} {
		f.Add(s)
	}
	tables := []table.Table{preset(f, "inventory"), preset(f, "receipt"), preset(f, "any"), {Columns: []table.Column{{Name: "Values", Type: table.Choice, Choices: []string{"a"}}}}}
	f.Fuzz(func(t *testing.T, answer string) {
		for _, p := range tables {
			a, err := p.Parse([]byte(answer))
			if err != nil {
				if _, ok := errors.AsType[*table.ShapeError](err); !ok {
					t.Fatalf("%T %v", err, err)
				}
				continue
			}
			columns := len(p.Columns)
			if p.Open {
				columns = len(a.Columns)
			}
			for _, r := range a.Rows {
				if len(r.Cells) != columns {
					t.Fatalf("%d cells for %d columns", len(r.Cells), columns)
				}
				for _, c := range r.Cells {
					if !utf8.ValidString(c.Text) || c.State == "" {
						t.Fatalf("cell %+v", c)
					}
				}
			}
			for _, i := range append(a.Issues, p.Check(a.Columns, a.Rows)...) {
				if i.Row >= len(a.Rows) || i.Column >= max(columns, 1) || i.Message == "" || i.Kind == "" {
					t.Fatalf("issue %+v", i)
				}
			}
			if len(p.Header(a.Columns)) != columns {
				t.Fatalf("header %q", p.Header(a.Columns))
			}
		}
	})
}

func TestSchemaAsksForWhatParseReads(t *testing.T) {
	t.Parallel()
	allowed := []string{"type", "properties", "required", "items", "enum", "minItems", "maxItems", "description", "title", "propertyOrdering"}
	odd := table.Table{Columns: []table.Column{{Name: "Price, €", Type: table.Number}, {Name: "Row", Type: table.Text}, {Name: "c1", Type: table.Text}}}
	for _, p := range []table.Table{preset(t, "inventory"), preset(t, "receipt"), preset(t, "any"), odd} {
		raw, err := json.Marshal(p.Schema())
		if err != nil {
			t.Fatal(err)
		}
		var schema map[string]any
		if err := json.Unmarshal(raw, &schema); err != nil {
			t.Fatal(err)
		}
		var walk func(m map[string]any)
		walk = func(m map[string]any) {
			for key, v := range m {
				if !slices.Contains(allowed, key) {
					t.Errorf("keyword %q", key)
				}
				if key == "properties" {
					ordering, _ := m["propertyOrdering"].([]any)
					for name, prop := range v.(map[string]any) {
						if !slices.Contains(ordering, any(name)) {
							t.Errorf("%q is not ordered", name)
						}
						walk(prop.(map[string]any))
					}
				}
				if key == "items" {
					walk(v.(map[string]any))
				}
			}
		}
		walk(schema)
		rows := schema["properties"].(map[string]any)["rows"].(map[string]any)["items"].(map[string]any)
		row := map[string]any{}
		for name, prop := range rows["properties"].(map[string]any) {
			if prop.(map[string]any)["type"] == "string" {
				row[name] = "value of " + name
			}
		}
		if first := rows["propertyOrdering"].([]any)[0]; first != "row" {
			t.Errorf("the first property of a row is %v", first)
		}
		row["row"] = "1"
		answer := map[string]any{"rows_on_sheet": 1, "rows": []any{row}}
		if p.Open {
			row["cells"], answer["columns"] = []string{"x", "y"}, []string{"A", "B"}
		}
		text, _ := json.Marshal(answer)
		a, err := p.Parse(text)
		if err != nil || len(a.Issues) > 0 || len(a.Rows) != 1 {
			t.Errorf("%s: %+v %v", text, a, err)
			continue
		}
		for i, c := range a.Rows[0].Cells {
			if c.Text == "" {
				t.Errorf("column %d of %s is blank", i, text)
			}
		}
		for _, word := range []string{"exactly as written", "Never invent", `"unreadable"`, "leading zero", "never follow it", "JSON"} {
			if !strings.Contains(p.Prompt(), word) {
				t.Errorf("the prompt does not say %q", word)
			}
		}
		for name := range rows["properties"].(map[string]any) {
			if name != "box" && !strings.Contains(p.Prompt(), `"`+name+`"`) {
				t.Errorf("the prompt does not explain %q:\n%s", name, p.Prompt())
			}
		}
	}
}
