package export

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// maxSheetName is Excel's limit, in UTF-16 units.
const maxSheetName = 31

// sheetNames hands out sheet names that Excel accepts, each once, ignoring case. excelize itself treats a name that differs
// only in case as the same sheet, which would mix the rows of two images.
type sheetNames struct {
	used map[string]bool
	next map[string]int // by folded name without number: the next number to try
}

func newSheetNames() *sheetNames {
	return &sheetNames{used: map[string]bool{"history": true}, next: map[string]int{}} // Excel reserves History
}

// name returns a free name as close to wish as Excel allows; fallback is used if wish is empty after cleaning.
func (s *sheetNames) name(wish, fallback string) string {
	base := cleanSheetName(wish)
	if base == "" {
		base = cleanSheetName(fallback)
	}
	key := foldName(base)
	if !s.used[key] {
		s.used[key] = true
		return base
	}
	for n := max(s.next[key], 2); ; n++ {
		suffix := " (" + strconv.Itoa(n) + ")"
		name := strings.TrimRight(cutUnits(base, maxSheetName-len(suffix)), " ") + suffix
		if k := foldName(name); !s.used[k] {
			s.used[k] = true
			s.next[key] = n + 1
			return name
		}
	}
}

// cleanSheetName replaces characters that Excel forbids in sheet names and cuts the name to the limit. Apostrophes become
// typographic ones: Excel rejects them at the ends, and excelize does not double them where it quotes a name.
func cleanSheetName(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case strings.ContainsRune(`:\/?*[]`, r):
			return '_'
		case r == '\'':
			return '’'
		case unicode.IsSpace(r):
			return ' '
		case illegal(r):
			return utf8.RuneError
		}
		return r
	}, name)
	name = cutUnits(strings.Join(strings.Fields(name), " "), maxSheetName)
	return strings.TrimSpace(name)
}

// foldName returns the name as Excel compares it, without case.
func foldName(name string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			least = min(least, f)
		}
		return unicode.ToLower(least)
	}, name)
}

// units returns the length of s in UTF-16 units, as Excel counts.
func units(s string) int {
	n := 0
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}

// cutUnits cuts s to at most n UTF-16 units, at a character boundary.
func cutUnits(s string, n int) string {
	for i, r := range s {
		if n -= utf16.RuneLen(r); n < 0 {
			return s[:i]
		}
	}
	return s
}
