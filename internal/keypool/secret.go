package keypool

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret holds a key's value and prints as "[secret]" whatever it is printed with. Only Reveal gives the value.
type Secret struct{ value *string }

const hidden = "[secret]"

// NewSecret wraps a value.
func NewSecret(value string) Secret { return Secret{&value} }

// Reveal returns the value: for the one header that carries it, and nothing else.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// String hides.
func (s Secret) String() string { return hidden }

// GoString hides.
func (s Secret) GoString() string { return hidden }

// Format hides, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// MarshalJSON hides.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + hidden + `"`), nil }

// LogValue hides.
func (s Secret) LogValue() slog.Value { return slog.StringValue(hidden) }
