package access

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"time"
)

// SessionLife is how long a browser stays signed in.
const SessionLife = 12 * time.Hour

// Sessions checks passwords, and issues and checks signed tickets for browsers. A ticket is valid in every process
// with the same secret and after a restart, until the password changes.
type Sessions struct {
	credentials []credential // the operator's first
}

// credential is one password and the key that signs its tickets.
type credential struct {
	role     Role
	password [sha256.Size]byte
	key      []byte
}

// NewSessions takes the passwords, "" for none, and the secret that all processes share; without one sessions end
// with the process. A viewer's password without an operator's is ignored.
func NewSessions(operator, viewer string, secret []byte) *Sessions {
	s := &Sessions{}
	if operator == "" {
		return s
	}
	if len(secret) == 0 {
		secret = []byte(rand.Text())
	}
	s.credentials = append(s.credentials, newCredential(Operator, operator, "browsers of Sheetlift", secret))
	if viewer != "" {
		s.credentials = append(s.credentials, newCredential(Viewer, viewer, "browsers of Sheetlift that only look", secret))
	}
	return s
}

func newCredential(role Role, password, purpose string, secret []byte) credential {
	d := credential{role: role, password: sha256.Sum256([]byte(password))}
	sign := hmac.New(sha256.New, secret)
	sign.Write([]byte(purpose))
	sign.Write(d.password[:])
	d.key = sign.Sum(nil)
	return d
}

// Asked reports whether people have to sign in.
func (s *Sessions) Asked() bool { return len(s.credentials) > 0 }

// Password returns the role of a password, Nobody for a wrong one. It takes the same time for all.
func (s *Sessions) Password(password string) Role {
	sum, role := sha256.Sum256([]byte(password)), Nobody
	for _, d := range s.credentials {
		if subtle.ConstantTimeCompare(sum[:], d.password[:]) == 1 && role < d.role {
			role = d.role
		}
	}
	return role
}

// Begin returns the ticket of a new session: 128 random bits, the end of validity, and a signature of both. The
// role must be one that Password returned.
func (s *Sessions) Begin(role Role, now time.Time) string {
	ticket := make([]byte, 16, 16+8+sha256.Size)
	_, _ = rand.Read(ticket) // never fails since Go 1.24
	ticket = binary.BigEndian.AppendUint64(ticket, uint64(now.Add(SessionLife).Unix()))
	for _, d := range s.credentials {
		if d.role == role {
			ticket = append(ticket, d.signature(ticket)...)
		}
	}
	return base64.RawURLEncoding.EncodeToString(ticket)
}

func (d *credential) signature(ticket []byte) []byte {
	sign := hmac.New(sha256.New, d.key)
	sign.Write(ticket)
	return sign.Sum(nil)
}

// Ticket returns the role and the end of a ticket; Nobody if it is expired or not signed with our keys.
func (s *Sessions) Ticket(ticket string, now time.Time) (Role, time.Time) {
	data, err := base64.RawURLEncoding.Strict().DecodeString(ticket)
	if err != nil || len(data) != 16+8+sha256.Size {
		return Nobody, time.Time{}
	}
	for _, d := range s.credentials {
		if !hmac.Equal(data[24:], d.signature(data[:24])) {
			continue
		}
		until := time.Unix(int64(binary.BigEndian.Uint64(data[16:24])), 0)
		if !now.Before(until) {
			return Nobody, time.Time{}
		}
		return d.role, until
	}
	return Nobody, time.Time{}
}
