package batch

import (
	"strconv"
	"strings"

	"golang.org/x/text/unicode/norm"
)

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
