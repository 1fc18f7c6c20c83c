package keypool

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Key is an API key. People see its label only.
type Key struct {
	Label   string // shown instead of the key; unique in a pool
	Project string // keys of one project share its quota; "": a project of its own
	Secret  Secret

	named bool // a person chose Label
}

// keyForm is the form label@project:KEY; the project may be empty, as in label@:KEY. A bare key may contain any of
// these characters, so only the whole form counts: a label, an at sign, a project and a colon.
var keyForm = regexp.MustCompile(`^([\pL\pN][\pL\pN _.-]{0,39})@((?:[\pL\pN][\pL\pN_.-]{0,62})?):(.+)$`)

// Errors of ParseKey and Line.
var (
	// ErrBlank means that the key has no value.
	ErrBlank = errors.New("keypool: the key is blank")
	// ErrCharacter means that the key cannot be sent: it has a character that is not allowed in a request header.
	ErrCharacter = errors.New("keypool: the key has a character that no key has")
	// ErrForm means that the label, the project or the value cannot be written on one line as label@project:KEY.
	ErrForm = errors.New("keypool: the label, the project or the key has characters that cannot be written down")
)

// ParseKey parses a key: the bare value, or label@project:KEY. Any value that is not blank and can be sent in a
// header is valid. n counts keys from 1 and gives the label "key n" to a key without one; with 0 the pool chooses a
// label.
func ParseKey(text string, n int) (Key, error) {
	text = strings.TrimSpace(text)
	var k Key
	if n > 0 {
		k.Label = "key " + strconv.Itoa(n)
	}
	if part := keyForm.FindStringSubmatch(text); part != nil {
		k.Label, k.Project, text = strings.TrimSpace(part[1]), part[2], strings.TrimSpace(part[3])
		k.named = true
	}
	if text == "" {
		return Key{}, ErrBlank
	}
	if strings.ContainsFunc(text, unicode.IsControl) {
		return Key{}, ErrCharacter
	}
	k.Secret = NewSecret(text)
	return k, nil
}

// Line formats a key on one line so that ParseKey reads the same key back. It returns ErrForm where that is not
// possible. The line contains the key's value: write it to the file of keys and nowhere else.
func (k Key) Line() (string, error) {
	line := k.Label + "@" + k.Project + ":" + k.Secret.Reveal()
	again, err := ParseKey(line, 0)
	if err != nil || again.Label != k.Label || again.Project != k.Project || again.Secret.Reveal() != k.Secret.Reveal() {
		return "", ErrForm
	}
	if strings.ContainsFunc(line, unicode.IsControl) {
		return "", ErrForm
	}
	return line, nil
}

// maxLabel is the maximum length of a label, in characters.
const maxLabel = 60

// minSecret is the minimum length of a real key, in bytes. A shorter value, in tests, may be part of a word.
const minSecret = 8

// cleanLabel makes the label of k fit for pages, logs and metrics: one line of valid text. A label that contains
// the key's value becomes empty: the key was typed into the wrong field.
func cleanLabel(k Key) string {
	if value := k.Secret.Reveal(); len(value) >= minSecret && strings.Contains(k.Label, value) {
		return ""
	}
	label := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r == utf8.RuneError || !unicode.IsPrint(r):
			return -1
		}
		return r
	}, k.Label)
	if runes := []rune(label); len(runes) > maxLabel {
		label = string(runes[:maxLabel])
	}
	return strings.TrimSpace(label)
}

// idOf returns the id of a key in the store: a keyed hash, from which the key cannot be derived without the secret.
func idOf(secret []byte, k Key) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(k.Secret.Reveal()))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}
