package gemini

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// problem holds the parsed fields of an error body. Details come in any order, without their @type, or not at all;
// a field of an unexpected type counts as missing.
type problem struct {
	code       int
	message    string // with normalised white space
	status     string
	reasons    []string
	violations []violation
	retry      time.Duration // the longest wait requested
	project    string        // "projects/123" if the service names the consumer
}

// violation is an exceeded quota.
type violation struct {
	id     string // quotaId and quotaMetric, lower case
	value  int64
	valued bool // quotaValue was there and a number
}

// readProblem parses the error envelope of a body. It returns false if there is none: HTML, a truncated body, an
// ordinary answer.
func readProblem(body []byte) (problem, bool) {
	var doc any
	if json.Unmarshal(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")), &doc) != nil {
		return problem{}, false
	}
	if list, ok := doc.([]any); ok && len(list) > 0 {
		doc = list[0] // the form of the streaming methods
	}
	outer, _ := doc.(map[string]any)
	switch inner := outer["error"].(type) {
	case map[string]any:
		return problemOf(inner), true
	case string:
		return problem{message: normalizeSpace(inner)}, true
	}
	return problem{}, false
}

// isProblem reports whether a body is an error, with any status.
func isProblem(body []byte) bool {
	_, is := readProblem(body)
	return is
}

func problemOf(inner map[string]any) problem {
	p := problem{message: normalizeSpace(text(inner["message"])), status: text(inner["status"])}
	if code, ok := number(inner["code"]); ok {
		p.code = int(code)
	}
	for _, key := range []string{"details", "errors"} {
		list, _ := inner[key].([]any)
		for _, item := range list {
			if detail, ok := item.(map[string]any); ok {
				p.add(detail)
			}
		}
	}
	for _, asked := range retryWords.FindAllStringSubmatch(p.message, 8) {
		p.wait(asked[1])
	}
	return p
}

// add records one detail by its fields: the kinds of details share no field names.
func (p *problem) add(detail map[string]any) {
	if reason := text(detail["reason"]); reason != "" {
		p.reasons = append(p.reasons, reason)
	}
	if meta, ok := detail["metadata"].(map[string]any); ok && p.project == "" {
		if consumer := text(meta["consumer"]); strings.HasPrefix(consumer, "projects/") {
			p.project = consumer
		}
	}
	switch delay := detail["retryDelay"].(type) {
	case string:
		p.wait(delay)
	case map[string]any: // a duration as an object
		seconds, _ := number(delay["seconds"])
		nanos, _ := number(delay["nanos"])
		p.retry = max(p.retry, bounded(seconds+nanos/1e9))
	}
	list, _ := detail["violations"].([]any)
	for _, item := range list {
		if v, ok := item.(map[string]any); ok {
			one := violation{id: strings.ToLower(text(v["quotaId"]) + " " + text(v["quotaMetric"]))}
			if value, ok := number(v["quotaValue"]); ok && value >= 0 && value < 1e15 {
				one.value, one.valued = int64(value), true
			}
			p.violations = append(p.violations, one)
		}
	}
}

// retryWords matches "Please retry in 36.429760048s." and "964.972314ms".
var retryWords = regexp.MustCompile(`(?i)retry in ((?:[0-9]+(?:\.[0-9]+)?(?:ms|s|m|h))+)`)

func (p *problem) wait(duration string) {
	if d, err := time.ParseDuration(strings.TrimSpace(duration)); err == nil {
		p.retry = max(p.retry, bounded(d.Seconds()))
	}
}

// maxRetryAfter bounds the wait that a service may request: longer than any quota window.
const maxRetryAfter = 48 * time.Hour

func bounded(seconds float64) time.Duration {
	if !(seconds > 0) { // NaN too
		return 0
	}
	return time.Duration(min(seconds, maxRetryAfter.Seconds()) * float64(time.Second))
}

// retryAfterHeader parses a Retry-After header: seconds or a date.
func retryAfterHeader(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	if seconds, err := strconv.ParseFloat(value, 64); err == nil {
		return bounded(seconds)
	}
	if at, err := time.Parse(time.RFC1123, value); err == nil {
		return bounded(at.Sub(now).Seconds())
	}
	return 0
}

func text(v any) string { s, _ := v.(string); return s }

// number converts a JSON number or a number in a string.
func number(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case string:
		n, err := strconv.ParseFloat(v, 64)
		return n, err == nil && n == n
	}
	return 0, false
}

// plain normalises white space to single blanks.
func normalizeSpace(s string) string { return strings.Join(strings.Fields(s), " ") }
