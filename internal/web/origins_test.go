package web_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sheetlift/internal/web"
)

// ofOrigin sends a request as a browser does for a page of origin, with a session of this program.
func (d *desk) ofOrigin(origin, method, path string, header ...string) *http.Response {
	d.t.Helper()
	r := httptest.NewRequestWithContext(d.t.Context(), method, "http://127.0.0.1"+path, strings.NewReader("{}"))
	r.Header.Set("Origin", origin)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return d.serve(r)
}

func TestNoOtherOriginMayCallAnythingUnlessItIsNamed(t *testing.T) {
	t.Parallel()
	const desk, other = "https://desk.example", "https://other.example"
	for _, c := range []struct {
		named   []string
		origin  string
		path    string
		allowed bool
	}{
		{nil, desk, "/api/v1/batches", false},
		{[]string{desk}, other, "/api/v1/batches", false},
		{[]string{desk}, "null", "/api/v1/batches", false},
		{[]string{desk}, desk + ".evil.example", "/api/v1/batches", false},
		{[]string{desk}, "http://desk.example", "/api/v1/batches", false},
		{[]string{desk}, desk, "/batches", false},
		{[]string{desk}, desk, "/keys", false},
		{[]string{desk}, desk, "/api/v1/batches", true},
		{[]string{other, desk}, desk, "/api/v1/batches", true},
	} {
		d := newDeskOf(t, web.Config{Origins: c.named}, nil, "tesseract")
		preflight := d.ofOrigin(c.origin, http.MethodOptions, c.path, "Access-Control-Request-Method", "POST")
		post := d.ofOrigin(c.origin, http.MethodPost, c.path)
		for _, res := range []*http.Response{preflight, post} {
			got := res.Header.Get("Access-Control-Allow-Origin")
			if c.allowed && got != c.origin || !c.allowed && got != "" || res.Header.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%+v: %d, allowed is %q", c, res.StatusCode, got)
			}
		}
		if c.allowed != (post.StatusCode == http.StatusCreated) || !c.allowed && post.StatusCode != http.StatusForbidden {
			t.Errorf("%+v: a POST is answered with %d", c, post.StatusCode)
		}
		if c.allowed != (preflight.Header.Get("Access-Control-Allow-Methods") != "") {
			t.Errorf("%+v: a preflight request is answered with %d", c, preflight.StatusCode)
		}
	}
}

func TestANamedOriginMaySendAndReadTheHeadersOfTheAPI(t *testing.T) {
	t.Parallel()
	const origin = "https://desk.example"
	d := newDeskOf(t, web.Config{Origins: []string{origin}}, nil, "tesseract")
	res := d.ofOrigin(origin, http.MethodOptions, "/batch-process-images", "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization,x-max-retries")
	for name, words := range map[string][]string{
		"Access-Control-Allow-Methods": {"GET", "POST", "PUT", "PATCH", "DELETE"},
		"Access-Control-Allow-Headers": {"Authorization", "Content-Type", "Idempotency-Key", "X-Max-Retries"},
		"Vary":                         {"Origin"},
	} {
		for _, word := range words {
			if got := res.Header.Get(name); !strings.Contains(got, word) {
				t.Errorf("%s is %q, without %s", name, got, word)
			}
		}
	}
	res = d.ofOrigin(origin, http.MethodGet, "/api/v1/batches/none")
	if got := res.Header.Get("Access-Control-Expose-Headers"); res.StatusCode != http.StatusNotFound || !strings.Contains(got, "X-Request-Id") || !strings.Contains(got, "Retry-After") {
		t.Errorf("an error is answered with %d and exposes %q", res.StatusCode, got)
	}
	res = d.ofOrigin("https://other.example", http.MethodGet, "/api/v1/batches")
	if res.Header.Get("Vary") == "" || res.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("an origin that is not named gets %v", res.Header)
	}
	if res = d.ofOrigin(origin, http.MethodGet, "/static/sheetlift.js"); res.Header.Get("Access-Control-Allow-Origin") != origin {
		t.Error("the client may not be loaded by a named origin")
	}
}

func TestASessionDoesNotCountForANamedOrigin(t *testing.T) {
	t.Parallel()
	const origin = "http://127.0.0.1:3000" // the same site as this program, so that a browser sends its cookies
	d := newDeskOf(t, web.Config{Origins: []string{origin}, Password: password}, nil, "tesseract")
	ticket := d.signIn(password)
	if res := d.ofOrigin(origin, http.MethodPost, "/api/v1/batches", "Cookie", ticket); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("with a session it is answered with %d", res.StatusCode)
	}
	if res := d.ofOrigin(origin, http.MethodPost, "/api/v1/batches", "Authorization", "Bearer "+password); res.StatusCode != http.StatusCreated {
		t.Errorf("with a secret it is answered with %d", res.StatusCode)
	}
}
