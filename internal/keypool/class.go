package keypool

import "time"

// Class is what an answer of the service was, as far as keys are concerned.
type Class string

// The classes.
const (
	OK         Class = "ok"
	BadAnswer  Class = "bad_answer"  // not JSON, or of the wrong shape
	Empty      Class = "empty"       // no text at all
	MaxTokens  Class = "max_tokens"  // cut off by the limit of output
	Recitation Class = "recitation"  // the model would not repeat the text
	Blocked    Class = "blocked"     // for its content
	ImageFault Class = "image_fault" // the request itself is the fault: the picture, its size
	Region     Class = "region"      // the service is not offered where we are
	Canceled   Class = "canceled"    // by us: says nothing about anybody

	RPM     Class = "rpm"     // requests a minute used up
	TPM     Class = "tpm"     // tokens a minute used up
	RPD     Class = "rpd"     // requests a day used up
	TPD     Class = "tpd"     // tokens a day used up
	Bare429 Class = "bare429" // too many, without a word of which limit: shared capacity, or our address
	Billing Class = "billing" // no money, or a cap on it

	ModelUnavailable Class = "model_unavailable" // not for this key
	KeyDead          Class = "key_dead"          // invalid, leaked, suspended
	KeyFixable       Class = "key_fixable"       // refused for a setting its owner can change

	Shared Class = "shared" // no answer, but found out from some: keys of one project

	ModelOverloaded Class = "model_overloaded" // 5xx, or no capacity
	Transport       Class = "transport"        // network, time out, torn answer
)

// transient reports whether the service as a whole stumbled, whichever key was used.
func (c Class) transient() bool { return c == ModelOverloaded || c == Transport }

// answered reports whether the key did its part: the answer is the picture's or the model's affair.
func (c Class) answered() bool {
	switch c {
	case OK, BadAnswer, Empty, MaxTokens, Recitation, Blocked, ImageFault:
		return true
	}
	return false
}

// limited reports whether a quota was met.
func (c Class) limited() bool {
	switch c {
	case RPM, TPM, RPD, TPD, Bare429, Billing:
		return true
	}
	return false
}

// Outcome is what became of a lease. Everything but Class may be left out.
type Outcome struct {
	Class      Class
	RetryAfter time.Duration // as the service asked; 0 unknown
	Limit      int64         // the quota's value as the service named it; 0 unknown
	Tokens     int           // in and out, for the limit of tokens
	Output     int           // of Tokens, those that the model wrote
	Reason     string        // a sentence for people, without secrets
	Project    string        // the project that the service named, such as "projects/123"
	Took       time.Duration // of the call
	Late       bool          // of Transport: there was no answer in time
}
