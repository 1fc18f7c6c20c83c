package table

import (
	"regexp"
	"strings"
)

// Pattern returns a regular expression for a text as Key compares it: Unicode composed, with any kind of space for a
// space.
func Pattern(text string) string {
	text, _ = Clean(text)
	var p strings.Builder
	for i, part := range spaces.Split(text, -1) {
		if i > 0 {
			p.WriteString(spaces.String())
		}
		p.WriteString(regexp.QuoteMeta(part))
	}
	return p.String()
}

// spaces matches one or more spaces of any kind, line endings included.
var spaces = regexp.MustCompile(`[\s\p{Z}]+`)
