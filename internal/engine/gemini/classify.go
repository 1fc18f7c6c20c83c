package gemini

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"sheetlift/internal/keypool"
)

// finding is what one answer of the service means.
type finding struct {
	class   keypool.Class
	cause   cause
	retry   time.Duration // how long to wait, as the service asks; 0 where it does not
	limit   int64         // the exceeded quota's size, 0 unknown
	project string        // the Google project named in an error
	reason  string        // the service's words, NOT redacted yet
}

// cause is finer than the class where a person needs other words or the next try another shape.
type cause string

const (
	causeTimeout  cause = "timeout"  // the attempt's own deadline
	causeQuestion cause = "question" // the request itself was refused, not its picture
	causeTooLong  cause = "too long" // picture and question are more than the model takes
	causeLogin    cause = "login"    // the service asks for another kind of key
	causeSchema   cause = "schema"   // the columns make too complicated an answer shape
)

// classify says what an answer means that is not a 200, or a 200 that carries an error. The order is fixed: details by
// their type, then reasons, then words of the message, then the status.
func classify(status int, retryAfter time.Duration, body []byte) finding {
	p, isProblem := readProblem(body)
	f := finding{retry: max(retryAfter, p.retry), project: p.project, reason: p.message}
	if !isProblem {
		f.reason = string(body) // whole: cut before redacting, half a key would stay
	}
	if f.reason == "" {
		f.reason = strings.TrimSpace(p.status + " " + http.StatusText(status))
	}
	if status < 300 { // an error sent as a success
		status = p.code
	}
	m := strings.ToLower(p.message)
	switch {
	case slices.Contains(p.reasons, "MODEL_CAPACITY_EXHAUSTED"):
		f.class = keypool.ModelOverloaded
	case !isProblem && status >= 400 && status < 500:
		f.class = classifyForeign(status, string(body))
	case status == http.StatusTooManyRequests:
		classifyQuota(&f, p, m)
	case has(m, "api key not valid", "api key expired", "api_key_invalid", "reported as leaked"),
		slices.Contains(p.reasons, "API_KEY_INVALID"), slices.Contains(p.reasons, "API_KEY_EXPIRED"):
		f.class = keypool.KeyDead
	case status == http.StatusBadRequest:
		classifyRequest(&f, p, m)
	case status == http.StatusUnauthorized:
		f.class, f.cause = keypool.KeyDead, causeLogin
	case status == http.StatusPaymentRequired:
		f.class = keypool.Billing
	case status == http.StatusForbidden:
		f.class = classifyForbidden(p, m)
	case status == http.StatusNotFound:
		f.class = keypool.ModelUnavailable
	case status == http.StatusRequestEntityTooLarge:
		f.class, f.cause = keypool.ImageFault, causeTooLong
	case status >= 500, has(p.status, "UNAVAILABLE", "INTERNAL", "DEADLINE_EXCEEDED"):
		f.class = keypool.ModelOverloaded
	case status >= 400 && status != http.StatusRequestTimeout && status != http.StatusProxyAuthRequired &&
		status != http.StatusConflict && status != 499:
		f.class, f.cause = keypool.ImageFault, causeQuestion
	default: // redirects, timeouts on the way, no status at all
		f.class = keypool.Transport
	}
	return f
}

// classifyForeign is for answers that are not of the service's making: something between us and it, or its front
// door. They say nothing about a key or a picture.
func classifyForeign(status int, body string) keypool.Class {
	switch {
	case status == http.StatusTooManyRequests, has(strings.ToLower(body), "automated queries", "unusual traffic"):
		return keypool.Bare429
	case status == http.StatusUnauthorized:
		return keypool.KeyDead
	case status == http.StatusRequestEntityTooLarge:
		return keypool.ImageFault
	}
	return keypool.Transport
}

// limitWords finds "limit: 0" but not "limit: 10" in the message of a 429.
var limitWords = regexp.MustCompile(`limit: 0(?:[^0-9.]|$)`)

// classifyQuota tells the kinds of 429 apart. The violations are the truth; what the service says about when to come
// back is not, for a day's quota.
func classifyQuota(f *finding, p problem, m string) {
	var day, dayTokens, minute, minuteTokens *violation
	zero := limitWords.MatchString(m)
	for i := range p.violations {
		v := &p.violations[i]
		if v.valued && v.value == 0 {
			zero = true
		}
		tokens := has(v.id, "token")
		switch {
		case has(v.id, "perday", "per_day") && tokens:
			dayTokens = v
		case has(v.id, "perday", "per_day"):
			day = v
		case has(v.id, "perminute", "per_minute") && tokens:
			minuteTokens = v
		case has(v.id, "perminute", "per_minute"):
			minute = v
		}
	}
	pick := func(class keypool.Class, v *violation) { f.class, f.limit = class, v.value }
	switch {
	case zero:
		f.class = keypool.ModelUnavailable
	case has(m, "prepayment", "credits are depleted", "spending cap", "spend limit", "spending limit", "enable billing"):
		f.class = keypool.Billing
	case day != nil:
		pick(keypool.RPD, day)
	case dayTokens != nil:
		pick(keypool.TPD, dayTokens)
	case minute != nil:
		pick(keypool.RPM, minute)
	case minuteTokens != nil:
		pick(keypool.TPM, minuteTokens)
	case has(m, "no capacity", "overloaded"):
		f.class = keypool.ModelOverloaded
	default:
		f.class = keypool.Bare429
	}
}

// classifyRequest tells apart what a 400 complains about.
func classifyRequest(f *finding, p problem, m string) {
	switch {
	case has(m, "enable billing"):
		f.class = keypool.Billing
	case has(m, "location is not supported", "not available in your country", "region is not supported"):
		f.class = keypool.Region
	case has(m, "token count", "maximum number of tokens", "payload size exceeds", "too large"):
		f.class, f.cause = keypool.ImageFault, causeTooLong
	case has(m, "image", "picture", "inline_data", "inlinedata"):
		f.class = keypool.ImageFault
	case has(m, "schema", "too many states"):
		f.class, f.cause = keypool.ImageFault, causeSchema
	case p.status == "FAILED_PRECONDITION" && has(m, "billing"):
		f.class = keypool.Billing
	case p.status == "FAILED_PRECONDITION": // the word for where we are, whatever sentence comes with it
		f.class = keypool.Region
	default:
		f.class, f.cause = keypool.ImageFault, causeQuestion
	}
}

// classifyForbidden tells a key that is gone from one that a person can repair; when in doubt it can be repaired,
// because that is found out again by itself.
func classifyForbidden(p problem, m string) keypool.Class {
	switch {
	case slices.Contains(p.reasons, "CONSUMER_SUSPENDED"), slices.Contains(p.reasons, "CONSUMER_INVALID"),
		has(m, "has been suspended", "leaked", "terms of service", "denied access"):
		return keypool.KeyDead
	case slices.Contains(p.reasons, "BILLING_DISABLED"), has(m, "requires billing", "enable billing"):
		return keypool.Billing
	}
	return keypool.KeyFixable
}

// has reports whether s contains one of the words.
func has(s string, words ...string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(s, w) })
}
