package api

// Code is a short word for a kind of error. It stays the same while the sentence beside it may change.
type Code string

// Codes returns every code that an answer may have, in the order of docs/api.md. Later versions may have more.
func Codes() []Code {
	return []Code{
		"invalid", "unknown_field", "wrong_type", "unknown_query", "not_json", "malformed", "timeout", "not_found", "method_not_allowed",
		"conflict", "key_reused", "changed", "too_large", "unauthorized", "forbidden", "unknown_host", "too_many", "full", "unavailable", "internal",
	}
}
