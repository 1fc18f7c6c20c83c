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

// Key is an API key as people know it: by its label.
type Key struct {
	Label   string // shown instead of the key; unique in a pool
	Project string // keys of one project share its quota; "" is a project of its own
	Secret  Secret

	named bool // Label is what a person called it
}

// given is the form label@project:KEY; the project may be left out, as in label@:KEY. A bare key may hold any of these
// characters, so the whole form is needed: a label, an at sign, a project and a colon.
var given = regexp.MustCompile(`^([\pL\pN][\pL\pN _.-]{0,39})@((?:[\pL\pN][\pL\pN_.-]{0,62})?):(.+)$`)

// Errors of keys as given.
var (
	// ErrBlank is a key without a value.
	ErrBlank = errors.New("keypool: the key is blank")
	// ErrCharacter is a key that cannot be sent: it has a character that no header of a request may have.
	ErrCharacter = errors.New("keypool: the key has a character that no key has")
	// ErrForm is a label, a project or a value that cannot be written on one line as label@project:KEY.
	ErrForm = errors.New("keypool: the label, the project or the key has characters that cannot be written down")
)

// ParseKey reads a key as given: the bare key, or label@project:KEY. Any value that is not blank and can be sent is a key. n counts
// the keys from 1 and makes the label "key n" where none is given; 0 leaves it to the pool.
func ParseKey(text string, n int) (Key, error) {
	text = strings.TrimSpace(text)
	var k Key
	if n > 0 {
		k.Label = "key " + strconv.Itoa(n)
	}
	if part := given.FindStringSubmatch(text); part != nil {
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

// Line writes a key as ParseKey reads it again, on one line. It returns ErrForm where that is not possible. It is the
// key itself: for its file, and nothing else.
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

// longLabel is how many characters of a label are kept.
const longLabel = 60

// shortKey is what a key has at least; a shorter value, in tests, may be part of a word.
const shortKey = 8

// cleanLabel is the label of k fit to be shown, logged and told to machines: one line of valid text. One that has the key
// in it is none: it was typed into the wrong field.
func cleanLabel(k Key) string {
	if value := k.Secret.Reveal(); len(value) >= shortKey && strings.Contains(k.Label, value) {
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
	if runes := []rune(label); len(runes) > longLabel {
		label = string(runes[:longLabel])
	}
	return strings.TrimSpace(label)
}

// idOf names a key in the store: a keyed hash, from which nobody without the secret can tell the key.
func idOf(secret []byte, k Key) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(k.Secret.Reveal()))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}
