// Package gemini reads images with Google Gemini. Keys come from a keypool; the SDK is used for its types and
// addresses, behind a transport of ours. No other package knows the SDK.
package gemini

import (
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
	"sheetlift/internal/keypool"
	"sheetlift/internal/table"
)

// Name is the engine's stable name.
const Name = "gemini"

// The defaults of Options.
const (
	DefaultBaseURL = "https://generativelanguage.googleapis.com"
	DefaultModel   = "gemini-3.8-flash"
	// DefaultTimeout bounds one call. A full page takes up to 60 s; the service is told and gives up by itself.
	DefaultTimeout = 120 * time.Second
	// DefaultInFlight is how many bytes of encoded pictures may be on their way at once. Pictures are prepared to less
	// than 1 MB, so this is about 64 of them; a large one waits for its turn.
	DefaultInFlight = 64 << 20
)

const (
	probeTimeout = 20 * time.Second
	idlePictures = 32 << 20 // encoded pictures kept between tries
	// outputTokens is the most a first answer may have: about 400 rows. A cut one is asked for again with the double.
	outputTokens     = 32_768
	outputTokensMost = 65_536
	stumbleBase      = 100 * time.Millisecond
	stumbleMost      = 8 * time.Second
)

// Options of the engine.
type Options struct {
	Pool     *keypool.Pool
	BaseURL  string // root without a version; "" is Google's
	Model    string // for requests that name none; "" is DefaultModel
	Timeout  time.Duration
	InFlight int64
	Log      *slog.Logger
	// Transport carries the calls; nil is a new one. Keys travel in a header.
	Transport http.RoundTripper
}

// Engine implements engine.Engine. It is safe for concurrent use.
type Engine struct {
	opt      Options
	log      *slog.Logger
	clients  *clients
	pictures *pictures
	inFlight *semaphore.Weighted
}

// New returns the engine. The only error is a base address that cannot be one.
func New(o Options) (*Engine, error) {
	o.BaseURL = strings.TrimRight(cmp.Or(o.BaseURL, DefaultBaseURL), "/")
	o.Model = cmp.Or(o.Model, DefaultModel)
	o.Timeout = cmp.Or(o.Timeout, DefaultTimeout)
	o.InFlight = cmp.Or(o.InFlight, DefaultInFlight)
	if u, err := url.Parse(o.BaseURL); err != nil || u.Host == "" {
		return nil, errors.New("the address of the Gemini service is not an address")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Transport == nil {
		o.Transport = newTransport()
	}
	return &Engine{
		opt: o, log: o.Log, pictures: newPictures(idlePictures), inFlight: semaphore.NewWeighted(o.InFlight),
		clients: &clients{baseURL: o.BaseURL, http: newHTTPClient(o.Transport), all: map[string]*genai.Client{}},
	}, nil
}

// Name implements engine.Engine.
func (e *Engine) Name() string { return Name }

// Read implements engine.Engine: it waits for a key, makes one call with it, and says what came of it.
func (e *Engine) Read(ctx context.Context, req engine.Request) (*engine.Reading, error) {
	model := cmp.Or(req.Model, e.opt.Model)
	encoded, done := e.pictures.take(req.Picture)
	again := false
	defer func() { done(again) }()
	size := min(int64(len(encoded)), e.opt.InFlight)

	lease, err := e.opt.Pool.Acquire(ctx, want(req, model))
	if err != nil {
		return nil, noKey(ctx, err, model)
	}
	outcome := keypool.Outcome{Class: keypool.Canceled} // until there is one
	defer func() { lease.Release(outcome) }()
	if err := e.inFlight.Acquire(ctx, size); err != nil {
		return nil, err
	}
	defer e.inFlight.Release(size)
	if err := req.Begun(ctx, lease.Label()); err != nil {
		return nil, err
	}

	answer := e.call(ctx, lease, model, req, encoded)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	reading, f := e.understand(req.Table, answer)
	outcome = e.outcome(lease, answer, f)
	if f.class == keypool.OK {
		reading.Key, reading.Model, reading.Usage = lease.Label(), cmp.Or(answer.served, model), answer.usage(model)
		return reading, nil
	}
	failure := e.failure(req, lease, answer, f, outcome.Reason, model)
	again = !failure.Why.Final()
	return nil, failure
}

// Asks implements engine.Asker: the service, the model, and the question as it is sent.
func (e *Engine) Asks(t table.Table, model string) string {
	_, contents, config := question(engine.Request{Table: t})
	asks, err := json.Marshal([]any{e.opt.BaseURL, cmp.Or(model, e.opt.Model), contents[0].Parts[0].Text, config})
	if err != nil {
		return ""
	}
	return string(asks)
}

func want(req engine.Request, model string) keypool.Want {
	w := keypool.Want{Model: model, Group: req.Batch, Priority: req.Priority}
	for i, p := range req.Previous {
		last := i == len(req.Previous)-1
		if p.Key != "" && (p.Why == engine.Busy || last && p.Why == engine.Unreachable) {
			w.Avoid = append(w.Avoid, p.Key)
		}
		w.Retry = last && p.Why == engine.Unreachable
	}
	if n := len(req.Previous); n > 0 {
		w.After = after(req.Previous[n-1].Why)
	}
	return w
}

// after is why an image is called for again, as a word for those who watch; what a stored attempt may say besides is one.
func after(why engine.Why) string {
	switch why {
	case "":
		return "" // it was read, and a person wants it read afresh
	case engine.Busy, engine.Unreachable, engine.BadAnswer, engine.Crashed, engine.Recited:
		return string(why)
	}
	return "other"
}

// restMost is how long an image is put aside while all keys rest. It is short, so that a key that is added meanwhile is
// used at once; the batch as a whole is paused, so nobody asks again and again.
const restMost = 5 * time.Second

// noKey says why no key could be had.
func noKey(ctx context.Context, err error, model string) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, keypool.ErrModelUnavailable) {
		return &engine.Failure{
			Why: engine.Unavailable, Class: string(keypool.ModelUnavailable), Err: err,
			Message: fmt.Sprintf("None of the keys may use the model %s. Ask your technician to set GEMINI_MODEL to another one, then retry.", model),
		}
	}
	f := &engine.Failure{
		Why: engine.Resting, Class: classNoKeys, Err: err, Until: time.Now().Add(restMost),
		Message: "There was no Gemini key to read with. Ask your technician to set or switch on a key, then retry.",
	}
	if rest, ok := errors.AsType[*keypool.RestError](err); ok && rest.Class != "" {
		f.Class, f.Message = string(rest.Class), meanings[rest.Class].message
		if !rest.Until.IsZero() && rest.Until.Before(f.Until) {
			f.Until = rest.Until
		}
	}
	return f
}

// classNoKeys is the class where there is no key, or people switched all off.
const classNoKeys = "no_keys"

// Resting tells whether all keys rest for a while: why, as a class of the pool or "no_keys", and until when; zero is
// until a person does something.
func (e *Engine) Resting(model string) (why string, until time.Time, rests bool) {
	rest, rests := e.opt.Pool.Resting(cmp.Or(model, e.opt.Model))
	return cmp.Or(string(rest.Class), classNoKeys), rest.Until, rests
}

// answered is what one call came to.
type answered struct {
	response *genai.GenerateContentResponse
	err      error
	wire     *exchange
	took     time.Duration
	served   string // the model that answered
	timedOut bool
}

// call makes one call. Whatever the SDK does with an answer it does not understand, it does not take us with it.
func (e *Engine) call(ctx context.Context, lease *keypool.Lease, model string, req engine.Request, encoded []byte) (a *answered) {
	a = &answered{wire: &exchange{image: encoded}}
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
	mark, contents, config := question(req)
	a.wire.mark = mark
	a.response, a.err = client.Models.GenerateContent(withExchange(ctx, a.wire), model, contents, config)
	if a.response != nil {
		a.served = a.response.ModelVersion
	}
	return a
}

// understand classifies an answer and, when it is one, turns it into rows.
func (e *Engine) understand(t table.Table, a *answered) (*engine.Reading, finding) {
	switch {
	case errors.Is(a.err, errNoClient):
		return nil, finding{class: keypool.KeyDead, reason: "The SDK refused this key."}
	case errors.Is(a.err, errTooMuch):
		return nil, finding{class: keypool.BadAnswer, reason: errTooMuch.Error()}
	case a.wire.status >= 300:
		return nil, classify(a.wire.status, a.wire.retryAfter, a.wire.body.Bytes())
	case a.err != nil:
		return nil, a.broken()
	}
	if _, isProblem := readProblem(a.wire.body.Bytes()); isProblem {
		return nil, classify(a.wire.status, a.wire.retryAfter, a.wire.body.Bytes())
	}
	f, words := judge(a.response)
	if f.class != keypool.OK {
		return nil, f
	}
	parsed, err := t.Parse([]byte(words))
	if err != nil {
		return nil, finding{class: keypool.BadAnswer, reason: err.Error()}
	}
	return &engine.Reading{Columns: parsed.Columns, Rows: parsed.Rows, Issues: parsed.Issues, Text: textOf(t, parsed)}, f
}

// broken is a call without a usable answer: the network's fault, the clock's, or a 200 that is not JSON.
func (a *answered) broken() finding {
	switch {
	case a.timedOut:
		return finding{class: keypool.Transport, cause: causeTimeout, reason: "no answer in time"}
	case a.wire.status == 0 || tornBody(a.err):
		return finding{class: keypool.Transport, reason: a.err.Error()}
	default:
		return finding{class: keypool.BadAnswer, reason: "the answer was not what the service promises"}
	}
}

func (a *answered) usage(asked string) engine.Usage {
	if a.response == nil || a.response.UsageMetadata == nil {
		return engine.Usage{}
	}
	u := a.response.UsageMetadata
	usage := engine.Usage{
		PromptTokens: int(u.PromptTokenCount + u.ToolUsePromptTokenCount),
		OutputTokens: int(u.CandidatesTokenCount + u.ThoughtsTokenCount),
	}
	return priced(usage, int(u.CachedContentTokenCount), a.served, asked, time.Now())
}

func (e *Engine) outcome(lease *keypool.Lease, a *answered, f finding) keypool.Outcome {
	u := a.usage("")
	o := keypool.Outcome{
		Class: f.class, RetryAfter: f.retry, Limit: f.limit, Project: f.project, Took: a.took,
		Tokens: u.PromptTokens + u.OutputTokens, Output: u.OutputTokens, Late: f.cause == causeTimeout,
	}
	if f.class != keypool.OK {
		o.Reason = redact(f.reason, lease.Secret().Reveal())
	}
	return o
}

// Probe tests a key with one cheap call that uses no quota of images: it asks for the model.
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
	a := &answered{wire: x, err: err, timedOut: ctx.Err() != nil}
	var f finding
	switch {
	case errors.Is(err, errNoClient):
		f = finding{class: keypool.KeyDead, reason: "The SDK refused this key."}
	case x.status >= 300:
		f = classify(x.status, x.retryAfter, x.body.Bytes())
	case err != nil:
		f = a.broken()
	default:
		return keypool.Outcome{Class: keypool.OK}
	}
	return keypool.Outcome{
		Class: f.class, RetryAfter: f.retry, Limit: f.limit, Project: f.project, Reason: redact(f.reason, k.Secret.Reveal()),
	}
}

// stumble is how long an image waits after the service stumbled so many times in a row: at once after the first, on
// another key; then up to 0.1 s, doubled each time, with full jitter. Where a fifth of all calls stumbles by chance, 0.8 s
// after the second cost 2 % of the work; when the service itself is down, the pool's breaker holds everybody back.
func stumble(times int) time.Duration {
	if times <= 1 {
		return 0
	}
	most := stumbleBase
	for range times - 2 {
		if most *= 2; most >= stumbleMost {
			most = stumbleMost
			break
		}
	}
	return rand.N(most)
}
