package internal_test

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// text is a file of the project, by its path from the root.
func text(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", path))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// testNames are the names of all tests, fuzz targets and benchmarks.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)\w+)\(`)
	for _, root := range []string{"../internal", "../views", "../static", "../cmd"} {
		err := filepath.WalkDir(root, func(path string, _ os.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			data, err := os.ReadFile(path)
			for _, m := range declared.FindAllStringSubmatch(string(data), -1) {
				names[m[1]] = true
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return names
}

func TestTheSecurityPageTellsTheTruth(t *testing.T) {
	t.Parallel()
	names := testNames(t)
	page := text(t, "docs/security.md")
	row := regexp.MustCompile(`(?m)^\| ([FHGQSLXPRC]\d+)( ●)? \| (.+) \| (.+) \|$`)
	named := regexp.MustCompile("`((?:Test|Fuzz|Benchmark)\\w+)`")
	seen, core := map[string]bool{}, 0
	for _, m := range row.FindAllStringSubmatch(page, -1) {
		id, marked, proof := m[1], m[2] != "", m[4]
		if seen[id] {
			t.Errorf("%s stands there twice", id)
		}
		seen[id] = true
		tests := named.FindAllStringSubmatch(proof, -1)
		if marked {
			core++
			if len(tests) == 0 {
				t.Errorf("%s is a core row without a test", id)
			}
		}
		for _, name := range tests {
			if !names[name[1]] {
				t.Errorf("%s names the test %s, which does not exist", id, name[1])
			}
		}
	}
	for letter, n := range map[string]int{"F": 14, "H": 15, "G": 15, "Q": 12, "S": 9, "L": 9, "X": 13, "P": 11, "R": 8, "C": 8} {
		for i := 1; i <= n; i++ {
			if !seen[letter+strconv.Itoa(i)] {
				t.Errorf("%s%d is missing", letter, i)
			}
		}
	}
	if len(seen) != 115 || core != 85 {
		t.Errorf("%d rows, %d of them core; want 115 and 85", len(seen), core)
	}
}

// older reports whether version a comes before b, both as 1.2.3 with or without a v.
func older(a, b string) bool {
	parts := func(v string) []int {
		var numbers []int
		for part := range strings.SplitSeq(strings.TrimPrefix(v, "v"), ".") {
			n, _ := strconv.Atoi(part)
			numbers = append(numbers, n)
		}
		return numbers
	}
	return slices.CompareFunc(parts(a), parts(b), cmp.Compare[int]) < 0
}

func TestNoModuleIsOlderThanTheLastKnownFix(t *testing.T) {
	t.Parallel()
	mod := text(t, "go.mod")
	advisory := regexp.MustCompile(`(?m)^\| (\S+) \| [^|]+ \| ([0-9.]+) \| [^|]+ \|$`)
	listed := advisory.FindAllStringSubmatch(text(t, "docs/security.md"), -1)
	if len(listed) < 3 {
		t.Fatalf("only %d advisories were found; the search is broken", len(listed))
	}
	for _, m := range listed {
		pattern := `(?m)^\s*` + regexp.QuoteMeta(m[1]) + ` v([0-9.]+)`
		if m[1] == "go" {
			pattern = `(?m)^toolchain go([0-9.]+)`
		}
		have := regexp.MustCompile(pattern).FindStringSubmatch(mod)
		if have == nil || older(have[1], m[2]) {
			t.Errorf("%s is %v in go.mod, and its fault is mended in %s", m[1], have, m[2])
		}
	}
	if strings.Contains(mod, "\nreplace ") {
		t.Error("a module is replaced")
	}
}

func TestTheContainerRunsWithoutRootAndWritesOnlyItsData(t *testing.T) {
	t.Parallel()
	file := text(t, "Dockerfile")
	for _, want := range []string{"\nUSER sheetlift\n", "TMPDIR=/data", "SHEETLIFT_DATA=/data", "useradd --uid 10001"} {
		if !strings.Contains(file, want) {
			t.Errorf("the Dockerfile lacks %q", want)
		}
	}
	ignored := strings.Fields(text(t, ".dockerignore"))
	for _, name := range []string{".env", ".env.local", "deploy/.env", "deploy/*.env", "data", ".git"} {
		if !slices.Contains(ignored, name) {
			t.Errorf("%s would be sent to the build of the image", name)
		}
	}
}

func TestTheReadmeSaysWherePicturesGo(t *testing.T) {
	t.Parallel()
	readme := strings.Join(strings.Fields(text(t, "README.md")), " ")
	for _, want := range []string{"sent to Google Gemini", "never leave the machine", "data folder", "use paid keys for what is confidential"} {
		if !strings.Contains(readme, want) {
			t.Errorf("the README does not say %q", want)
		}
	}
}

func TestNoSecretStandsInTheRepository(t *testing.T) {
	t.Parallel()
	list, err := exec.CommandContext(t.Context(), "git", "-C", "..", "ls-files", "-z").Output()
	if err != nil {
		t.Skip("this is no checkout of git")
	}
	secret := regexp.MustCompile(`AIza[0-9A-Za-z_-]{35}|AQ\.[0-9A-Za-z_-]{40,}|-----BEGIN (RSA |EC |OPENSSH )?PRIVATE KEY-----|gh[pousr]_[0-9A-Za-z]{36}`)
	for name := range strings.SplitSeq(strings.TrimSuffix(string(list), "\x00"), "\x00") {
		data, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			continue // removed and not committed yet
		}
		for _, found := range secret.FindAllString(string(data), -1) {
			if strings.Trim(found[4:], "X") != "" && !strings.Contains(found, "EXAMPLE") {
				t.Errorf("%s holds what looks like a secret: %.8s…", name, found)
			}
		}
	}
}
