package table

import (
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// In print, 0 looks like O, 1 like l and I, 5 like S and 8 like B, and no reader can distinguish them by one value alone:
// "7O12" among numbers, "TAGO512" among codes of three letters and four digits. The other values of the column help: a value
// is a doubt if its form differs from that of most values only by such letters or digits. It is never changed.

// A form is that of a column if at least leastAlike values have it, and of ten values mostAlike.
const (
	leastAlike = 4
	mostAlike  = 8
)

// asDigit and asLetter are the letters and digits that look alike.
var (
	asDigit = map[rune]rune{'O': '0', 'o': '0', 'Q': '0', 'I': '1', 'i': '1', 'l': '1', '|': '1', 'Z': '2', 'z': '2',
		'S': '5', 's': '5', 'G': '6', 'b': '6', 'B': '8'}
	asLetter = map[rune]rune{'0': 'O', '1': 'I', '2': 'Z', '5': 'S', '6': 'G', '8': 'B'}
)

// saysForm is said of such a value, with the text that it may be.
const saysForm = "Most values of this column are written another way, and this may be “%s”: such letters and digits look alike. Compare it with the picture."

// form is the pattern of a value: the classes of its characters in order. In a loose form each class matches one character
// or more.
type form struct {
	classes string
	loose   bool
}

// The classes of letters and digits; every other character is its own.
const (
	digitClass  = '9'
	letterClass = 'A'
)

// anyNumber is the form of all numbers, however long.
var anyNumber = form{classes: "number"}

func classOf(r rune) rune {
	switch {
	case unicode.IsDigit(r):
		return digitClass
	case unicode.IsLetter(r):
		return letterClass
	}
	return r
}

func formOf(text string) form { return form{classes: strings.Map(classOf, text)} }

func looseFormOf(text string) form {
	return form{string(slices.Compact([]rune(strings.Map(classOf, text)))), true}
}

// isNumber reports whether a text is written with digits and the marks of numbers, dates and times alone.
func isNumber(text string) bool {
	return strings.ContainsFunc(text, unicode.IsDigit) && !strings.ContainsFunc(text, func(r rune) bool {
		return !unicode.IsDigit(r) && !numberMark(r)
	})
}

func numberMark(r rune) bool {
	return unicode.IsSpace(r) || unicode.Is(unicode.Sc, r) || strings.ContainsRune(".,:/%+-–—−±()'’*", r)
}

// says reports whether a text has letters or digits: a blank cell and a dash have no form.
func says(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return classOf(r) != r })
}

// doubtUnlike adds the doubts about cells of a column that have another form than most and no other doubt yet.
func (d *doubts) doubtUnlike(rows []Row, c int, column Column) {
	if column.Type == YesNo || column.Type == Choice {
		return // a list says which values there are
	}
	meant := unlike(rows, c)
	if len(meant) == 0 {
		return
	}
	said := map[int]bool{}
	for _, i := range d.issues {
		if i.Column == c {
			said[i.Row] = true
		}
	}
	for _, r := range slices.Sorted(maps.Keys(meant)) {
		if state := rows[r].Cells[c].State; !said[r] && (state == Read || state == "") {
			d.add(r, c, KindForm, saysForm, meant[r])
		}
	}
}

// usualForm is the form that most of the texts have.
func usualForm(texts []string) (form, bool) {
	count := map[form]int{}
	for _, text := range texts {
		if isNumber(text) {
			count[anyNumber]++
			continue
		}
		count[formOf(text)]++
		count[looseFormOf(text)]++
	}
	var best form
	for f, n := range count {
		if n >= leastAlike && 10*n >= mostAlike*len(texts) && (best.classes == "" || best.loose) {
			best = f // the strict one of two: more than half have it, so there are no others
		}
	}
	return best, best.classes != ""
}

// unlike finds the cells of one column whose form differs from that of most cells only by letters and digits that look
// alike. It returns the text that each may be, by row.
func unlike(rows []Row, column int) map[int]string {
	var texts []string
	var at []int
	for r, row := range rows {
		if column < len(row.Cells) && row.Cells[column].State != Unreadable && says(row.Cells[column].Text) {
			texts, at = append(texts, strings.TrimSpace(row.Cells[column].Text)), append(at, r)
		}
	}
	usual, ok := usualForm(texts)
	if !ok {
		return nil
	}
	found := map[int]string{}
	for i, text := range texts {
		if meant, ok := usual.fit(text); ok && meant != text {
			found[at[i]] = meant
		}
	}
	return found
}

// fit converts a text to this form by replacing letters and digits that look alike. At least half of the letters and digits
// of the text must stay; only a number with a single one may change entirely. It returns false if that is impossible.
func (f form) fit(text string) (string, bool) {
	meant, ok := text, isNumber(text)
	switch {
	case f == anyNumber && !ok:
		meant, ok = numberFrom(text)
	case f != anyNumber:
		meant, ok = f.match([]rune(text))
	}
	if !ok {
		return "", false
	}
	changed, all := 0, 0
	was := []rune(text)
	for i, r := range []rune(meant) {
		if classOf(r) != r {
			all++
		}
		if r != was[i] {
			changed++
		}
	}
	return meant, 2*changed <= all || f == anyNumber && all == 1
}

// numberFrom is a text with digits for the letters that look like them, where that makes it a number.
func numberFrom(text string) (string, bool) {
	words := strings.Split(text, " ")
	for i, w := range words {
		if len(words) > 1 && utf8.RuneCountInString(w) == 1 {
			continue // a unit
		}
		words[i] = strings.Map(func(r rune) rune {
			if d, ok := asDigit[r]; ok {
				return d
			}
			return r
		}, w)
	}
	meant := strings.Join(words, " ")
	return meant, isNumber(meant)
}

// match is the text with the fewest changes that has the form.
func (f form) match(text []rune) (string, bool) {
	classes := []rune(f.classes)
	if len(classes) > len(text) || !f.loose && len(classes) != len(text) {
		return "", false
	}
	// cost[j] is the fewest changes with which the text up to here has the first j+1 classes.
	const never = 1 << 20
	cost := make([]int, len(classes))
	from := make([][]int, len(text)) // from[i][j]: the class of the character before
	for i, r := range text {
		next := make([]int, len(classes))
		from[i] = make([]int, len(classes))
		for j, class := range classes {
			before, best := never, j
			switch {
			case i == 0 && j == 0:
				before = 0
			case i > 0:
				if f.loose {
					before = cost[j]
				}
				if j > 0 && cost[j-1] < before {
					before, best = cost[j-1], j-1
				}
			}
			next[j], from[i][j] = min(before+change(r, class), never), best
		}
		cost = next
	}
	j := len(classes) - 1
	if cost[j] >= never {
		return "", false
	}
	meant := slices.Clone(text)
	for i := len(text) - 1; i >= 0; i-- {
		meant[i] = as(text, i, classes[j])
		j = from[i][j]
	}
	return string(meant), true
}

// change is 0 for a character of the class, 1 for one that looks like one of it, and too much for others.
func change(r, class rune) int {
	if classOf(r) == class {
		return 0
	}
	_, digit := asDigit[r]
	_, letter := asLetter[r]
	if class == digitClass && digit || class == letterClass && letter {
		return 1
	}
	return 1 << 20
}

// as is the character at i as one of the class, a small letter beside a small one.
func as(text []rune, i int, class rune) rune {
	r := text[i]
	small := i > 0 && unicode.IsLower(text[i-1]) || i+1 < len(text) && unicode.IsLower(text[i+1])
	switch {
	case classOf(r) == class:
		return r
	case class == digitClass:
		return asDigit[r]
	case small && r == '1':
		return 'l'
	case small:
		return unicode.ToLower(asLetter[r])
	}
	return asLetter[r]
}
