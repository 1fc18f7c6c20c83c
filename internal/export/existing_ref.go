package export

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// The bounds of a sheet of Excel.
const (
	maxRows    = 1_048_576
	allColumns = 16_384
)

// area is a rectangle of cells: columns from 0, rows from 1, all ends included.
type area struct{ left, top, right, bottom int }

func (a area) holds(col, row int) bool {
	return col >= a.left && col <= a.right && row >= a.top && row <= a.bottom
}

func (a area) String() string {
	return fmt.Sprintf("%s%d:%s%d", columnName(a.left), a.top, columnName(a.right), a.bottom)
}

// parseRef reads a reference such as "B12".
func parseRef(ref string) (col, row int, err error) {
	i := 0
	for ; i < len(ref) && ref[i] >= 'A' && ref[i] <= 'Z' && i < 4; i++ {
		col = col*26 + int(ref[i]-'A') + 1
	}
	row, err = strconv.Atoi(ref[i:])
	if err != nil || i == 0 || col > allColumns || row < 1 || row > maxRows || ref[i] == '+' {
		return 0, 0, fmt.Errorf("%q is no cell", ref)
	}
	return col - 1, row, nil
}

// parseArea reads a reference such as "B12", "A1:C9" or "$A$1:$C$9".
func parseArea(ref string) (a area, err error) {
	ref = strings.ReplaceAll(ref, "$", "")
	first, last, two := strings.Cut(ref, ":")
	if !two {
		last = first
	}
	if a.left, a.top, err = parseRef(first); err == nil {
		a.right, a.bottom, err = parseRef(last)
	}
	if err == nil && (a.right < a.left || a.bottom < a.top) {
		err = fmt.Errorf("%q is no range", ref)
	}
	return a, err
}

// grown returns a list of ranges, as in an attribute, in which each that covers the columns in span and ends in one of the rows
// of ends goes down to the row bottom. Others, and those that it cannot read, stay as they are.
func grown(refs string, span area, ends []int, bottom int) string {
	list := strings.Fields(refs)
	for i, ref := range list {
		a, err := parseArea(ref)
		if err != nil || a.right < span.left || a.left > span.right || a.bottom >= bottom {
			continue
		}
		for _, end := range ends {
			if a.bottom == end {
				a.bottom = bottom
				list[i] = a.String()
				break
			}
		}
	}
	return strings.Join(list, " ")
}

// changeAttr returns a start tag with the attribute of this name set, at its place or after the name of the element.
func changeAttr(tag []byte, name, value string) []byte {
	found := regexp.MustCompile(`[\s]` + regexp.QuoteMeta(name) + `\s*=\s*("[^"]*"|'[^']*')`).FindSubmatchIndex(tag)
	if found != nil {
		return bytes.Join([][]byte{tag[:found[2]], []byte(`"` + value + `"`), tag[found[3]:]}, nil)
	}
	end := bytes.IndexAny(tag, " \t\r\n/>")
	return bytes.Join([][]byte{tag[:end], []byte(` ` + name + `="` + value + `"`), tag[end:]}, nil)
}

// tagAttr returns the attribute of a start tag as it stands there; "" if there is none.
func tagAttr(tag []byte, name string) string {
	found := regexp.MustCompile(`[\s]` + regexp.QuoteMeta(name) + `\s*=\s*(?:"([^"]*)"|'([^']*)')`).FindSubmatch(tag)
	if found == nil {
		return ""
	}
	return string(found[1]) + string(found[2])
}
