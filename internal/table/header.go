package table

import (
	"strconv"
	"strings"
)

// Header returns the headings to show over the rows of one image: the table's own names, or those of the sheet (open,
// as in Reading.Columns) with a name for every blank one ("Column 3") and a number behind one that comes again
// ("Total (2)"), so that all differ.
func (t Table) Header(open []string) []string {
	if !t.Open {
		return t.names()
	}
	header := make([]string, len(open))
	used := map[string]bool{}
	for _, name := range open {
		used[Key(name)] = true
	}
	seen := map[string]bool{}
	for i, name := range open {
		name, _ = Clean(strings.Join(strings.Fields(name), " "))
		if name == "" {
			name = "Column " + strconv.Itoa(i+1)
			if !used[Key(name)] {
				seen[Key(name)] = true
				header[i] = name
				continue
			}
		}
		unique := name
		for n := 2; seen[Key(unique)] || unique != name && used[Key(unique)]; n++ {
			unique = name + " (" + strconv.Itoa(n) + ")"
		}
		seen[Key(unique)] = true
		header[i] = unique
	}
	return header
}
