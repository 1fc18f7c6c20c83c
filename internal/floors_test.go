// Package internal_test holds the rules that the whole house keeps: which package may import which, who alone may
// use a library, and how large files and functions may grow. docs/design.md draws the same house.
package internal_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// floors is the house: a package may import packages of lower floors only, and those in beside.
var floors = map[string]int{
	"cmd/sheetlift":             8,
	"internal/app":              7,
	"internal/cli":              7,
	"internal/config":           7,
	"internal/web":              6,
	"internal/web/api":          6,
	"views":                     6,
	"internal/extract":          5,
	"internal/upkeep":           5,
	"internal/metrics":          5,
	"internal/store":            4,
	"internal/engine/gemini":    4,
	"internal/engine/tesseract": 4,

	"internal/engine/gemini/simulator": 4,
	"internal/export":                  4,
	"internal/archive":                 4,
	"internal/batch":                   3,
	"internal/table":                   3,
	"internal/engine":                  3,
	"internal/keypool":                 2,
	"internal/imaging":                 2,
	"internal/work":                    2,
	"internal/live":                    2,
	"internal/errs":                    1,
	"internal/fault":                   1,
	"static":                           1,
}

// beside is what may be imported on the same floor.
var beside = map[string][]string{
	"internal/web":    {"views", "internal/web/api"},
	"internal/app":    {"internal/config"},
	"internal/cli":    {"internal/app", "internal/config"},
	"internal/batch":  {"internal/table"},
	"internal/engine": {"internal/table"},
}

// forbidden is what a package must not import although it lies lower.
var forbidden = map[string][]string{
	"internal/batch":   {"internal/keypool", "internal/imaging", "internal/work", "internal/live"},
	"internal/table":   {"internal/keypool", "internal/imaging", "internal/work", "internal/live"},
	"internal/engine":  {"internal/keypool", "internal/imaging", "internal/work", "internal/live"},
	"internal/extract": {"internal/engine/gemini", "internal/engine/tesseract", "internal/store"},
	"internal/upkeep":  {"internal/engine/gemini", "internal/engine/tesseract", "internal/store"},
	"internal/web":     {"internal/store", "internal/work", "internal/engine/gemini", "internal/engine/tesseract", "internal/extract"},
	"internal/web/api": {"internal/store", "internal/work", "internal/engine/gemini", "internal/engine/tesseract", "internal/extract"},
	"views":            {"internal/store", "internal/work", "internal/live", "internal/batch", "internal/extract"},
	"internal/keypool": {"internal/imaging"},
}

// onlyIn names who alone may import a library.
var onlyIn = map[string][]string{
	"github.com/labstack/echo": {"internal/web", "internal/web/api"},
	"github.com/nats-io":       {"internal/store"},
	"google.golang.org/genai":  {"internal/engine/gemini"},
	"github.com/xuri/excelize": {"internal/export"},
	"github.com/r3labs/sse":    {"internal/live"},
	"github.com/prometheus":    {"internal/metrics"},
	"github.com/joho/godotenv": {"internal/config"},
	"github.com/a-h/templ":     {"views", "internal/web"},
	"os/exec":                  {"internal/engine/tesseract", "internal/imaging"},
}

const (
	maxFileLines = 500
	maxFuncLines = 100
	maxFanOut    = 8 // packages of ours that one may import; those that wire everything are excepted
)

var wires = []string{"internal/app", "internal/cli", "internal/web", "cmd/sheetlift"}

type source struct {
	path, dir string
	file      *ast.File
	fset      *token.FileSet
	generated bool
}

// sources parses every Go file that goes into the binary.
func sources(t *testing.T) []source {
	t.Helper()
	root := ".."
	var all []source
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules" || name == "data") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, filepath.Dir(path))
		all = append(all, source{path, filepath.ToSlash(rel), file, fset, ast.IsGenerated(file)})
		return nil
	})
	if err != nil {
		t.Fatal(err)
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
			if slices.Contains(forbidden[s.dir], to) {
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
		// fault/on.go is never in what people get: it is built with the tag crashpoints only.
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
	for _, s := range sources(t) {
		if s.generated {
			continue
		}
		if n := s.fset.Position(s.file.End()).Line; n > maxFileLines {
			t.Errorf("%s has %d lines, more than %d: cut it where its nouns part", s.path, n, maxFileLines)
		}
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if n := s.fset.Position(f.End()).Line - s.fset.Position(f.Pos()).Line + 1; n > maxFuncLines {
				t.Errorf("%s: %s has %d lines, more than %d", s.path, f.Name.Name, n, maxFuncLines)
			}
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
				uses[s.dir][to] = true
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
