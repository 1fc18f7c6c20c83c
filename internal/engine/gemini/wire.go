package gemini

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"sheetlift/internal/danger"
)

const (
	maxAnswer   = 8 << 20   // maximum bytes read of an answer; the SDK itself would read any amount
	maxKept     = 256 << 10 // bytes of an error's body kept for its classification
	maxKeptGood = 4 << 10   // bytes of a 200's body kept: an error sent with a success status is short
)

// errTooMuch ends the reading of an answer that is longer than any table.
var errTooMuch = fmt.Errorf("the answer is longer than %d MiB", maxAnswer>>20)

// exchange travels in the context of one call: the picture to send, and parts of the answer that the SDK drops. One
// goroutine owns it; it is read after the call has returned.
type exchange struct {
	mark  []byte // base64 of the placeholder in the SDK's body
	image []byte // base64 of the picture, shared and never written to

	status     int // 0: no answer came
	retryAfter time.Duration
	tier       string       // service tier of the answer, if given: it multiplies the price
	body       bytes.Buffer // the beginning of the answer
	leave      func()       // ends the dangerous section in which the answer is opened; nil before it arrived
}

type exchangeKey struct{}

func withExchange(ctx context.Context, x *exchange) context.Context {
	return context.WithValue(ctx, exchangeKey{}, x)
}

// wire is the RoundTripper under every client of the SDK. It replaces the placeholder by the picture, so that
// attempts share one encoded copy, bounds the answer, and keeps the parts that the SDK drops.
type wire struct {
	under http.RoundTripper
}

// newTransport returns the connections that all keys share. The time for an answer is bounded by each attempt's
// context.
func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          128,
		MaxIdleConnsPerHost:   64,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
	}
}

// RoundTrip sends one request. Redirects are returned as they are: following one would send the key to another
// host.
func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	x, _ := req.Context().Value(exchangeKey{}).(*exchange)
	if x == nil {
		x = &exchange{}
	}
	if len(x.image) > 0 && req.Body != nil {
		spliced, err := splice(req, x)
		if err != nil {
			return nil, err
		}
		req = spliced
	}
	resp, err := w.under.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	x.status = resp.StatusCode
	x.retryAfter = retryAfterHeader(resp.Header.Get("Retry-After"), time.Now())
	x.tier = resp.Header.Get("X-Gemini-Service-Tier")
	keep := maxKept
	if resp.StatusCode < 300 {
		keep = maxKeptGood
	}
	if err := x.receive(req.Context(), resp, keep); err != nil {
		return nil, err
	}
	return resp, nil
}

// receive reads the whole answer and enters the dangerous section for it: from here on the SDK and this package
// open its bytes, and no code waits for the network. The SDK gets a network error when it reads.
func (x *exchange) receive(ctx context.Context, resp *http.Response, keep int) error {
	in := &boundedBody{body: resp.Body, left: maxAnswer, kept: &x.body, keep: keep}
	data, failed := io.ReadAll(in)
	_ = in.Close()
	x.endSection() // in case the SDK ever sends twice
	var err error
	if x.leave, err = danger.Enter(ctx); err != nil {
		return err
	}
	answer := io.Reader(bytes.NewReader(data))
	if failed != nil {
		answer = io.MultiReader(answer, failingReader{failed})
	}
	resp.Body = io.NopCloser(answer)
	return nil
}

// endSection ends the section that receive entered.
func (x *exchange) endSection() {
	if x.leave != nil {
		x.leave()
	}
}

// failingReader returns the error at which the answer broke off.
type failingReader struct{ err error }

// Read implements io.Reader.
func (b failingReader) Read([]byte) (int, error) { return 0, b.err }

// splice returns the request with the encoded picture in place of its placeholder, without copying the picture.
func splice(req *http.Request, x *exchange) (*http.Request, error) {
	body, err := io.ReadAll(req.Body)
	_ = req.Body.Close()
	if err != nil {
		return nil, err
	}
	head, tail, found := bytes.Cut(body, x.mark)
	if !found {
		return nil, errors.New("the request has no place for the picture")
	}
	whole := func() io.ReadCloser {
		return io.NopCloser(io.MultiReader(bytes.NewReader(head), bytes.NewReader(x.image), bytes.NewReader(tail)))
	}
	out := req.Clone(req.Context())
	out.Body = whole()
	out.GetBody = func() (io.ReadCloser, error) { return whole(), nil }
	out.ContentLength = int64(len(head) + len(x.image) + len(tail))
	return out, nil
}

// boundedBody is an answer's body that ends with errTooMuch after left bytes and keeps a copy of its beginning.
type boundedBody struct {
	body io.ReadCloser
	left int64
	kept *bytes.Buffer
	keep int
}

// Read implements io.Reader.
func (c *boundedBody) Read(p []byte) (int, error) {
	if c.left <= 0 {
		var one [1]byte
		if n, err := c.body.Read(one[:]); n == 0 && err != nil {
			return 0, err
		}
		return 0, errTooMuch
	}
	n, err := c.body.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	if room := c.keep - c.kept.Len(); room > 0 {
		c.kept.Write(p[:min(n, room)])
	}
	return n, err
}

// Close closes the body.
func (c *boundedBody) Close() error { return c.body.Close() }
