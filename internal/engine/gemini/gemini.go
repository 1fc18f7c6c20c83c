// Package gemini reads images with Google Gemini. Keys come from a keypool; the SDK is used for its types and
// addresses, over a transport of this package. No other package imports the SDK.
package gemini

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/sync/semaphore"
	"google.golang.org/genai"

	"sheetlift/internal/engine"
	"sheetlift/internal/fault"
	"sheetlift/internal/keypool"
	"sheetlift/internal/table"
)

// Name is the engine's stable name.
const Name = "gemini"

// The defaults of Options.
const (
	DefaultBaseURL = "https://generativelanguage.googleapis.com"
	DefaultModel   = "gemini-3.8-flash"
	// DefaultTimeout bounds one call. A full page takes up to 60 s; the service is told the deadline and stops by
	// itself.
	DefaultTimeout = 120 * time.Second
	// DefaultInFlight bounds the bytes of encoded pictures being sent. Pictures are prepared to less than 1 MB, so
	// this is about 64 of them; a large one waits for room.
	DefaultInFlight = 64 << 20
)

const (
	probeTimeout = 20 * time.Second
	idlePictures = 32 << 20 // encoded pictures kept between attempts
	// outputTokens is the limit of a first answer: about 400 rows. After a truncated one the limit is doubled.
	outputTokens       = 32_768
	outputTokensMax    = 65_536
	transientDelayBase = 100 * time.Millisecond
	transientDelayMax  = 8 * time.Second
)

// Options of the engine.
type Options struct {
	Pool     *keypool.Pool
	BaseURL  string     // root without a version; "": Google's
	Model    string     // for requests that name none; "": DefaultModel
	Models   *Catalogue // the known models; nil: BuiltIn
	NoStore  bool       // ask the service not to store requests; a service at another address may not know the field
	Timeout  time.Duration
	InFlight int64
	Log      *slog.Logger
	// Transport carries the calls; nil: a new one. Keys are sent in a header.
	Transport http.RoundTripper
}

// Engine implements engine.Engine. It is safe for concurrent use.
type Engine struct {
	opt      Options
	log      *slog.Logger
	clients  *clients
	pictures *pictures
	inFlight *semaphore.Weighted
	refused  *refusals
	served   *served
}

// New returns the engine. The only error is an invalid base address.
func New(o Options) (*Engine, error) {
	o.BaseURL = strings.TrimRight(cmp.Or(o.BaseURL, DefaultBaseURL), "/")
	o.Model = cmp.Or(o.Model, DefaultModel)
	o.Timeout = cmp.Or(o.Timeout, DefaultTimeout)
	o.InFlight = cmp.Or(o.InFlight, DefaultInFlight)
	if u, err := url.Parse(o.BaseURL); err != nil || u.Host == "" {
		return nil, errors.New("the address of the Gemini service is not an address")
	}
	if o.Models == nil {
		o.Models = BuiltIn()
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Transport == nil {
		o.Transport = newTransport()
	}
	return &Engine{
		opt: o, log: o.Log, pictures: newPictures(idlePictures), inFlight: semaphore.NewWeighted(o.InFlight),
		refused: newRefusals(), served: newServed(),
		clients: &clients{baseURL: o.BaseURL, http: newHTTPClient(o.Transport), all: map[string]*genai.Client{}},
	}, nil
}

// Name implements engine.Engine.
func (e *Engine) Name() string { return Name }

// Read implements engine.Engine: it waits for a key, makes one call with it, and returns the rows or a Failure.
func (e *Engine) Read(ctx context.Context, req engine.Request) (*engine.Reading, error) {
	model, asks := cmp.Or(req.Model, e.opt.Model), digestOf(e.Asks(req.Question()))
	if one, may := e.refused.enter(asks, time.Now()); !may {
		return nil, one.failure(time.Now())
	}
	verdict := finding{class: keypool.Canceled} // until there is an answer
	defer func() { e.refused.leave(asks, verdict, verdict.reason, time.Now()) }()
	encoded, done := e.pictures.acquire(req.Picture)
	again := false
	defer func() { done(again) }()
	size := min(int64(len(encoded)), e.opt.InFlight)

	lease, err := e.opt.Pool.Acquire(ctx, want(req, model))
	if err != nil {
		return nil, noKey(ctx, err, model)
	}
	outcome := keypool.Outcome{Class: keypool.Canceled} // until there is one
	defer func() { lease.Release(outcome) }()           // of the call whose answer counts
	if err := e.inFlight.Acquire(ctx, size); err != nil {
		return nil, err
	}
	defer e.inFlight.Release(size)
	if err := req.Begun(ctx, lease.Label()); err != nil {
		return nil, err
	}

	one, spent := e.calls(ctx, lease, model, req, encoded)
	lease = one.lease
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	answer, reading, f := one.answer, one.reading, one.found
	if f.class == keypool.Request && f.cause == causeQuestion && e.refused.answered(asks) {
		f.class = keypool.ImageFault // the same request was accepted with another picture
	}
	verdict = f
	outcome = e.outcome(lease, answer, f)
	if f.class == keypool.OK {
		reading.Key, reading.Model, reading.Usage = lease.Label(), cmp.Or(answer.served, model), spent.Plus(e.usage(answer, model))
		return reading, nil
	}
	failure := e.failure(req, lease, answer, f, outcome.Reason, model)
	failure.Usage = spent.Plus(failure.Usage)
	again = !failure.Why.Final()
	return nil, failure
}

// Asks implements engine.Asker: the service, the model, and the question as it is sent.
func (e *Engine) Asks(q engine.Question) string {
	_, contents, config := e.buildRequest(engine.Request{Table: q.Table, Model: q.Model, Thinking: q.Thinking})
	asks, err := json.Marshal([]any{e.opt.BaseURL, cmp.Or(q.Model, e.opt.Model), contents[0].Parts[0].Text, config})
	if err != nil {
		return ""
	}
	return string(asks)
}

func want(req engine.Request, model string) keypool.Want {
	w := keypool.Want{Model: model, Group: req.Batch, Priority: req.Priority, AtOnce: req.AtOnce, Behind: req.Behind}
	for i, p := range req.Previous {
		last := i == len(req.Previous)-1
		if p.Key != "" && (p.Why == engine.Busy || last && p.Why == engine.Unreachable) {
			w.Avoid = append(w.Avoid, p.Key)
		}
		w.Retry = last && p.Why == engine.Unreachable
	}
	if n := len(req.Previous); n > 0 {
		w.RetryReason = retryReason(req.Previous[n-1].Why)
	}
	return w
}

// retryReason returns the reason of a repeated call, as a word for metrics; any other value of a stored attempt
// becomes "other".
func retryReason(why engine.Why) string {
	switch why {
	case "":
		return "" // it was read, and a person wants it read again
	case engine.Busy, engine.Unreachable, engine.BadAnswer, engine.Crashed, engine.Recited, engine.Halted:
		return string(why)
	}
	return "other"
}

// maxPause bounds the wait of an image while all keys cool down. It is short, so that a key added meanwhile is used
// at once; the batch as a whole is paused, so no image asks repeatedly.
const maxPause = 5 * time.Second

// noKey converts an error of Acquire to a Failure.
func noKey(ctx context.Context, err error, model string) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, keypool.ErrModelUnavailable) {
		return &engine.Failure{
			Why: engine.NoModel, Class: string(keypool.ModelUnavailable), Err: err, Until: time.Now().Add(maxPause),
			Message: fmt.Sprintf("None of the keys may use the model %s. Choose another model for this batch.", model),
		}
	}
	f := &engine.Failure{
		Why: engine.Resting, Class: classNoKeys, Err: err, Until: time.Now().Add(maxPause),
		Message: "There was no Gemini key to read with. Ask your technician to set or switch on a key, then retry.",
	}
	if cooldown, ok := errors.AsType[*keypool.CooldownError](err); ok && cooldown.Class != "" {
		f.Class, f.Message = string(cooldown.Class), meanings[cooldown.Class].message
		if !cooldown.Until.IsZero() && cooldown.Until.Before(f.Until) {
			f.Until = cooldown.Until
		}
	}
	return f
}

// classNoKeys is the class if there is no key, or people disabled all.
const classNoKeys = "no_keys"

// CoolingDown implements engine.Engine: it reports whether the question is paused or all keys cool down, with the
// reason as a class of the pool or "no_keys", and the end; zero means until a person acts.
func (e *Engine) CoolingDown(q engine.Question) (why string, until time.Time, cooling bool) {
	if class, until, cooling := e.refused.paused(digestOf(e.Asks(q)), time.Now()); cooling {
		return string(class), until, true
	}
	cooldown, cooling := e.opt.Pool.Cooldown(cmp.Or(q.Model, e.opt.Model))
	return cmp.Or(string(cooldown.Class), classNoKeys), cooldown.Until, cooling
}

// callResult is the result of one call.
type callResult struct {
	response *genai.GenerateContentResponse
	err      error
	wire     *exchange
	took     time.Duration
	served   string // the model that answered
	timedOut bool
}

// call makes one call. A panic of the SDK at an unexpected answer becomes an error.
func (e *Engine) call(ctx context.Context, lease *keypool.Lease, model string, req engine.Request, encoded []byte) (a *callResult) {
	a = &callResult{wire: &exchange{image: encoded}}
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, e.opt.Timeout)
	defer cancel()
	defer func() {
		a.took = time.Since(began)
		a.timedOut = ctx.Err() != nil
		if p := recover(); p != nil {
			a.response, a.err = nil, fmt.Errorf("the SDK could not bear the answer: %v", p)
		}
	}()
	client, err := e.clients.of(ctx, lease.ID(), lease.Secret())
	if err != nil {
		a.err = err
		return a
	}
	mark, contents, config := e.buildRequest(req)
	a.wire.mark = mark
	a.response, a.err = client.Models.GenerateContent(withExchange(ctx, a.wire), model, contents, config)
	if a.response != nil {
		a.served = baseName(a.response.ModelVersion)
		e.served.note(model, a.response, time.Now())
	}
	return a
}

// interpret classifies an answer and parses its rows.
func (e *Engine) interpret(t table.Table, a *callResult) (*engine.Reading, finding) {
	switch {
	case errors.Is(a.err, errNoClient):
		return nil, finding{class: keypool.KeyDead, reason: "The SDK refused this key."}
	case errors.Is(a.err, errTooMuch):
		return nil, finding{class: keypool.BadAnswer, reason: errTooMuch.Error()}
	case a.wire.status >= 300, a.wire.status > 0 && isProblem(a.wire.body.Bytes()):
		return nil, classify(a.wire.status, a.wire.retryAfter, a.wire.body.Bytes())
	case a.err != nil, a.empty():
		return nil, a.brokenAnswer()
	}
	f, words := classifyResponse(a.response)
	if f.class != keypool.OK {
		return nil, f
	}
	fault.Opened([]byte(words))
	parsed, err := t.Parse([]byte(words))
	if err != nil {
		return nil, finding{class: keypool.BadAnswer, reason: err.Error()}
	}
	return &engine.Reading{Columns: parsed.Columns, Rows: parsed.Rows, Issues: parsed.Issues, Text: textOf(t, parsed)}, f
}

// brokenAnswer classifies a call without a usable answer: due to the network, the deadline, or a 200 of another
// server.
func (a *callResult) brokenAnswer() finding {
	body := bytes.TrimSpace(bytes.TrimPrefix(a.wire.body.Bytes(), []byte("\xef\xbb\xbf")))
	switch {
	case a.timedOut:
		return finding{class: keypool.Transport, cause: causeTimeout, reason: "no answer in time"}
	case a.wire.status == 0 && strings.Contains(a.err.Error(), "x509:"): // an intermediary shows a certificate of its own
		return finding{class: keypool.Foreign, reason: a.err.Error()}
	case a.wire.status == 0 || a.err != nil && tornBody(a.err):
		return finding{class: keypool.Transport, reason: a.err.Error()}
	case len(body) == 0:
		return finding{class: keypool.Transport, reason: "the answer had no body"}
	case body[0] != '{' || a.err == nil:
		return finding{class: keypool.Foreign, reason: "the answer is not the service's: " + string(body)}
	default:
		return finding{class: keypool.BadAnswer, reason: "the answer was not what the service promises"}
	}
}

// empty reports whether a 200 has none of the fields of an answer of the service.
func (a *callResult) empty() bool {
	r := a.response
	return r == nil || r.Candidates == nil && r.PromptFeedback == nil && r.UsageMetadata == nil && r.ModelVersion == "" && r.ResponseID == ""
}

func (e *Engine) usage(a *callResult, asked string) engine.Usage {
	if a.response == nil || a.response.UsageMetadata == nil {
		return engine.Usage{}
	}
	u := a.response.UsageMetadata
	usage := engine.Usage{
		PromptTokens: int(u.PromptTokenCount + u.ToolUsePromptTokenCount),
		OutputTokens: int(u.CandidatesTokenCount + u.ThoughtsTokenCount),
	}
	return e.opt.Models.priced(usage, int(u.CachedContentTokenCount), a.served, asked, a.wire.tier, time.Now())
}

func (e *Engine) outcome(lease *keypool.Lease, a *callResult, f finding) keypool.Outcome {
	u := e.usage(a, "")
	o := keypool.Outcome{
		Class: f.class, RetryAfter: f.retry, Limit: f.limit, Project: f.project, Took: a.took,
		Tokens: u.PromptTokens + u.OutputTokens, Output: u.OutputTokens, Late: f.cause == causeTimeout,
	}
	if f.class != keypool.OK {
		o.Reason = redact(f.reason, lease.Secret().Reveal())
	}
	return o
}

// Probe tests a key with one cheap call that uses no quota of images: it requests the model's description.
func (e *Engine) Probe(ctx context.Context, k keypool.Key) (o keypool.Outcome) {
	x := &exchange{}
	began := time.Now()
	ctx, cancel := context.WithTimeout(withExchange(ctx, x), probeTimeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			o = keypool.Outcome{Class: keypool.BadAnswer, Reason: "The service gave an answer that cannot be understood."}
		}
		o.Took = time.Since(began)
	}()
	client, err := e.clients.of(ctx, "", k.Secret)
	if err == nil {
		_, err = client.Models.Get(ctx, e.opt.Model, nil)
	}
	a := &callResult{wire: x, err: err, timedOut: ctx.Err() != nil}
	var f finding
	switch {
	case errors.Is(err, errNoClient):
		f = finding{class: keypool.KeyDead, reason: "The SDK refused this key."}
	case x.status >= 300, x.status > 0 && isProblem(x.body.Bytes()):
		f = classify(x.status, x.retryAfter, x.body.Bytes())
	case err != nil:
		f = a.brokenAnswer()
	default:
		return keypool.Outcome{Class: keypool.OK}
	}
	return keypool.Outcome{
		Class: f.class, RetryAfter: f.retry, Limit: f.limit, Project: f.project, Reason: redact(f.reason, k.Secret.Reveal()),
	}
}

// transientDelay returns the wait after a number of transient failures in a row: none after the first, since
// another key is used; then up to 0.1 s, doubled each time, with full jitter. With a random fifth of all calls
// failing, 0.8 s after the second failure cost 2 % of the work; when the service itself is down, the pool's breaker
// holds all callers.
func transientDelay(times int) time.Duration {
	if times <= 1 {
		return 0
	}
	most := transientDelayBase
	for range times - 2 {
		if most *= 2; most >= transientDelayMax {
			most = transientDelayMax
			break
		}
	}
	return rand.N(most)
}
