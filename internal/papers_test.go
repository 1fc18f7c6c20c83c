package internal_test

import (
	"go/ast"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// paper reads a file of the project.
func paper(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestEveryDependencyHasItsReason holds ADR 14 to go.mod, in both directions.
func TestEveryDependencyHasItsReason(t *testing.T) {
	t.Parallel()
	direct, _, ok := strings.Cut(paper(t, "go.mod"), "\n)\n")
	if !ok {
		t.Fatal("go.mod has no block of direct requirements")
	}
	required := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^\t(\S+) v\S+$`).FindAllStringSubmatch(direct, -1) {
		required[m[1]] = true
	}
	if len(required) < 10 {
		t.Fatalf("go.mod requires only %v", required)
	}
	named := map[string]bool{}
	for _, row := range regexp.MustCompile(`(?m)^\| ([a-z].*?) \| (.*?) \|`).FindAllStringSubmatch(paper(t, "docs/adr/0014-dependencies.md"), -1) {
		for name := range strings.SplitSeq(row[1], ", ") {
			if name == "module" {
				continue
			}
			if row[2] == "" {
				t.Errorf("ADR 14 gives no reason for %s", name)
			}
			named[name] = true
		}
	}
	for name := range required {
		if !named[name] {
			t.Errorf("go.mod requires %s, which ADR 14 does not name", name)
		}
	}
	for name := range named {
		if !required[name] {
			t.Errorf("ADR 14 names %s, which go.mod does not require", name)
		}
	}
}

// packages returns the folders with Go files, from the root of the project.
func packages(t *testing.T) []string {
	t.Helper()
	seen := map[string]bool{}
	for _, top := range []string{"client", "cmd", "internal", "views", "static"} {
		err := filepath.WalkDir(filepath.Join("..", top), func(name string, d fs.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(name, ".go") && !strings.Contains(name, "testdata") {
				seen[strings.TrimPrefix(filepath.ToSlash(filepath.Dir(name)), "../")] = true
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	var all []string
	for dir := range seen {
		all = append(all, dir)
	}
	slices.Sort(all)
	return all
}

// TestTheMapNamesEveryPackage holds the map in CONTRIBUTING to the folders. Packages for tests stand under the one they serve.
func TestTheMapNamesEveryPackage(t *testing.T) {
	t.Parallel()
	_, page, _ := strings.Cut(paper(t, "CONTRIBUTING.md"), "## The map")
	page, _, _ = strings.Cut(page, "\n## ")
	all := packages(t)
	var named []string
	for _, row := range regexp.MustCompile("(?m)^\\| (`.*?) \\|").FindAllStringSubmatch(page, -1) {
		for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row[1], -1) {
			dir := m[1]
			if !strings.HasPrefix(dir, "cmd/") && !strings.HasPrefix(dir, "internal/") && !strings.HasPrefix(dir, "third_party/") && dir != "views" && dir != "static" && dir != "client" {
				dir = "internal/" + dir
			}
			named = append(named, dir)
			if info, err := os.Stat(filepath.Join("..", strings.TrimSuffix(dir, "/…"))); err != nil || !info.IsDir() {
				t.Errorf("the map names %s, which is not there", dir)
			}
		}
	}
	if len(named) < 15 {
		t.Fatalf("the map names only %v", named)
	}
	for _, dir := range all {
		covered := dir == "internal" || slices.Contains(named, dir) || testPackage(dir) && slices.Contains(all, path.Dir(dir))
		for _, name := range named {
			parent, deep := strings.CutSuffix(name, "/…")
			covered = covered || deep && strings.HasPrefix(dir, parent+"/")
		}
		if !covered {
			t.Errorf("the map in CONTRIBUTING.md does not name %s", dir)
		}
	}
}

// TestErrorsAreLoggedAsErr: an operator greps for one key.
func TestErrorsAreLoggedAsErr(t *testing.T) {
	t.Parallel()
	calls := 0
	for _, s := range sources(t) {
		ast.Inspect(s.file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) < 3 {
				return true
			}
			sel, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || !slices.Contains([]string{"Debug", "Info", "Warn", "Error", "With"}, sel.Sel.Name) {
				return true
			}
			for i, arg := range call.Args {
				key, ok := arg.(*ast.BasicLit)
				if !ok || key.Kind != token.STRING || i+1 == len(call.Args) {
					continue
				}
				value, ok := call.Args[i+1].(*ast.Ident)
				isErr := ok && (value.Name == "err" || strings.HasSuffix(value.Name, "Err"))
				if isErr {
					calls++
				}
				if key.Value == `"error"` || isErr && key.Value != `"err"` {
					t.Errorf("%s logs an error under the key %s, not \"err\"", s.fset.Position(arg.Pos()), key.Value)
				}
			}
			return true
		})
	}
	if calls < 20 {
		t.Errorf("only %d errors are logged: the test looks at the wrong calls", calls)
	}
}

// TestGeneratedFilesAreMarked: a review folds the files that .gitattributes marks as generated.
func TestGeneratedFilesAreMarked(t *testing.T) {
	t.Parallel()
	var patterns []string
	for _, m := range regexp.MustCompile(`(?m)^(\S+) .*linguist-(?:generated|vendored)`).FindAllStringSubmatch(paper(t, ".gitattributes"), -1) {
		patterns = append(patterns, m[1])
	}
	marked := func(name string) bool {
		return slices.ContainsFunc(patterns, func(pattern string) bool {
			ok, _ := path.Match(pattern, name)
			return ok
		})
	}
	generated := 0
	for _, s := range sources(t) {
		name := strings.TrimPrefix(filepath.ToSlash(s.path), "../")
		if s.generated {
			generated++
		}
		if s.generated != marked(name) {
			t.Errorf("%s: generated %v, marked in .gitattributes %v", name, s.generated, marked(name))
		}
	}
	if generated == 0 {
		t.Error("no file is generated")
	}
	for _, name := range []string{"docs/configuration.md", "static/htmx.min.js", "static/pico.min.css"} {
		if !marked(name) {
			t.Errorf("%s is not marked in .gitattributes", name)
		}
	}
}
