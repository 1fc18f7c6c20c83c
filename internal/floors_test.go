// Package internal_test holds the rules for the whole module: which package may import which, which packages may use
// a library, and how large files and functions may grow. docs/design.md draws the same layers.
package internal_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// floors is the house: a package may import packages of lower floors only, and those in beside.
var floors = map[string]int{
	"internal/e2e":              9,
	"cmd/sheetlift":             8,
	"cmd/sheetlift-reader":      8,
	"internal/app":              7,
	"internal/admin":            7,
	"internal/demo":             7,
	"internal/setup":            7,
	"internal/cli":              7,
	"internal/config":           7,
	"internal/web":              6,
	"internal/web/api":          6,
	"views":                     6,
	"internal/worker":           5,
	"internal/upkeep":           5,
	"internal/metrics":          5,
	"internal/store":            4,
	"internal/engine/gemini":    4,
	"internal/engine/tesseract": 4,
	"internal/engine/pieces":    4,
	"internal/engine/neural":    5,
	"internal/engine/reader":    4,
	"internal/engine/onnx":      4,
	"third_party/readerfiles":   1,

	"internal/engine/gemini/simulator": 4,
	"internal/export":                  4,
	"internal/backup":                  4,
	"internal/batch":                   3,
	"internal/batch/doubt":             3,
	"internal/batch/draft":             3,
	"internal/batch/edit":              3,
	"internal/batch/progress":          3,
	"internal/batch/retention":         3,
	"internal/batch/run":               3,
	"internal/batch/settings":          3,
	"internal/batch/usecases":          3,
	"internal/table":                   3,
	"internal/witness":                 3,
	"internal/engine":                  3,
	"internal/engine/layout":           3,
	"internal/engine/receipt":          3,
	"internal/access":                  2,
	"internal/keypool":                 2,
	"internal/imaging":                 2,
	"internal/work":                    2,
	"internal/live":                    2,
	"internal/webhook":                 2,
	"internal/errs":                    1,
	"internal/fault":                   1,
	"internal/logs":                    1,
	"internal/danger":                  1,
	"internal/pipe":                    1,
	"static":                           1,
	"client":                           1,
}

// beside lists, for each package, the packages of the same floor that it may import.
var beside = map[string][]string{
	"internal/web":     {"views", "internal/web/api"},
	"internal/setup":   {"internal/config"},
	"internal/admin":   {"internal/config", "internal/setup"},
	"internal/demo":    {"internal/config"},
	"internal/app":     {"internal/admin", "internal/config", "internal/demo", "internal/setup"},
	"internal/cli":     {"internal/admin", "internal/app", "internal/config", "internal/setup"},
	"internal/batch":   {"internal/table", "internal/witness"},
	"internal/witness": {"internal/table"},

	// The packages below batch, in the order in which they use each other. None uses a sibling that stands after it.
	"internal/batch/doubt":     {"internal/batch", "internal/table"},
	"internal/batch/settings":  {"internal/batch", "internal/table"},
	"internal/batch/progress":  {"internal/batch", "internal/batch/doubt", "internal/table"},
	"internal/batch/edit":      {"internal/batch", "internal/batch/doubt", "internal/table", "internal/witness"},
	"internal/batch/run":       {"internal/batch", "internal/batch/doubt", "internal/batch/settings"},
	"internal/batch/retention": {"internal/batch", "internal/batch/run", "internal/batch/settings"},
	"internal/batch/draft":     {"internal/batch", "internal/batch/run", "internal/batch/settings", "internal/table"},
	"internal/batch/usecases": {
		"internal/batch", "internal/batch/draft", "internal/batch/edit", "internal/batch/retention", "internal/batch/run", "internal/batch/settings",
	},
	"internal/engine": {"internal/table"},

	"internal/engine/layout":  {"internal/table"},
	"internal/engine/receipt": {"internal/engine/layout"},
}

// part returns the package of which dir is a part: the packages below batch follow its rules.
func part(dir string) string {
	if strings.HasPrefix(dir, "internal/batch/") {
		return "internal/batch"
	}
	return dir
}

// forbidden lists, for each package, the packages that it must not import although they lie on a lower floor.
var forbidden = map[string][]string{
	"internal/batch":   {"internal/keypool", "internal/imaging", "internal/work", "internal/live"},
	"internal/table":   {"internal/keypool", "internal/imaging", "internal/work", "internal/live"},
	"internal/engine":  {"internal/keypool", "internal/imaging", "internal/work", "internal/live"},
	"internal/worker":  {"internal/engine/gemini", "internal/engine/tesseract", "internal/store"},
	"internal/upkeep":  {"internal/engine/gemini", "internal/engine/tesseract", "internal/store"},
	"internal/web":     {"internal/store", "internal/work", "internal/engine/gemini", "internal/engine/tesseract", "internal/worker"},
	"internal/web/api": {"internal/store", "internal/work", "internal/engine/gemini", "internal/engine/tesseract", "internal/worker"},
	"views":            {"internal/store", "internal/work", "internal/live", "internal/batch", "internal/worker"},
	"internal/keypool": {"internal/imaging"},
}

// onlyIn lists, for each library, the only packages that may import it.
var onlyIn = map[string][]string{
	"github.com/labstack/echo":        {"internal/web", "internal/web/api"},
	"github.com/nats-io":              {"internal/store"},
	"google.golang.org/genai":         {"internal/engine/gemini"},
	"github.com/xuri/excelize":        {"internal/export"},
	"github.com/r3labs/sse":           {"internal/live"},
	"github.com/prometheus":           {"internal/metrics"},
	"github.com/joho/godotenv":        {"internal/config"},
	"github.com/spf13":                {"internal/cli"},
	"github.com/google/jsonschema-go": {"internal/web/api"},
	"github.com/a-h/templ":            {"views", "internal/web"},
	"os/exec":                         {"internal/engine/tesseract", "internal/engine/reader", "internal/imaging"},

	"github.com/ebitengine/purego":     {"internal/engine/onnx"},
	"sheetlift/internal/engine/neural": {"cmd/sheetlift-reader"}, // whose library would make sheetlift a dynamic program
	"sheetlift/internal/engine/onnx":   {"internal/engine/neural"},
}

const (
	maxFileLines = 500
	maxFuncLines = 100
	p90FileLines = 300 // nine files in ten have at most so many
	p90FuncLines = 40
	maxFanOut    = 8  // packages of ours that one may import, batch and those below it counted once; those that wire everything are excepted
	maxMethods   = 30 // exported methods of a type
	maxFiles     = 12 // files without tests of batch and of each package below it
)

var wires = []string{"internal/admin", "internal/app", "internal/cli", "internal/web", "cmd/sheetlift"}

type source struct {
	path, dir string
	file      *ast.File
	fset      *token.FileSet
	generated bool
}

// files returns the paths of all Go files.
func files(t *testing.T) []string {
	t.Helper()
	root := ".."
	var all []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules" || name == "data") {
			return filepath.SkipDir
		}
		if !d.IsDir() && strings.HasSuffix(name, ".go") {
			all = append(all, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// sources parses every Go file that goes into the binary.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	for _, path := range files(t) {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		rel, _ := filepath.Rel("..", filepath.Dir(path))
		all = append(all, source{path, filepath.ToSlash(rel), file, fset, ast.IsGenerated(file)})
	}
	return all
}

func testPackage(dir string) bool { return strings.HasSuffix(dir, "test") }

func imports(f *ast.File) []string {
	var paths []string
	for _, imp := range f.Imports {
		paths = append(paths, strings.Trim(imp.Path.Value, `"`))
	}
	return paths
}

func TestImportsGoDownOnly(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if testPackage(s.dir) {
			continue
		}
		floor, known := floors[s.dir]
		if !known {
			t.Errorf("%s: package %s has no floor: give it one in floors and in docs/design.md", s.path, s.dir)
			continue
		}
		for _, path := range imports(s.file) {
			to, ours := strings.CutPrefix(path, "sheetlift/")
			if !ours {
				continue
			}
			if testPackage(to) {
				t.Errorf("%s imports %s, which is for tests", s.path, to)
			}
			if floors[to] >= floor && !slices.Contains(beside[s.dir], to) {
				t.Errorf("%s (floor %d) imports %s (floor %d)", s.path, floor, to, floors[to])
			}
			if slices.Contains(forbidden[part(s.dir)], part(to)) {
				t.Errorf("%s must not import %s", s.path, to)
			}
		}
	}
}

func TestEachLibraryHasOneHome(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if testPackage(s.dir) {
			continue
		}
		for _, path := range imports(s.file) {
			for lib, homes := range onlyIn {
				if strings.HasPrefix(path, lib) && !slices.Contains(homes, s.dir) {
					t.Errorf("%s imports %s, which belongs to %v", s.path, path, homes)
				}
			}
		}
	}
}

func TestOnlyConfigReadsTheEnvironment(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		// fault/on.go is never in a released binary: it is built with the tag crashpoints only.
		if s.dir == "internal/config" || s.dir == "cmd/sheetlift" || testPackage(s.dir) || strings.HasSuffix(s.path, "internal/fault/on.go") {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			pkg, ok := sel.X.(*ast.Ident)
			if ok && pkg.Name == "os" && slices.Contains([]string{"Getenv", "LookupEnv", "Environ"}, sel.Sel.Name) {
				t.Errorf("%s reads the environment; only internal/config may", s.fset.Position(sel.Pos()))
			}
			return true
		})
	}
}

func TestNoInitFunctions(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s: init() hides work from the reader; build it in app", s.fset.Position(f.Pos()))
			}
		}
	}
}

func TestFilesAndFunctionsStaySmall(t *testing.T) {
	t.Parallel()
	var files, funcs []int
	for _, s := range sources(t) {
		if s.generated {
			continue
		}
		n := s.fset.Position(s.file.End()).Line
		if files = append(files, n); n > maxFileLines {
			t.Errorf("%s has %d lines, more than %d: cut it where its nouns part", s.path, n, maxFileLines)
		}
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			n := s.fset.Position(f.End()).Line - s.fset.Position(f.Pos()).Line + 1
			if funcs = append(funcs, n); n > maxFuncLines {
				t.Errorf("%s: %s has %d lines, more than %d", s.path, f.Name.Name, n, maxFuncLines)
			}
		}
	}
	for _, c := range []struct {
		of    string
		lines []int
		p90   int
	}{{"files", files, p90FileLines}, {"functions", funcs, p90FuncLines}} {
		slices.Sort(c.lines)
		n := len(c.lines)
		p90 := c.lines[n*9/10]
		t.Logf("lines of %d %s: p50 %d, p90 %d (at most %d), p99 %d, longest %d", n, c.of, c.lines[n/2], p90, c.p90, c.lines[n*99/100], c.lines[n-1])
		if p90 > c.p90 {
			t.Errorf("one in ten %s has %d lines or more; nine in ten were to have at most %d", c.of, p90, c.p90)
		}
	}
}

func TestFanOutStaysSmall(t *testing.T) {
	t.Parallel()
	uses := map[string]map[string]bool{}
	for _, s := range sources(t) {
		for _, path := range imports(s.file) {
			if to, ours := strings.CutPrefix(path, "sheetlift/"); ours {
				if uses[s.dir] == nil {
					uses[s.dir] = map[string]bool{}
				}
				uses[s.dir][part(to)] = true
			}
		}
	}
	for dir, to := range uses {
		if len(to) > maxFanOut && !slices.Contains(wires, dir) && !testPackage(dir) {
			t.Errorf("%s imports %d packages of ours, more than %d", dir, len(to), maxFanOut)
		}
	}
}

func TestEveryExportedNameIsDocumented(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if s.generated || testPackage(s.dir) {
			continue
		}
		for _, d := range s.file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && d.Doc == nil && !methodOfPrivate(d) {
					t.Errorf("%s: %s has no comment", s.fset.Position(d.Pos()), d.Name.Name)
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					undocumented(t, s, d, spec)
				}
			}
		}
	}
}

func methodOfPrivate(f *ast.FuncDecl) bool {
	if f.Recv == nil {
		return false
	}
	typ := f.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	if idx, ok := typ.(*ast.IndexExpr); ok {
		typ = idx.X
	}
	id, ok := typ.(*ast.Ident)
	return ok && !id.IsExported()
}

func undocumented(t *testing.T, s source, d *ast.GenDecl, spec ast.Spec) {
	t.Helper()
	switch spec := spec.(type) {
	case *ast.TypeSpec:
		if spec.Name.IsExported() && d.Doc == nil && spec.Doc == nil {
			t.Errorf("%s: %s has no comment", s.fset.Position(spec.Pos()), spec.Name.Name)
		}
	case *ast.ValueSpec:
		for _, name := range spec.Names {
			if name.IsExported() && d.Doc == nil && spec.Doc == nil && spec.Comment == nil {
				t.Errorf("%s: %s has no comment", s.fset.Position(name.Pos()), name.Name)
			}
		}
	}
}

func TestTheHouseIsDrawnInTheDesign(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/design.md")
	if err != nil {
		t.Fatal(err)
	}
	for dir := range floors {
		if !strings.Contains(string(page), strings.TrimPrefix(dir, "internal/")) {
			t.Errorf("docs/design.md does not name %s", dir)
		}
	}
}

func TestTypesAndPackagesOfTheDomainStaySmall(t *testing.T) {
	t.Parallel()
	files, methods := map[string]int{}, map[string]int{}
	for _, s := range sources(t) {
		if testPackage(s.dir) || s.generated {
			continue
		}
		if part(s.dir) == "internal/batch" {
			files[s.dir]++
		}
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Name.IsExported() && receiver(f) != "" {
				methods[s.dir+"."+receiver(f)]++
			}
		}
	}
	for dir, n := range files {
		if n > maxFiles {
			t.Errorf("%s has %d files, more than %d: cut it by noun", dir, n, maxFiles)
		}
	}
	for typ, n := range methods {
		if n > maxMethods {
			t.Errorf("%s has %d exported methods, more than %d: cut it by noun", typ, n, maxMethods)
		}
	}
	largest := slices.SortedFunc(maps.Keys(methods), func(a, b string) int { return methods[b] - methods[a] })
	for _, typ := range largest[:3] {
		t.Logf("%s has %d exported methods (at most %d)", typ, methods[typ], maxMethods)
	}
}
