package web_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"sheetlift/internal/web"
)

// from sends a request from a given address, with headers in pairs.
func (d *desk) from(addr, method, path string, form url.Values, header ...string) *http.Response {
	d.t.Helper()
	r := httptest.NewRequestWithContext(d.t.Context(), method, "http://127.0.0.1"+path, strings.NewReader(form.Encode()))
	r.RemoteAddr = addr
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return d.serve(r)
}

// guess sends a password from a given address.
func (d *desk) guess(addr, password string, header ...string) *http.Response {
	d.t.Helper()
	return d.from(addr, http.MethodPost, "/login", url.Values{"password": {password}}, header...)
}

func TestARightSecretIsNeverRefusedForWhatOthersTried(t *testing.T) {
	t.Parallel()
	d := guarded(t)
	api := func(token string) *http.Response {
		return d.from("192.0.2.1:1", http.MethodGet, "/api/v1/batches", nil, "Authorization", "Bearer "+token)
	}
	var last *http.Response
	for range 40 {
		last = d.guess("192.0.2.1:1", "a wrong guess")
		api("a wrong token")
	}
	if last.StatusCode != http.StatusTooManyRequests {
		t.Fatalf("the 40th wrong guess is answered with %d", last.StatusCode)
	}
	if res := d.guess("192.0.2.1:2", password); res.StatusCode != http.StatusSeeOther {
		t.Errorf("the right password from the same address: %d", res.StatusCode)
	}
	if res := api(password); res.StatusCode != http.StatusOK {
		t.Errorf("the right bearer token from the same address: %d", res.StatusCode)
	}
	if res := d.guess("192.0.2.2:1", "one wrong guess"); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("the first wrong guess from elsewhere: %d", res.StatusCode)
	}
}

func TestARefusalTellsWhenToAskAgainAndHowToSignIn(t *testing.T) {
	t.Parallel()
	d := guarded(t)
	wrong := func() []*http.Response {
		return []*http.Response{
			d.guess("192.0.2.1:1", "a wrong guess"),
			d.from("192.0.2.1:1", http.MethodGet, "/api/v1/batches", nil, "Authorization", "Bearer wrong"),
			d.from("192.0.2.1:1", http.MethodGet, "/batch-status/none", nil, "Authorization", "Bearer wrong"),
		}
	}
	for _, res := range wrong() {
		if res.StatusCode != http.StatusUnauthorized || !strings.HasPrefix(res.Header.Get("WWW-Authenticate"), "Bearer ") {
			t.Errorf("a wrong secret: %d, WWW-Authenticate %q", res.StatusCode, res.Header.Get("WWW-Authenticate"))
		}
	}
	for range 10 {
		wrong()
	}
	for _, res := range wrong() {
		seconds, err := strconv.Atoi(res.Header.Get("Retry-After"))
		if res.StatusCode != http.StatusTooManyRequests || err != nil || seconds < 1 || seconds > 60 {
			t.Errorf("beyond the limit: %d, Retry-After %q", res.StatusCode, res.Header.Get("Retry-After"))
		}
	}
	if res := d.from("192.0.2.3:1", http.MethodGet, "/api/v1/batches", nil); res.Header.Get("WWW-Authenticate") == "" {
		t.Error("without a secret, nothing says how to sign in")
	}
}

func TestTheBearerSchemeMayBeWrittenInAnyCase(t *testing.T) {
	t.Parallel()
	d := guarded(t)
	for scheme, want := range map[string]int{"Bearer ": 200, "bearer ": 200, "BEARER  ": 200, "Basic ": 401, "Bearer": 401, "": 401} {
		res := d.from("192.0.2.1:1", http.MethodGet, "/api/v1/batches", nil, "Authorization", scheme+password)
		if res.StatusCode != want {
			t.Errorf("%q: %d, want %d", scheme, res.StatusCode, want)
		}
	}
}

func TestBehindATrustedProxyEachClientHasItsOwnLimit(t *testing.T) {
	t.Parallel()
	d := newDeskOf(t, web.Config{Password: password, Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}, nil, "tesseract")
	try := func(peer, client string) int {
		return d.guess(peer, "a wrong guess", "X-Forwarded-For", client).StatusCode
	}
	for range 20 { // values left of the rightmost hop are forged by the client
		try("127.0.0.1:1", "198.51.100."+strconv.Itoa(len(t.Name()))+", 192.0.2.1")
	}
	if got := try("127.0.0.1:1", "203.0.113.1, 192.0.2.1"); got != http.StatusTooManyRequests {
		t.Errorf("an invented hop gives a client a new limit: %d", got)
	}
	if got := try("127.0.0.1:1", "192.0.2.2"); got != http.StatusUnauthorized {
		t.Errorf("another client behind the proxy: %d", got)
	}
	for range 20 {
		try("192.0.2.9:1", "192.0.2.77")
	}
	if got := try("192.0.2.9:1", "192.0.2.78"); got != http.StatusTooManyRequests {
		t.Errorf("one that is no proxy of ours is believed: %d", got)
	}
}
