package internal_test

import (
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// callsOut are the packages that may open connections, and to whom.
var callsOut = map[string]string{
	"internal/engine/gemini": "the address in GEMINI_BASE_URL",
	"internal/store":         "the nodes in SHEETLIFT_NATS_URL",
	"internal/admin":         "the socket of another process on the same data folder",
	"internal/webhook":       "the addresses in SHEETLIFT_WEBHOOKS",
	"internal/pipe":          "this process itself",
	"client":                 "the server that a command or a foreign program names",
}

func TestOnlyTheEngineTheStoreAndTheControlSocketCallOut(t *testing.T) {
	t.Parallel()
	clients := map[string][]string{
		"http": {"Get", "Head", "Post", "PostForm", "Client", "DefaultClient", "Transport", "DefaultTransport", "NewRequest", "NewRequestWithContext"},
		"net":  {"Dial", "DialTimeout", "Dialer", "DialTCP", "DialUDP", "LookupHost", "LookupIP"},
		"nats": {"Connect"}, "genai": {"NewClient"}, "smtp": {"SendMail", "Dial"}, "tls": {"Dial"},
	}
	for _, s := range sources(t) {
		if testPackage(s.dir) || callsOut[s.dir] != "" || strings.HasSuffix(s.dir, "/simulator") {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				if pkg, ok := sel.X.(*ast.Ident); ok && slices.Contains(clients[pkg.Name], sel.Sel.Name) {
					t.Errorf("%s uses %s.%s; only %v call out", s.fset.Position(sel.Pos()), pkg.Name, sel.Sel.Name, callsOut)
				}
			}
			return true
		})
	}
}

// absolute is an address of another server in a page, style or script. Names of XML spaces are no addresses.
var absolute = regexp.MustCompile(`(?i)(src|href|action|@import|url\(|fetch\(|import)\s*[=(]?\s*["']?(https?:)?//[a-z]`)

func TestPagesLoadNothingFromElsewhere(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{"../views/*.templ"} { // static has the same test for its files
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v, %v", pattern, files, err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if at := absolute.FindString(string(data)); at != "" {
				t.Errorf("%s loads something from another server: %s", file, at)
			}
		}
	}
}
