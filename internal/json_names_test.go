package internal_test

import (
	"go/ast"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// tagged returns, for each struct with JSON names, its names and options in order. The Go names of the struct and its fields
// do not matter.
func tagged(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, s := range sources(t) {
		if testPackage(s.dir) {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			st, ok := n.(*ast.StructType)
			if !ok {
				return true
			}
			var names, untagged []string
			for _, f := range st.Fields.List {
				name := jsonName(f)
				switch {
				case name != "":
					names = append(names, name)
				case len(f.Names) > 0 && f.Names[0].IsExported():
					untagged = append(untagged, f.Names[0].Name)
				}
			}
			if len(names) == 0 {
				return true
			}
			if len(untagged) > 0 {
				t.Errorf("%s: the fields %v have no JSON name, so renaming them would change stored or sent data: add a tag",
					s.fset.Position(st.Pos()), untagged)
			}
			all = append(all, strings.Join(names, " "))
			return true
		})
	}
	slices.Sort(all)
	return all
}

func jsonName(f *ast.Field) string {
	if f.Tag == nil {
		return ""
	}
	tag, _ := strconv.Unquote(f.Tag.Value)
	return reflect.StructTag(tag).Get("json")
}

func TestTheJSONNamesOfStoredAndSentDataStay(t *testing.T) {
	t.Parallel()
	const file = "testdata/json_names.txt"
	got := tagged(t)
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(file, []byte(strings.Join(got, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Split(strings.TrimSpace(string(data)), "\n")
	for _, line := range want {
		if !slices.Contains(got, line) {
			t.Errorf("no struct has the JSON names %q any more: data that people have, or programs that they wrote, use them", line)
		}
	}
	for _, line := range got {
		if !slices.Contains(want, line) {
			t.Errorf("a struct has the JSON names %q, which %s does not list: run the test with UPDATE=1 if they are new", line, file)
		}
	}
}
