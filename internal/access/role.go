package access

// Role is the permission level of a person or program. A higher one includes all lower ones.
type Role uint8

// The roles.
const (
	Nobody   Role = iota // not signed in
	Viewer               // may view, check rows and download
	Operator             // may do everything
)

// String returns the role's name on the wire and in the store.
func (r Role) String() string {
	switch r {
	case Viewer:
		return "viewer"
	case Operator:
		return "operator"
	default:
		return "nobody"
	}
}

// ParseRole is the inverse of String, for the roles that a token may have.
func ParseRole(word string) (Role, bool) {
	for _, r := range []Role{Viewer, Operator} {
		if word == r.String() {
			return r, true
		}
	}
	return Nobody, false
}
