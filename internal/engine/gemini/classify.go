package gemini

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"sheetlift/internal/keypool"
)

// finding is the classification of one answer of the service.
type finding struct {
	class   keypool.Class
	cause   cause
	retry   time.Duration // wait requested by the service; 0 if none
	limit   int64         // the exceeded quota's limit, 0: unknown
	project string        // the Google project named in an error
	reason  string        // the service's message, NOT redacted yet
}

// cause refines the class if a person needs another message, or the next attempt another form.
type cause string

const (
	causeTimeout  cause = "timeout"  // the attempt's own deadline
	causeQuestion cause = "question" // refused without saying whether the picture or the request is at fault
	causeTooLong  cause = "too long" // picture and question exceed the model's limit
	causeLogin    cause = "login"    // the service requires another kind of key
	causeSchema   cause = "schema"   // the columns make too complicated an answer schema
)

// classify classifies an answer with an error: a status other than 200, or a 200 whose body is an error. The order
// is fixed: details by type, then reasons, then words of the message, then the status.
func classify(status int, retryAfter time.Duration, body []byte) finding {
	p, isProblem := readProblem(body)
	f := finding{retry: max(retryAfter, p.retry), project: p.project, reason: p.message}
	if !isProblem {
		f.reason = string(body) // whole: truncated before redaction, half a key would remain
	}
	if f.reason == "" {
		f.reason = strings.TrimSpace(p.status + " " + http.StatusText(status))
	}
	if status < 300 { // an error sent with a success status
		status = p.code
	}
	m := strings.ToLower(p.message)
	switch {
	case slices.Contains(p.reasons, "MODEL_CAPACITY_EXHAUSTED"):
		f.class = keypool.ModelOverloaded
	case !isProblem && (status < 500 || status == http.StatusNetworkAuthenticationRequired):
		f.class = classifyForeign(status, string(body))
	case status == http.StatusTooManyRequests:
		classifyQuota(&f, p, m)
	case keyWords.MatchString(m), containsAny(m, "api_key_invalid", "reported as leaked", "pass a valid api key"),
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
	case status == http.StatusNotFound, status == http.StatusGone:
		f.class = keypool.ModelUnavailable
	case status == http.StatusRequestEntityTooLarge:
		f.class, f.cause = keypool.ImageFault, causeTooLong
	case status >= 500, containsAny(p.status, "UNAVAILABLE", "INTERNAL", "DEADLINE_EXCEEDED"):
		f.class = keypool.ModelOverloaded
	case status >= 400 && status != http.StatusRequestTimeout && status != http.StatusProxyAuthRequired &&
		status != http.StatusConflict && status != 499:
		f.class, f.cause = keypool.Request, causeQuestion
	default: // time-outs of intermediaries, no status at all
		f.class = keypool.Transport
	}
	return f
}

// classifyForeign classifies answers that the service did not make: an intermediary or the service's front end did.
// They say nothing about a key or a picture. A redirect is one: the service sends none.
func classifyForeign(status int, body string) keypool.Class {
	switch {
	case status == http.StatusTooManyRequests, containsAny(strings.ToLower(body), "automated queries", "unusual traffic"):
		return keypool.Bare429
	case status == http.StatusRequestTimeout, status == 499, status == 0:
		return keypool.Transport
	case status == http.StatusRequestEntityTooLarge:
		return keypool.TooLarge
	}
	return keypool.Foreign
}

// keyWords match messages about an unusable key, for errors without details.
var keyWords = regexp.MustCompile(`api key (?:was |is |has )?(?:been )?(?:not valid|invalid|not found|expired|revoked|deleted|deactivated|unknown)|invalid api key`)

// limitWords match "limit: 0" but not "limit: 10" in the message of a 429.
var limitWords = regexp.MustCompile(`limit: 0(?:[^0-9.]|$)`)

// classifyQuota distinguishes the kinds of 429. The violations are reliable; the requested wait is not, for a daily
// quota.
func classifyQuota(f *finding, p problem, m string) {
	var day, dayTokens, minute, minuteTokens *violation
	zero := limitWords.MatchString(m)
	for i := range p.violations {
		v := &p.violations[i]
		if v.valued && v.value == 0 {
			zero = true
		}
		tokens := containsAny(v.id, "token")
		switch {
		case containsAny(v.id, "perday", "per_day") && tokens:
			dayTokens = v
		case containsAny(v.id, "perday", "per_day"):
			day = v
		case containsAny(v.id, "perminute", "per_minute") && tokens:
			minuteTokens = v
		case containsAny(v.id, "perminute", "per_minute"):
			minute = v
		}
	}
	pick := func(class keypool.Class, v *violation) { f.class, f.limit = class, v.value }
	switch {
	case zero:
		f.class = keypool.ModelUnavailable
	case spendWindow(m, p.violations):
		f.class = keypool.Spend
	case containsAny(m, "prepayment", "credits are depleted", "spending cap", "spend limit", "spending limit", "enable billing"):
		f.class = keypool.Billing
	case day != nil:
		pick(keypool.RPD, day)
	case dayTokens != nil:
		pick(keypool.TPD, dayTokens)
	case minute != nil:
		pick(keypool.RPM, minute)
	case minuteTokens != nil:
		pick(keypool.TPM, minuteTokens)
	case containsAny(m, "no capacity", "overloaded"):
		f.class = keypool.ModelOverloaded
	default:
		f.class = keypool.Bare429
	}
}

// spendWords and windowWords together mean the spend window: an amount of money in any ten minutes. Google's
// wording is not published, so any sentence or quota name about spending and a short window counts. A monthly cap
// on spending names no window and is Billing.
var (
	spendWords  = regexp.MustCompile(`spend|spent|\bcosts?\b|us dollar|\busd\b`)
	windowWords = regexp.MustCompile(`\b10[ -]?min|per_?10_?min|ten[ -]minute|rolling|spend(?:ing)?[ _-]?(?:based[ _-]?)?rate|rate[ -]?limit(?:ed)? (?:by|on|of|for) spend|per_?minute|per minute`)
)

// spendWindow reports whether a 429 is the spend window of the project.
func spendWindow(m string, violations []violation) bool {
	if spendWords.MatchString(m) && windowWords.MatchString(m) {
		return true
	}
	return slices.ContainsFunc(violations, func(v violation) bool {
		return containsAny(v.id, "spend", "cost") && !containsAny(v.id, "permonth", "per_month", "perday", "per_day")
	})
}

// requestFields match the parts of a request that a 400 may complain about, independent of the picture.
var requestFields = regexp.MustCompile(`(?:media|thinking|response|generation|safety|service|system|tool|cached)[_ ]?(?:resolution|level|budget|config|schema|mime_?type|json|tier|settings|instruction)|max_?output_?tokens|automatic|\bstore\b|unknown name|cannot find field|invalid json payload|temperature|top_?[pk]\b`)

// goneWords match messages of a 400 or 403 about an unavailable model.
var goneWords = regexp.MustCompile(`\bmodels?\b.*(?:not found|does not exist|not exist|no longer|retired|shut down|discontinued|not available|unavailable|not allowed|not permitted|not have (?:access|permission)|not supported for|has been renamed|(?:not|n.t) support (?:images?|vision|generatecontent))|unknown model|invalid model|permission.*\bmodels?\b`)

// classifyRequest distinguishes the subjects of a 400: the account, the region, the model, the request, and only
// then the picture.
func classifyRequest(f *finding, p problem, m string) {
	switch {
	case containsAny(m, "enable billing"):
		f.class = keypool.Billing
	case containsAny(m, "location is not supported", "not available in your country", "region is not supported"):
		f.class = keypool.Region
	case containsAny(m, "token count", "maximum number of tokens", "payload size exceeds", "too large"):
		f.class, f.cause = keypool.ImageFault, causeTooLong
	case containsAny(m, "schema", "too many states"):
		f.class, f.cause = keypool.Request, causeSchema
	case requestFields.MatchString(m):
		f.class = keypool.Request
	case goneWords.MatchString(m):
		f.class = keypool.ModelUnavailable
	case containsAny(m, "image", "picture", "inline_data", "inlinedata"):
		f.class = keypool.ImageFault
	case p.status == "FAILED_PRECONDITION" && containsAny(m, "billing"):
		f.class = keypool.Billing
	case p.status == "FAILED_PRECONDITION": // the status for an unsupported region, with any message
		f.class = keypool.Region
	default:
		f.class, f.cause = keypool.Request, causeQuestion
	}
}

// classifyForbidden distinguishes a dead key from one that a person can fix. In doubt it is fixable, because such a
// key is tested again automatically.
func classifyForbidden(p problem, m string) keypool.Class {
	switch {
	case slices.Contains(p.reasons, "CONSUMER_SUSPENDED"), slices.Contains(p.reasons, "CONSUMER_INVALID"),
		containsAny(m, "has been suspended", "leaked", "terms of service", "denied access"):
		return keypool.KeyDead
	case slices.Contains(p.reasons, "BILLING_DISABLED"), containsAny(m, "requires billing", "enable billing"):
		return keypool.Billing
	case len(p.reasons) == 0 && goneWords.MatchString(m):
		return keypool.ModelUnavailable
	}
	return keypool.KeyFixable
}

// containsAny reports whether s contains one of the words.
func containsAny(s string, words ...string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(s, w) })
}
