package imaging

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxName is the maximum length of a file's name in a message, in characters.
const maxName = 80

// displayName makes an uploaded name fit for a sentence: its last part, without characters that move the cursor or
// change the writing direction, and short.
func displayName(sent string) string {
	if i := strings.LastIndexAny(sent, `/\`); i >= 0 {
		sent = sent[i+1:]
	}
	var b strings.Builder
	n := 0
	for _, r := range sent {
		if r == utf8.RuneError || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) {
			continue
		}
		if n++; n > maxName {
			b.WriteString("…")
			break
		}
		b.WriteRune(r)
	}
	name := strings.TrimSpace(b.String())
	if name == "" {
		return "The file"
	}
	return "“" + name + "”"
}

// grouped formats n with commas between its thousands.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// megabytes formats n bytes for people.
func megabytes(n int64) string {
	if n < 1<<20 {
		return grouped(max(1, n>>10)) + " KB"
	}
	return strconv.FormatFloat(float64(n)/(1<<20), 'f', -1, 64) + " MB"
}
