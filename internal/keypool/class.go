package keypool

import "time"

// Class says how the service answered a call, as far as it matters to the choice of keys.
type Class string

// The classes.
const (
	OK         Class = "ok"
	BadAnswer  Class = "bad_answer"  // not JSON, or the wrong shape
	Empty      Class = "empty"       // no text
	MaxTokens  Class = "max_tokens"  // cut off by the limit of output tokens
	Recitation Class = "recitation"  // the model refused to repeat protected text
	Blocked    Class = "blocked"     // refused for its content
	ImageFault Class = "image_fault" // the picture or its size is refused
	Request    Class = "request"     // the request itself is refused, with any picture
	TooLarge   Class = "too_large"   // a server on the way to the service refuses requests of this size
	Region     Class = "region"      // the service is not offered in this region
	Canceled   Class = "canceled"    // canceled by this process: says nothing about the key

	RPM     Class = "rpm"     // requests per minute used up
	TPM     Class = "tpm"     // tokens per minute used up
	RPD     Class = "rpd"     // requests per day used up
	TPD     Class = "tpd"     // tokens per day used up
	Bare429 Class = "bare429" // a 429 that names no limit: shared capacity, or the client's address
	Billing Class = "billing" // no credit, or a cap on it
	Spend   Class = "spend"   // the project spent its ten-minute allowance

	ModelUnavailable Class = "model_unavailable" // this key has no access to the model
	KeyDead          Class = "key_dead"          // invalid, leaked or suspended
	KeyFixable       Class = "key_fixable"       // refused because of a setting that the owner of the key can change

	Shared Class = "shared" // not an answer: keys were found to belong to one project

	ModelOverloaded Class = "model_overloaded" // 5xx, or no capacity
	Transport       Class = "transport"        // network error, time-out, truncated answer
	Foreign         Class = "foreign"          // another server answered: a login page, a proxy
)

// transient reports whether the service failed as a whole, so that the key is not to blame.
func (c Class) transient() bool { return c == ModelOverloaded || c == Transport || c == Foreign }

// Answered reports whether the key did its part. The rest of the result is due to the picture, the request or the
// model.
func (c Class) Answered() bool {
	switch c {
	case OK, BadAnswer, Empty, MaxTokens, Recitation, Blocked, ImageFault, Request, TooLarge:
		return true
	}
	return false
}

// limited reports whether a quota was exceeded.
func (c Class) limited() bool {
	switch c {
	case RPM, TPM, RPD, TPD, Bare429, Billing, Spend:
		return true
	}
	return false
}

// Outcome is the result of the call that a lease was for. Every field but Class may be left out.
type Outcome struct {
	Class      Class
	RetryAfter time.Duration // as the service asked; 0: unknown
	Limit      int64         // the limit as the service named it; 0: unknown
	Tokens     int           // input and output, for the token limit
	Output     int           // the part of Tokens that the model wrote
	Reason     string        // a sentence for people, without secrets
	Project    string        // the project as the service named it, such as "projects/123"
	Took       time.Duration // duration of the call
	Late       bool          // Transport only: the call timed out
}
