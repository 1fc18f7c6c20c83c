// Package client calls a Sheetlift server from Go: pictures in, rows and workbook out. It uses the standard library alone.
//
// Every call may be repeated without a second effect, so a call that a lost connection, a full server or a restart cut off is
// repeated by the client itself, for half a minute by default.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Client calls one server. Use New to create one. It is safe for concurrent use.
type Client struct {
	base     string // with /api/v1, without a slash at the end
	token    string
	language string
	patience time.Duration
	http     *http.Client
}

// Options are the settings of a Client. The zero value is ready.
type Options struct {
	Token    string        // sent as Authorization: Bearer; "" for a server without a password
	Language string        // of sentences and of the workbook's own words, as in Accept-Language; "" is English
	Patience time.Duration // how long a call is repeated that got no answer, or one that says to come later; 0 is 30 s, below 0 never
	HTTP     *http.Client  // sends the requests; nil is one of the client's own. Its Timeout must be 0: an event stream has no end
}

// New returns a client for the server at address, such as http://127.0.0.1:8080.
func New(address string, o Options) (*Client, error) {
	u, err := url.Parse(strings.TrimRight(strings.TrimSpace(address), "/"))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("%q is not the address of a server; write one such as http://127.0.0.1:8080", address)
	}
	if u.User != nil {
		return nil, errors.New("the address of the server holds a user or password; give the token by itself")
	}
	if o.HTTP == nil {
		o.HTTP = &http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone()}
	}
	if o.Patience == 0 {
		o.Patience = 30 * time.Second
	}
	return &Client{base: u.String() + "/api/v1", token: o.Token, language: o.Language, patience: o.Patience, http: o.HTTP}, nil
}

// Error is an answer of the server that says why a call was not carried out.
type Error struct {
	Status    int    `json:"status"`   // of HTTP
	Title     string `json:"title"`    // a few words
	Detail    string `json:"detail"`   // a sentence for people
	RequestID string `json:"instance"` // stands in the server's log
	Code      string `json:"code"`     // the kind of error, as in docs/api.md, such as "conflict"
	Location  string `json:"location"` // the one part of the request that is at fault, such as "body.at_once"; "" for none
}

// Error returns the sentence.
func (e *Error) Error() string {
	if e.Detail != "" {
		return e.Detail
	}
	return fmt.Sprintf("the server answered %d %s", e.Status, http.StatusText(e.Status))
}

// StatusOf returns the HTTP status of an answer that err carries; 0 if err carries none.
func StatusOf(err error) int {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Status
	}
	return 0
}

// body opens the body of a request anew for each attempt; nil for none.
type body func() (io.ReadCloser, error)

// asJSON returns the body with v as JSON.
func asJSON(v any) (body, error) {
	data, err := json.Marshal(v)
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }, err
}

// send makes a request until it is answered with something other than "come later", and returns the answer, whose status is below
// 400. The caller closes its body.
func (c *Client) send(ctx context.Context, method, path string, header map[string]string, open body) (*http.Response, error) {
	wait, until := 250*time.Millisecond, time.Now().Add(c.patience)
	for {
		res, err := c.once(ctx, method, path, header, open)
		pause, again := retryable(res, err)
		if again && pause == 0 {
			pause, wait = wait, min(2*wait, 5*time.Second)
		}
		if !again || ctx.Err() != nil || time.Now().Add(pause).After(until) {
			return answered(res, err)
		}
		if res != nil {
			_ = res.Body.Close()
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (c *Client) once(ctx context.Context, method, path string, header map[string]string, open body) (*http.Response, error) {
	var r io.ReadCloser
	if open != nil {
		var err error
		if r, err = open(); err != nil {
			return nil, &localError{err}
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, r)
	if err != nil {
		return nil, &localError{err}
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	if c.language != "" {
		req.Header.Set("Accept-Language", c.language)
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	return c.http.Do(req)
}

// localError is a fault on this side: repeating the call does not help.
type localError struct{ error }

// Unwrap returns the wrapped error.
func (e *localError) Unwrap() error { return e.error }

// retryable reports whether a call is to be made again, and how long the server wants the client to wait; 0 if it does not say.
func retryable(res *http.Response, err error) (pause time.Duration, again bool) {
	if err != nil {
		_, local := errors.AsType[*localError](err)
		return 0, !local
	}
	switch res.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		seconds, _ := strconv.Atoi(res.Header.Get("Retry-After"))
		return time.Duration(max(0, seconds)) * time.Second, true
	}
	return 0, false
}

// answered turns an answer of 400 or more into an *Error.
func answered(res *http.Response, err error) (*http.Response, error) {
	if err != nil || res.StatusCode < 400 {
		return res, err
	}
	defer res.Body.Close()
	problem := &Error{}
	data, _ := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	_ = json.Unmarshal(data, problem) // a proxy in between may answer in another form
	problem.Status = res.StatusCode
	return nil, problem
}

// call makes a request and decodes its answer into out; nil for an answer without content.
func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	return c.callWith(ctx, method, path, nil, in, out)
}

func (c *Client) callWith(ctx context.Context, method, path string, header map[string]string, in, out any) error {
	var open body
	if in != nil {
		var err error
		if open, err = asJSON(in); err != nil {
			return err
		}
	}
	res, err := c.send(ctx, method, path, header, open)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if out == nil {
		return nil
	}
	return json.NewDecoder(res.Body).Decode(out)
}
