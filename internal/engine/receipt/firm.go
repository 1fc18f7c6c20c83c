package receipt

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The legal form at the end of a name, as the tool reads it from small print: SON BHO for SDN BHD, 3/8 for S/B.
var (
	sdnBhd = regexp.MustCompile(`(?i)((?:&|\band)\s+)?\bS[DO0B]N[.,]?\s+B[HMEN][DOE0]D?\b[.,]?`) // not "& SON BED"
	sb     = regexp.MustCompile(`(\pL\pL.*\s)[S35]/[B38](\W|$)`)
	// inWord is a mark between capitals, which can only be an I. At the end of a word it may be meant.
	inWord = regexp.MustCompile(`(\p{Lu})[|!](\p{Lu})`)
)

// firmWords are words of the names of firms that are long enough to be recognised when the tool reads one or two of their
// letters as others. A word that differs from another by one letter must be in the list itself, or it would be replaced by
// the other.
var firmWords = strings.Fields(`restaurant restoran enterprise enterprises trading stationery hardware pharmacy
	supermarket minimarket hypermarket bakery bakeries marketing perniagaan syarikat electrical services resources
	holdings industries confectionery company limited berhad corporation international kitchen seafood grocery
	furniture bookstore bakers grocers`)

// mended corrects usual mistakes of the tool in the names of firms: in their legal form, and in common words.
func mended(name string) string {
	name = sdnBhd.ReplaceAllStringFunc(name, func(form string) string {
		if first, _ := utf8.DecodeRuneInString(form); unicode.ToUpper(first) != 'S' {
			return form
		}
		return likeCase("sdn", form) + " " + likeCase("bhd", form)
	})
	name = sb.ReplaceAllString(name, "${1}S/B$2")
	name = inWord.ReplaceAllString(name, "${1}I$2")
	words := strings.Fields(name)
	for i, w := range words {
		words[i] = knownWord(w)
	}
	return strings.Join(words, " ")
}

// knownWord returns the word of firmWords that differs from w by one letter at most, or by two in a long word; w itself if
// there is none.
func knownWord(w string) string {
	got := []rune(strings.ToLower(w))
	if len(got) < 6 || slices.Contains(firmWords, string(got)) {
		return w
	}
	allowed := 1
	if len(got) >= 10 {
		allowed = 2
	}
	for _, word := range firmWords {
		if wrongLetters(got, []rune(word)) <= allowed {
			return likeCase(word, w)
		}
	}
	return w
}

// wrongLetters counts the places where two words of one length differ; it is large for those of different length.
func wrongLetters(a, b []rune) int {
	if len(a) != len(b) {
		return len(a) + len(b)
	}
	n := 0
	for i := range a {
		if a[i] != b[i] {
			n++
		}
	}
	return n
}

// likeCase writes word in capitals, or with one, as model is.
func likeCase(word, model string) string {
	upper := 0
	for _, r := range model {
		if unicode.IsUpper(r) {
			upper++
		}
	}
	switch {
	case upper > len(model)/2:
		return strings.ToUpper(word)
	case upper > 0:
		return strings.ToUpper(word[:1]) + word[1:]
	}
	return word
}
