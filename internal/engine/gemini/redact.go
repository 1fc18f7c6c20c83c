package gemini

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"
)

// keyShapes finds keys of both of the service's shapes, whoever's they are: Google repeats them in error messages.
var keyShapes = regexp.MustCompile(`AIza[0-9A-Za-z_-]{20,}|\bAQ\.[0-9A-Za-z_-]{20,}`)

const (
	redacted  = "[secret]"
	maxReason = 300 // bytes of the service's words that are kept
)

// redact takes every key out of the text, the given one in the spellings that URLs and JSON give it, and shortens it.
func redact(text, key string) string {
	for _, spelled := range spellings(key) {
		text = strings.ReplaceAll(text, spelled, redacted)
	}
	text = keyShapes.ReplaceAllString(text, redacted)
	text = plain(strings.ToValidUTF8(text, "?"))
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
