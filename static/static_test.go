package static_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"

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
	return all
}

func TestNothingIsFetchedFromAnotherHost(t *testing.T) {
	t.Parallel()
	other := regexp.MustCompile(`(?i)(url\(["']?|@import\s*["']?|fetch\(["'])\s*(https?:)?//`)
	for _, entry := range entries(t) {
		data, err := static.Files.ReadFile(entry.Name())
		if err != nil {
			t.Fatal(err)
		}
		if at := other.FindIndex(data); at != nil {
			t.Errorf("%s reaches out: %s", entry.Name(), data[at[0]:min(at[1]+40, len(data))])
		}
	}
}

func TestWhatIsSentCompressedIsWhatIsThere(t *testing.T) {
	t.Parallel()
	names := []string{"base.css", "base.js", "follow.js"}
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
	for name, parts := range map[string][]string{"base.css": {"pico.min.css", "app.css"}, "base.js": {"theme.js", "htmx.min.js", "app.js"}, "follow.js": {"hx-sse.min.js", "wire.js"}} {
		whole, err := static.Read(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range parts {
			data, err := static.Files.ReadFile(part)
			at := bytes.Index(whole, data)
			if err != nil || at < 0 {
				t.Fatalf("%s lacks %s, %v", name, part, err)
			}
			whole = whole[at+len(data):] // in this order, each on lines of its own
			if whole[0] != '\n' {
				t.Errorf("in %s something stands behind %s on its last line", name, part)
			}
		}
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
	data, err := static.Files.ReadFile("app.css")
	if err != nil {
		t.Fatal(err)
	}
	_, rules, found := strings.Cut(string(data), `:root:root:root[data-theme="light"]`)
	if !found {
		t.Fatal("the tokens do not end where they should")
	}
	check, err := static.Files.ReadFile("check.css")
	if err != nil {
		t.Fatal(err)
	}
	rules += string(check)
	for _, m := range regexp.MustCompile(`#[0-9a-fA-F]{3,8}\b[^{]`).FindAllString(rules, -1) {
		t.Errorf("a rule below the tokens names the colour %q", m)
	}
}
