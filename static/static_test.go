package static_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"sheetlift/static"
)

func TestVendoredFilesAreAsPublished(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("VENDOR.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| `([^`]+)` \\|.*\\| `([0-9a-f]{64})` \\|$").FindAllStringSubmatch(string(page), -1)
	if len(rows) != 3 {
		t.Fatalf("VENDOR.md names %d files, want 3", len(rows))
	}
	for _, row := range rows {
		data, err := static.Files.ReadFile(row[1])
		if err != nil {
			t.Errorf("VENDOR.md names %s: %v", row[1], err)
			continue
		}
		if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != row[2] {
			t.Errorf("%s has the sum %x, VENDOR.md says %s", row[1], sum, row[2])
		}
	}
	for _, entry := range entries(t) {
		if strings.Contains(entry.Name(), ".min.") && !strings.Contains(string(page), "`"+entry.Name()+"`") {
			t.Errorf("%s is not in VENDOR.md", entry.Name())
		}
	}
}

func entries(t *testing.T) []fs.DirEntry {
	t.Helper()
	all, err := fs.ReadDir(static.Files, ".")
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, fs.DirEntry.IsDir)
}

func TestNothingIsFetchedFromAnotherHost(t *testing.T) {
	t.Parallel()
	other := regexp.MustCompile(`(?i)(url\(["']?|@import\s*["']?|fetch\(["'])\s*(https?:)?//`)
	names := styles(t)
	for _, entry := range entries(t) {
		names = append(names, entry.Name())
	}
	for _, name := range names {
		data, err := static.Files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if at := other.FindIndex(data); at != nil {
			t.Errorf("%s reaches out: %s", name, data[at[0]:min(at[1]+40, len(data))])
		}
	}
}

func TestWhatIsSentCompressedIsWhatIsThere(t *testing.T) {
	t.Parallel()
	names := slices.Collect(maps.Keys(static.Bundles()))
	for _, entry := range entries(t) {
		names = append(names, entry.Name())
	}
	for _, name := range names {
		data, err := static.Read(name)
		if err != nil {
			t.Fatal(err)
		}
		r, err := gzip.NewReader(bytes.NewReader(static.Small(name)))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s comes as %d bytes of %d, %v", name, len(got), len(data), err)
		}
	}
	if _, err := static.Read("nothing.css"); static.Small("nothing.css") != nil || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what is not there has a content: %v", err)
	}
}

func TestAssetsThatComeTogetherAreWhole(t *testing.T) {
	t.Parallel()
	squeeze := func(css []byte) string { // without comments and space, which mean nothing where a rule or a line ends
		css = regexp.MustCompile(`(?s)/\*.*?\*/`).ReplaceAll(css, nil)
		return string(regexp.MustCompile(`\s+`).ReplaceAll(css, nil))
	}
	used := map[string]bool{}
	for name, parts := range static.Bundles() {
		whole, err := static.Read(name)
		if err != nil {
			t.Fatal(err)
		}
		var want strings.Builder
		for _, part := range parts {
			data, err := static.Files.ReadFile(part)
			if err != nil || used[part] {
				t.Fatalf("%s of %s: used before %v, %v", part, name, used[part], err)
			}
			used[part] = true
			want.Write(append(data, '\n'))
		}
		got, css := string(whole), strings.HasSuffix(name, ".css")
		if css && squeeze(whole) != squeeze([]byte(want.String())) || !css && got != want.String() {
			t.Errorf("%s is not its parts in their order", name)
		}
	}
	for _, part := range styles(t) {
		if !used[part] {
			t.Errorf("no page gets %s", part)
		}
	}
}

// styles are the stylesheets of the program by path.
func styles(t *testing.T) []string {
	t.Helper()
	names, err := fs.Glob(static.Files, "css/*.css")
	if err != nil || len(names) < 10 {
		t.Fatalf("%d stylesheets, %v", len(names), err)
	}
	return names
}

// TestAStylesheetHasOneThingALine: rules are read and compared line by line. make fmt writes them so.
func TestAStylesheetHasOneThingALine(t *testing.T) {
	t.Parallel()
	quiet := regexp.MustCompile(`/\*.*?\*/|"[^"]*"|url\([^)]*\)`)
	for _, name := range styles(t) {
		data, err := static.Files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(string(data), "\n")
		if len(lines) > 500 {
			t.Errorf("%s has %d lines, more than 500: cut it by pieces of the pages", name, len(lines))
		}
		for i, line := range lines {
			code := quiet.ReplaceAllString(line, "")
			if strings.Count(code, ";")+strings.Count(code, "{")+strings.Count(code, "}") > 1 {
				t.Errorf("%s:%d has several things on one line: %.60s", name, i+1, line)
			}
			if utf8.RuneCountInString(line) > 140 {
				t.Errorf("%s:%d is longer than 140 characters", name, i+1)
			}
		}
	}
}

// TestStatesOfThePageHaveNamesOfTheirOwn: a class that a script puts on the whole page begins with "page-", and nothing else
// does. "over" was one, was also a part of a card, and gave the page the look of that part.
func TestStatesOfThePageHaveNamesOfTheirOwn(t *testing.T) {
	t.Parallel()
	put := regexp.MustCompile(`document\.(?:body|documentElement)\.classList\.\w+\("([^"]+)"`)
	states := map[string]bool{}
	for _, entry := range entries(t) {
		if !strings.HasSuffix(entry.Name(), ".js") || strings.Contains(entry.Name(), ".min.") {
			continue
		}
		data, err := static.Files.ReadFile(entry.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range put.FindAllSubmatch(data, -1) {
			states[string(m[1])] = true
			if !strings.HasPrefix(string(m[1]), "page-") {
				t.Errorf("%s puts the class %q on the whole page; it does not begin with page-", entry.Name(), m[1])
			}
		}
	}
	for _, name := range styles(t) {
		data, err := static.Files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\.(page-[a-z-]+)`).FindAllSubmatch(data, -1) {
			if !states[string(m[1])] {
				t.Errorf("%s has rules for %q, which no script puts on the page", name, m[1])
			}
		}
	}
	if len(states) == 0 {
		t.Error("no script puts a state on the page: the test looks for the wrong words")
	}
}

func TestAddressChangesWithContent(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, entry := range entries(t) {
		name := entry.Name()
		sum := static.Sum(name)
		if len(sum) != 16 {
			t.Errorf("%s has the fingerprint %q, want 16 digits", name, sum)
		}
		if other, twice := seen[sum]; twice {
			t.Errorf("%s and %s have one fingerprint", name, other)
		}
		seen[sum] = name
		if want := "/static/" + name + "?v=" + sum; static.URL(name) != want {
			t.Errorf("address %q, want %q", static.URL(name), want)
		}
	}
	if static.Sum("no-such-file") != "" {
		t.Error("a file that is not there has a fingerprint")
	}
}

func TestColoursStandInTheTokensOnly(t *testing.T) {
	t.Parallel()
	for _, name := range styles(t) {
		if name == "css/tokens.css" {
			continue
		}
		rules, err := static.Files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`#[0-9a-fA-F]{3,8}\b[^{]`).FindAll(rules, -1) {
			t.Errorf("a rule of %s names the colour %q", name, m)
		}
	}
}
