package table

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Key returns the form in which a heading, an allowed value or a searched text is compared: in one form of Unicode, without
// invisible characters, without case, and with one blank for every run of spaces of any kind. Signs, accents and
// punctuation make a difference.
func Key(text string) string {
	clean, _ := Clean(text)
	return norm.NFC.String(strings.ToLower(strings.Join(strings.Fields(clean), " ")))
}

// choiceKey is how allowed values are compared.
func choiceKey(v string) string { return Key(v) }

// exactly returns the form of a column's name that distinguishes it from other columns: without case, spaces and the
// punctuation that only separates words, so that "S/N", "s n" and "SN" are equal. Letters with different accents or marks
// differ, and signs with a meaning (€ $ % # + °) count. A name that consists of punctuation only is returned unchanged.
func exactly(name string) string {
	clean, _ := Clean(name)
	key := strings.Map(func(r rune) rune {
		switch {
		case unicode.In(r, unicode.L, unicode.N, unicode.M, unicode.Sc, unicode.Sm, unicode.So), strings.ContainsRune("%‰#&@*", r):
			return unicode.ToLower(r)
		}
		return -1
	}, norm.NFKC.String(clean))
	if key == "" {
		return strings.TrimSpace(clean)
	}
	return norm.NFC.String(key)
}

// fold returns a name for a search by meaning: without case, accents, spaces, signs and punctuation. It finds a column that
// is written a little differently; exactly decides whether two columns are different.
func fold(name string) string {
	return strings.Join(words(name), "")
}

// accented are the scripts whose marks are accents, which people leave out. In others a mark is a letter: a vowel in
// Thai, the voice of a consonant in Japanese.
var accented = []*unicode.RangeTable{unicode.Latin, unicode.Greek, unicode.Hebrew, unicode.Arabic}

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
	lower, plain := false, true
	for _, r := range norm.NFKD.String(name) {
		switch {
		case unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Mn, r) && (plain || unicode.Is(unicode.Variation_Selector, r)):
			continue
		case unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r):
			if unicode.IsUpper(r) && lower {
				end()
			}
			lower = unicode.IsLower(r)
			plain = unicode.In(r, accented...) || plain && unicode.IsMark(r)
			word.WriteRune(unicode.ToLower(r))
		default:
			end()
			lower, plain = false, true
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

// exact returns the column of this name: the column with the same exact form, or the only one that is equal except for
// accents and signs; -1 for none.
func (t Table) exact(name string) int { return newNames(t).column(name) }

// names finds columns by their names and caches the results: the same few names come in every row of an answer.
type names struct {
	exactly, loosely []string // of the columns
	folded           map[string]string
	columns          map[string]int
}

func newNames(t Table) *names {
	n := &names{folded: map[string]string{}, columns: map[string]int{}}
	for _, c := range t.Columns {
		n.exactly, n.loosely = append(n.exactly, exactly(c.Name)), append(n.loosely, fold(c.Name))
	}
	return n
}

// fold is fold with a cache.
func (n *names) fold(name string) string {
	folded, known := n.folded[name]
	if !known {
		folded = fold(name)
		n.folded[name] = folded
	}
	return folded
}

// column is Table.exact with a cache.
func (n *names) column(name string) int {
	i, known := n.columns[name]
	if !known {
		i = slices.Index(n.exactly, exactly(name))
		if i < 0 {
			i = only(n.loosely, n.fold(name))
		}
		n.columns[name] = i
	}
	return i
}

// only returns the index of s in all; -1 if it is missing or there more than once.
func only(all []string, s string) int {
	i := slices.Index(all, s)
	if i >= 0 && slices.Contains(all[i+1:], s) {
		return -1
	}
	return i
}
