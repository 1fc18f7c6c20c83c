package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// prefix is the prefix of every variable of this program.
const prefix = "SHEETLIFT_"

// vital lists the settings whose absence leaves access open: a misspelled name of one is an error, not a warning.
var vital = []string{"SHEETLIFT_PASSWORD", "SHEETLIFT_SECRET"}

// checkNames finds variables with our prefix that are no settings. A name close to a vital one is an error; any
// other is a warning with the nearest name.
func checkNames(c *Config, env map[string]string, known []string) error {
	for _, name := range slices.Sorted(maps.Keys(env)) {
		if !strings.HasPrefix(strings.ToUpper(name), prefix) || slices.Contains(known, name) {
			continue
		}
		near, far := nearest(name, known)
		if rest := strings.ToUpper(name[len(prefix):]); strings.Contains(rest, "PASS") || strings.Contains(rest, "PW") {
			near, far = "SHEETLIFT_PASSWORD", 1
		}
		if far <= 2 && slices.ContainsFunc(vital, func(v string) bool { return strings.HasPrefix(near, v) }) {
			return &Error{name, "is not a setting, and looks like " + near, "Rename it to " + near + ", or remove it."}
		}
		hint := "docs/configuration.md has the list."
		if far <= 3 {
			hint = "Did you mean " + near + "?"
		}
		c.Warnings = append(c.Warnings, fmt.Sprintf("The variable %s is not a setting and is ignored. %s", name, hint))
	}
	return nil
}

// nearest returns the known name with the smallest edit distance, and the distance. Letter case does not count as a
// change, but a name in another case is not the name.
func nearest(name string, known []string) (near string, far int) {
	far = len(name) + 1
	for _, k := range known {
		if d := distance(strings.ToUpper(name), k); d < far {
			near, far = k, d
		}
	}
	return near, far
}

// distance returns the Damerau-Levenshtein distance in bytes; a swap of neighbours counts as one change.
func distance(a, b string) int {
	var before, last []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, row = last, row, make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			swap := 1
			if a[i-1] == b[j-1] {
				swap = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+swap)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(b)]
}
