package table

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// fold is a name as it is compared: without case, accents, spaces and punctuation. "S/N", "s n" and "SN" are one. A name
// of punctuation only is compared as it is.
func fold(name string) string {
	return strings.Join(words(name), "")
}

// words are the folded words of a name: "Serial_Number", "serialNumber" and "SERIAL number" give serial, number.
func words(name string) []string {
	var all []string
	var word strings.Builder
	end := func() {
		if word.Len() > 0 {
			all = append(all, word.String())
			word.Reset()
		}
	}
	lower := false
	for _, r := range norm.NFKD.String(name) {
		switch {
		case unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Cf, r):
			continue
		case unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r):
			if unicode.IsUpper(r) && lower {
				end()
			}
			lower = unicode.IsLower(r)
			word.WriteRune(unicode.ToLower(r))
		default:
			end()
			lower = false
		}
	}
	end()
	if all == nil {
		if rest := strings.TrimSpace(name); rest != "" {
			return []string{rest}
		}
	}
	return all
}
