package views_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sheetlift/views"
)

// unheard are files whose sentences never appear on a page: output of the command line, messages to programs, and prompts.
var unheard = []string{
	"internal/admin/", "internal/app/", "internal/cli/", "internal/config/", "internal/metrics/", "internal/setup/", "internal/backup/", "internal/upkeep/", "internal/fault/", "internal/batch/batchtest/",
	"internal/store/cluster.go", "internal/store/lock.go", "internal/store/checkpoint.go", "internal/store/server.go",
	"internal/web/api/", "internal/engine/gemini/simulator/", "internal/engine/gemini/question.go",
	"internal/table/prompt.go", "internal/table/schema.go",
}

// aSentence matches text that may be shown to a person: it begins and ends like a sentence.
var aSentence = regexp.MustCompile(`^(?:[A-Z“{]|%[a-z])[^\n]* [^\n]*\.$`)

// sentencesBelow returns the English sentences in the sources of lower layers, each with its position.
func sentencesBelow(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	root := filepath.Join("..", "internal")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		name := filepath.ToSlash(strings.TrimPrefix(path, ".."+string(filepath.Separator)))
		skip := slices.ContainsFunc(unheard, func(u string) bool { return strings.HasPrefix(name, u) })
		if err != nil || d.IsDir() || skip || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, path, nil, 0)
		if err != nil {
			return err
		}
		inside := token.NoPos // of a concatenation that was evaluated already
		ast.Inspect(file, func(n ast.Node) bool {
			e, ok := n.(ast.Expr)
			if !ok || e.Pos() < inside {
				return true
			}
			if text, ok := literal(file, e); ok && aSentence.MatchString(text) {
				found[text] = fset.Position(e.Pos()).String()
				inside = e.End()
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// literal returns the value of an expression of literals and constants of its file.
func literal(file *ast.File, e ast.Expr) (string, bool) {
	switch x := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(x.Value)
		return text, err == nil && x.Kind == token.STRING
	case *ast.BinaryExpr:
		left, ok := literal(file, x.X)
		right, too := literal(file, x.Y)
		return left + right, ok && too && x.Op == token.ADD
	case *ast.Ident:
		constant := file.Scope.Lookup(x.Name)
		if constant == nil || constant.Kind != ast.Con {
			return "", false
		}
		spec, ok := constant.Decl.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return "", false
		}
		return literal(file, spec.Values[0])
	}
	return "", false
}

func TestEverySentenceFromBelowIsKnownInEveryLanguage(t *testing.T) {
	t.Parallel()
	below := sentencesBelow(t)
	if len(below) < 200 {
		t.Fatalf("only %d sentences were found below the pages; the search is broken", len(below))
	}
	for tag, file := range views.Files() {
		if tag == "en" {
			continue
		}
		for sentence, where := range below {
			if _, ok := file.Sentences[sentence]; !ok {
				t.Errorf("%s: words/%s.json does not translate %q", where, tag, sentence)
			}
		}
	}
}

func TestFrenchMarksStayWithTheirWords(t *testing.T) {
	t.Parallel()
	wrong := regexp.MustCompile(`[ \x{a0}][:;!?»%]|« |«\x{a0}|\.\.\.|\p{L}'\p{L}|\p{L}[;!?]`)
	file := views.Files()["fr"]
	for _, texts := range []map[string]string{file.Words, file.Sentences} {
		for key, text := range texts {
			plain := strings.ReplaceAll(regexp.MustCompile(`%(\[\d+\])?[.0-9]*[a-z]`).ReplaceAllString(text, "x"), "%%", "%")
			if at := wrong.FindString(plain); at != "" {
				t.Errorf("%q: %q in %q; French has a narrow space that does not break, and ’", key, at, text)
			}
		}
	}
}

func TestFrenchCountsNothingAsOne(t *testing.T) {
	t.Parallel()
	french, spanish := views.WithLanguage(t.Context(), "fr"), views.WithLanguage(t.Context(), "es")
	for _, c := range []struct{ got, want string }{
		{views.Many(french, "image.rows.n", 0), "0 ligne"},
		{views.Many(french, "image.rows.n", 1), "1 ligne"},
		{views.Many(french, "image.rows.n", 1200), "1\u202f200 lignes"},
		{views.Many(spanish, "image.rows.n", 0), "0 filas"},
		{views.Many(spanish, "image.rows.n", 1200), "1.200 filas"},
		{views.Size(french, 3<<20+200<<10), "3,2 Mo"},
		{views.Clock(french, now.AddDate(-1, 0, 0), now), "24 novembre 2025"},
		{views.Clock(spanish, now.AddDate(-1, 0, 0), now), "24 de noviembre de 2025"},
		{views.Clock(french, time.Date(2024, 3, 1, 12, 0, 0, 0, time.Local), now), "1er mars 2024"},
		{views.LocalizeText(french, `“a.png” is too large: 16,320 × 12,240 pixels. The limit is 60 million pixels, and 30,000 a side. Save it smaller, or send it in parts.`), "«\u202fa.png\u202f» est trop grande\u202f: 16\u202f320 × 12\u202f240 pixels. La limite est de 60 millions de pixels, et 30\u202f000 par côté. Enregistrez-la plus petite, ou envoyez-la en plusieurs parties."},
		{views.LocalizeText(french, `“1,500” is larger than 1.5 MB, the limit for one file. Send it in parts.`), "«\u202f1,500\u202f» dépasse 1,5 Mo, la limite pour un fichier. Envoyez-le en plusieurs parties."},
		{views.LocalizeText(french, `The sheet has more than 50 columns; "Prix \"net\"" was left out.`), "La feuille a plus de 50 colonnes\u202f; «\u202fPrix \"net\"\u202f» a été laissée."},
		{views.Localize(spanish, `The sheet has more than %d columns; %q was left out.`, 50, `Precio "neto"`), "La hoja tiene más de 50 columnas; «Precio \"neto\"» se dejó fuera."},
		{views.Book(french, "All rows"), "Toutes les lignes"},
		{views.Book(spanish, "No."), "N.º"},
		{views.Book(spanish, "There are 3 more problems."), "Hay 3 problemas más."},
		{views.Book(t.Context(), "Taken over at no cost"), "Taken over at no cost"},
		{views.LocalizeText(french, "Column 3 has no name. Give it one, or remove it."), "La colonne 3 n’a pas de nom. Donnez-lui-en un, ou retirez-la."},
		{views.LocalizeText(spanish, "notes.txt is empty. Copy it again from where it came from and send it again; best as JPEG."), "notes.txt está vacío. Cópielo otra vez de donde vino y envíelo de nuevo, mejor como JPEG."},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

// Speech control uses the visible label of a button, and a screen reader adds its object; so the accessible name must contain
// the label.
func TestTheNameThatIsHeardOfAButtonHoldsTheOneThatIsSeen(t *testing.T) {
	t.Parallel()
	for tag, file := range views.Files() {
		for _, seen := range []string{"names.remove", "names.upright", "names.back", "live.retry", "live.offline", "live.check", "live.open", "keys.test", "keys.enable", "keys.disable", "saved.use"} {
			heard := file.Words[seen+".of"]
			if !strings.Contains(strings.ToLower(heard), strings.ToLower(file.Words[seen])) {
				t.Errorf("%s: the button “%s” is heard as “%s”", tag, file.Words[seen], heard)
			}
		}
	}
}
