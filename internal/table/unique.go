package table

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// serials are the folded headings that mean "serial number" on sheets whose columns were not defined by a person.
var serials = []string{
	"serial", "serialno", "serialnr", "serialnumber", "serialnum", "sn", "snr",
	"numerodeserie", "ndeserie", "nodeserie", "nserie", "noserie", "numserie", "numeroserie", "seriennummer", "seriennr", "serienummer",
}

// Unique are the columns in which no value should come twice, by their place in header: those that say so, and of an
// open table those that are headed as serial numbers.
func (t Table) Unique(header []string) []int {
	var all []int
	if t.Open {
		for i, name := range header {
			if slices.Contains(serials, fold(name)) {
				all = append(all, i)
			}
		}
		return all
	}
	for i, c := range t.Columns {
		if c.Unique {
			all = append(all, i)
		}
	}
	return all
}

// Distinct returns a value as it is compared with values that should differ from it: without case, spaces, width and
// invisible characters. It returns "" for a text without a digit, because such a text does not identify a thing: "none",
// "n/a", "-", "see above".
func Distinct(text string) string {
	if !strings.ContainsFunc(text, unicode.IsDigit) {
		return ""
	}
	clean, _ := Clean(text)
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unseen(r) {
			return -1
		}
		return unicode.ToUpper(r)
	}, norm.NFKC.String(clean))
}
