package batch

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"sheetlift/internal/table"
)

// CleanName makes a name fit for display and storage: valid text without control characters, at most 200 runes.
func CleanName(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r':
			return ' '
		case r == utf8.RuneError || unicode.IsControl(r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(name, ""))
	name, _ = table.Clean(name)
	name = strings.TrimSpace(name)
	if runes := []rune(name); len(runes) > 200 {
		name = strings.TrimSpace(string(runes[:200]))
	}
	return name
}

// DefaultName returns the name of an image without a given name: the file name without the extension, and the page.
func (m *Image) DefaultName() string {
	name := m.Filename
	if i := strings.LastIndexByte(name, '.'); i > 0 {
		name = name[:i]
	}
	return name + PageSuffix(m.Page)
}

// PageSuffix returns the suffix of a name for a page of a document.
func PageSuffix(page int) string {
	if page == 0 {
		return ""
	}
	return fmt.Sprintf(" page %d", page)
}

// Apart makes names unique, in the same order: the first of equal names stays, the second becomes “image.jpg (2)”, and so on,
// skipping names that already exist. Two names are equal when they differ only in case, in spaces around or between words, or
// in the Unicode form of an accent. Pages and workbook name images by it.
func Apart(names []string) []string {
	taken := make(map[string]bool, len(names))
	for _, name := range names {
		taken[comparisonKey(name)] = true
	}
	seen, next := make(map[string]bool, len(names)), map[string]int{}
	apart := make([]string, len(names))
	for i, name := range names {
		key := comparisonKey(name)
		if !seen[key] {
			seen[key], apart[i] = true, name
			continue
		}
		for n := max(next[key], 2); ; n++ {
			other := name + " (" + strconv.Itoa(n) + ")"
			if !taken[comparisonKey(other)] {
				next[key], apart[i] = n+1, other
				taken[comparisonKey(other)] = true
				break
			}
		}
	}
	return apart
}

// NamesApart is Apart for the images of a batch, by their N.
func NamesApart(images []*Image) map[int]string {
	names := make([]string, len(images))
	for i, m := range images {
		names[i] = m.Name
	}
	apart := make(map[int]string, len(images))
	for i, name := range Apart(names) {
		apart[images[i].N] = name
	}
	return apart
}

// comparisonKey returns the form of a name that Apart compares.
func comparisonKey(name string) string {
	return strings.ToLower(norm.NFC.String(strings.Join(strings.Fields(name), " ")))
}

// BaseName returns the last element of a file name as sent, from any operating system, fit for display.
func BaseName(filename string) string {
	if i := strings.LastIndexAny(filename, `/\`); i >= 0 {
		filename = filename[i+1:]
	}
	if filename = CleanName(filename); filename == "" {
		return "picture"
	}
	return filename
}
