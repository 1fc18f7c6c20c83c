package table

import (
	"html"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Clean returns a text as it is stored: composed (NFC), and without invisible characters that do not change a visible one:
// zero widths, byte order marks, direction marks, soft hyphens, selectors of a variant that the character before does not
// have. hidden is the number of characters removed. Joiners within words of scripts that need them, and within emoji, stay.
func Clean(text string) (clean string, hidden int) {
	if ascii(text) {
		return text, 0
	}
	runes := []rune(strings.ToValidUTF8(text, "\uFFFD"))
	kept := make([]rune, 0, len(runes))
	for i, r := range runes {
		if unseen(r) && !needed(runes, i) {
			hidden++
			continue
		}
		kept = append(kept, r)
	}
	return norm.NFC.String(string(kept)), hidden
}

// Composed returns t with all texts that people typed passed through Clean: the names, words and values that are stored and
// compared. A pattern is composed (NFC) only.
func (t Table) Composed() Table {
	clean := func(text string) string {
		text, _ = Clean(text)
		return text
	}
	t.Columns = slices.Clone(t.Columns)
	for i := range t.Columns {
		c := &t.Columns[i]
		c.Name, c.Description, c.Example, c.Pattern = clean(c.Name), clean(c.Description), clean(c.Example), norm.NFC.String(c.Pattern)
		c.Choices = slices.Clone(c.Choices)
		for j := range c.Choices {
			c.Choices[j] = clean(c.Choices[j])
		}
	}
	return t
}

func ascii(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
}

const (
	combiningJoiner = '\u034F'
	nonJoiner       = '\u200C'
	joiner          = '\u200D'
	emojiSelector   = '\uFE0F'
	keycap          = '\u20E3'
	blackFlag       = '\U0001F3F4'
	firstTag        = '\U000E0020'
	lastTag         = '\U000E007F'
)

// unseen reports whether a character has no shape of its own.
func unseen(r rune) bool {
	switch {
	case unicode.Is(unicode.Prepended_Concatenation_Mark, r):
		return false
	case unicode.In(r, unicode.Cf, unicode.Variation_Selector), r == combiningJoiner:
		return true
	}
	return false
}

// needed reports whether the invisible character at i changes how its neighbours look.
func needed(text []rune, i int) bool {
	var before, after rune
	if i > 0 {
		before = text[i-1]
	}
	if i+1 < len(text) {
		after = text[i+1]
	}
	switch r := text[i]; {
	case r == joiner || r == nonJoiner:
		joined := unicode.IsLetter(before) || unicode.IsMark(before)
		return joined && !unicode.In(before, unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul) &&
			(unicode.IsLetter(after) || r == joiner && after == 0) ||
			r == joiner && picture(before) && picture(after)
	case r >= firstTag && r <= lastTag:
		for i > 0 && text[i] >= firstTag && text[i] <= lastTag {
			i--
		}
		return text[i] == blackFlag
	case unicode.Is(unicode.Variation_Selector, r):
		return picture(before) || after == keycap || unicode.In(before, unicode.Han, unicode.Mongolian, unicode.Phags_Pa)
	}
	return false
}

// picture reports whether a character can be displayed as a picture or as a plain sign, chosen by a selector.
func picture(r rune) bool {
	return r > unicode.MaxLatin1 && unicode.In(r, unicode.So, unicode.Sm, unicode.Sk, unicode.Po) || r == emojiSelector || r == '©' || r == '®'
}

// plainSigns returns a text without selectors, so that a black-and-white tick equals a tick as a picture.
func plainSigns(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Variation_Selector, r) {
			return -1
		}
		return r
	}, text)
}

var (
	escapedRune = regexp.MustCompile(`(?:\\u[0-9a-fA-F]{4})+`)
	entity      = regexp.MustCompile(`&(?:[a-zA-Z][a-zA-Z0-9]{1,30}|#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6});`)
	escapedLine = regexp.MustCompile(`\\r\\n|\\[nrt"]`)
	isPath      = regexp.MustCompile(`(?:^|[^A-Za-z])[A-Za-z]:\\|(?:^|\s)\\\\[A-Za-z]`)
)

// unescape replaces escapes that were left in a text by their characters: \u00e9 and &amp; always, \n, \t and \" only in a
// text that is no file path. changed reports whether there were any.
func unescape(text string) (plain string, changed bool) {
	if !strings.ContainsAny(text, `\&`) {
		return text, false
	}
	plain = escapedRune.ReplaceAllStringFunc(text, func(s string) string {
		var units []uint16
		for part := range strings.SplitSeq(s[2:], `\u`) {
			n, _ := strconv.ParseUint(part, 16, 16) // the expression lets hexadecimal digits through only
			units = append(units, uint16(n))
		}
		return string(utf16.Decode(units))
	})
	plain = entity.ReplaceAllStringFunc(plain, html.UnescapeString)
	if !isPath.MatchString(text) {
		plain = escapedLine.ReplaceAllStringFunc(plain, func(s string) string {
			switch s {
			case `\"`:
				return `"`
			case `\t`:
				return "\t"
			}
			return "\n"
		})
	}
	return plain, plain != text
}
