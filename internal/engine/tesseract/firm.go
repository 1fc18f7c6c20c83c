package tesseract

import (
	"regexp"
	"strings"
	"unicode"
)

// The legal form at the end of a name, as the tool reads it from small print: SON BHO for SDN BHD, 3/8 for S/B.
var (
	sdnBhd = regexp.MustCompile(`(?i)\bS[DO0B]N[.,]?\s+B[HMEN][A-Z0]{1,2}\b[.,]?`)
	sb     = regexp.MustCompile(`(\pL\pL.*\s)[S35]/[B38](\W|$)`)
	// inWord is a mark inside a word in capitals that can only be an I.
	inWord = regexp.MustCompile(`(\p{Lu})[|!]`)
)

// firmWords are words of the names of firms that are long enough to be known again when the tool takes one or two of
// their letters for others.
var firmWords = strings.Fields(`restaurant restoran enterprise enterprises trading stationery hardware pharmacy
	supermarket minimarket hypermarket bakery bakeries marketing perniagaan syarikat electrical services resources
	holdings industries confectionery company limited berhad corporation international kitchen seafood grocery
	furniture bookstore`)

// mended puts right what the tool gets wrong in the names of firms: their legal form, and common words.
func mended(name string) string {
	name = sdnBhd.ReplaceAllStringFunc(name, func(form string) string { return likeCase("sdn", form[:3]) + " " + likeCase("bhd", form) })
	name = sb.ReplaceAllString(name, "${1}S/B$2")
	name = inWord.ReplaceAllString(name, "${1}I")
	words := strings.Fields(name)
	for i, w := range words {
		words[i] = knownWord(w)
	}
	return strings.Join(words, " ")
}

// knownWord is the word of a firm's name that w is but for a letter, or two in a long one; otherwise w itself.
func knownWord(w string) string {
	got := []rune(strings.ToLower(w))
	if len(got) < 6 {
		return w
	}
	allowed := 1
	if len(got) >= 10 {
		allowed = 2
	}
	for _, word := range firmWords {
		if n := wrongLetters(got, []rune(word)); n == 0 {
			return w
		} else if n <= allowed {
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
