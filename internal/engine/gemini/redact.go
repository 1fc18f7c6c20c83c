package gemini

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"
)

// keyShapes matches keys of both of the service's forms, including foreign ones: Google repeats them in error
// messages.
var keyShapes = regexp.MustCompile(`AIza[0-9A-Za-z_-]{20,}|\bAQ\.[0-9A-Za-z_-]{20,}`)

const (
	redacted  = "[secret]"
	maxReason = 300 // bytes of the service's message that are kept
)

// redact removes every key from the text, the given one also in its URL and JSON spellings, and shortens the text.
func redact(text, key string) string {
	for _, spelled := range spellings(key) {
		text = strings.ReplaceAll(text, spelled, redacted)
	}
	text = keyShapes.ReplaceAllString(text, redacted)
	text = normalizeSpace(strings.ToValidUTF8(text, "?"))
	if len(text) > maxReason {
		cut := maxReason
		for cut > 0 && !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = text[:cut] + " …"
	}
	return text
}

func spellings(key string) []string {
	if key == "" {
		return nil
	}
	all := []string{key}
	quoted, err := json.Marshal(key)
	for _, other := range []string{strings.Trim(string(quoted), `"`), url.QueryEscape(key), url.PathEscape(key)} {
		if err == nil && other != "" && other != key {
			all = append(all, other)
		}
	}
	return all
}
