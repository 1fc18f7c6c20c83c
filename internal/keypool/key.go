package keypool

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"regexp"
	"strconv"
	"strings"
)

// Key is an API key as people know it: by its label.
type Key struct {
	Label   string // shown instead of the key; unique in a pool
	Project string // keys of one project share its quota; "" is a project of its own
	Secret  Secret
}

// given is the form label@project:KEY. A bare key may hold any of these characters, so the whole form is needed: a
// label, an at sign, a project and a colon.
var given = regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9 _.-]{0,39})@([A-Za-z0-9][A-Za-z0-9_.-]{0,62}):(.+)$`)

// ErrBlank is a key without a value.
var ErrBlank = errors.New("keypool: the key is blank")

// ParseKey reads a key as given: the bare key, or label@project:KEY. Any value that is not blank is a key. n counts
// the keys from 1 and makes the label "key n" where none is given.
func ParseKey(text string, n int) (Key, error) {
	text = strings.TrimSpace(text)
	k := Key{Label: "key " + strconv.Itoa(n)}
	if part := given.FindStringSubmatch(text); part != nil {
		k.Label, k.Project, text = strings.TrimSpace(part[1]), part[2], strings.TrimSpace(part[3])
	}
	if text == "" {
		return Key{}, ErrBlank
	}
	k.Secret = NewSecret(text)
	return k, nil
}

// idOf names a key in the store: a keyed hash, from which nobody without the secret can tell the key.
func idOf(secret []byte, k Key) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(k.Secret.Reveal()))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}
