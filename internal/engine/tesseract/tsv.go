package tesseract

import (
	"bytes"
	"math"
	"strconv"
	"strings"
	"unicode"

	"sheetlift/internal/engine/layout"
)

// maxSide bounds coordinates, so that sums of them never overflow.
const maxSide = 1 << 20

// parseTSV reads the tool's table of words. Lines that make no sense are passed over: a half-written table is still
// the words it has.
func parseTSV(data []byte) []layout.Word {
	var words []layout.Word
	for line := range bytes.Lines(data) {
		if w, ok := parseWord(strings.TrimRight(string(line), "\r\n")); ok {
			words = append(words, w)
		}
	}
	return words
}

// parseWord reads one line: level, page, block, paragraph, line, word, left, top, width, height, confidence, text.
func parseWord(line string) (layout.Word, bool) {
	f := strings.SplitN(line, "\t", 12)
	if len(f) < 12 || f[0] != "5" {
		return layout.Word{}, false
	}
	var n [4]int
	for i := range n {
		v, err := strconv.Atoi(f[6+i])
		if err != nil || v < 0 || v > maxSide {
			return layout.Word{}, false
		}
		n[i] = v
	}
	conf, err := strconv.ParseFloat(f[10], 64)
	if err != nil || math.IsNaN(conf) || conf < 0 {
		return layout.Word{}, false
	}
	text := strings.TrimFunc(strings.ToValidUTF8(f[11], ""), func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r)
	})
	if text == "" || n[2] == 0 || n[3] == 0 {
		return layout.Word{}, false
	}
	return layout.Word{Box: layout.Box{Left: n[0], Top: n[1], Right: n[0] + n[2], Bottom: n[1] + n[3]}, Text: text, Conf: min(conf, 100)}, true
}
