package web_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"sheetlift/internal/keypool"
	"sheetlift/internal/web"
)

// unread is a body that must not be read.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, errors.New("not to be read")
}

// serve answers one request and returns the whole response.
func (d *desk) serve(r *http.Request) *http.Response {
	d.t.Helper()
	w := httptest.NewRecorder()
	d.pages.ServeHTTP(w, r)
	if err := contract().Check(r.Method, r.URL.Path, w.Code, w.Result().Header, w.Body.Bytes()); err != nil && r.Header.Get("Origin") == "" && w.Header().Get("Content-Encoding") == "" {
		d.t.Error(err)
	}
	return w.Result()
}

func TestStrangeNamesAndOtherSitesAreRefusedBeforeTheBodyIsRead(t *testing.T) {
	t.Parallel()
	d := newDeskOf(t, web.Config{Hosts: []string{"scans.example"}}, nil, "tesseract")
	for _, c := range []struct {
		name, host string
		header     [2]string
		want       int
	}{
		{"loopback", "127.0.0.1:8080", [2]string{}, http.StatusSeeOther},
		{"loopback by name, any port", "LocalHost:1", [2]string{}, http.StatusSeeOther},
		{"loopback of IPv6", "[::1]:8080", [2]string{}, http.StatusSeeOther},
		{"a name that was set", "scans.example:99", [2]string{}, http.StatusSeeOther},
		{"a rebound name", "evil.example", [2]string{}, http.StatusMisdirectedRequest},
		{"a bare address without a password", "192.0.2.7", [2]string{}, http.StatusMisdirectedRequest},
		{"a rebound name that is also cross-site", "evil.example", [2]string{"Sec-Fetch-Site", "cross-site"}, http.StatusMisdirectedRequest},
		{"cross-site", "127.0.0.1", [2]string{"Sec-Fetch-Site", "cross-site"}, http.StatusForbidden},
		{"same site, other origin", "127.0.0.1", [2]string{"Sec-Fetch-Site", "same-site"}, http.StatusForbidden},
		{"a foreign origin of an old browser", "127.0.0.1", [2]string{"Origin", "https://evil.example"}, http.StatusForbidden},
		{"our own page", "127.0.0.1", [2]string{"Sec-Fetch-Site", "same-origin"}, http.StatusSeeOther},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+c.host+"/batches", nil)
		r.Header.Set("Accept", "text/html")
		if c.header[0] != "" {
			r.Header.Set(c.header[0], c.header[1])
		}
		if c.want != http.StatusSeeOther {
			r.Body = readCloser{unread{t}}
		}
		if res := d.serve(r); res.StatusCode != c.want {
			t.Errorf("%s: %d, want %d", c.name, res.StatusCode, c.want)
		}
	}
}

type readCloser struct{ unread }

func (readCloser) Close() error { return nil }

func TestEveryAnswerCarriesTheStrictPolicy(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "tesseract")
	b := d.draft("a")
	for _, path := range []string{
		"/", "/keys", "/static/base.css", "/health", "/nothing/here", "/batches/" + string(b.ID), "/batch-status/none",
		"/batches/" + string(b.ID) + "/images/1/picture", "/batches/" + string(b.ID) + "/workbook.xlsx",
	} {
		res := d.serve(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost"+path, nil))
		policy := res.Header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: policy %q", path, policy)
		}
		if res.Header.Get("X-Content-Type-Options") != "nosniff" || res.Header.Get("Referrer-Policy") == "" {
			t.Errorf("%s: %v", path, res.Header)
		}
	}
}

func TestTheHeadOfAPageIsAnsweredLikeThePage(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "tesseract")
	b := d.draft("a")
	for path, want := range map[string]int{
		"/": http.StatusOK, "/static/base.css": http.StatusOK, "/nothing": http.StatusNotFound,
		"/batches/" + string(b.ID) + "/events": http.StatusMethodNotAllowed,
	} {
		res := d.serve(httptest.NewRequestWithContext(t.Context(), http.MethodHead, "http://localhost"+path, nil))
		if res.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, res.StatusCode, want)
		}
	}
}

const password = "a-long-password"

func guarded(t *testing.T) *desk {
	t.Helper()
	return newDeskOf(t, web.Config{Password: password}, nil, "tesseract")
}

func TestAPasswordIsAskedForEverythingButTheDoorItself(t *testing.T) {
	t.Parallel()
	d := guarded(t)
	b := d.draft("a")
	at := "/batches/" + string(b.ID)
	for _, path := range []string{"/login", "/health", "/static/base.css"} {
		d.get(path).has(t, http.StatusOK)
	}
	for _, path := range []string{"/", "/keys", at, at + "/workbook.xlsx", at + "/images/1/picture", at + "/events", "/nothing"} {
		d.get(path).goesTo(t, "/login?next="+url.QueryEscape(path))
	}
	for _, path := range []string{"/batches", at + "/start", at + "/retry", at + "/names", "/keys", "/demo", "/logout"} {
		if got := d.post(path, url.Values{}); got.status != http.StatusUnauthorized {
			t.Errorf("POST %s without signing in: %d", path, got.status)
		}
	}
	for _, path := range []string{"/batch-status/" + string(b.ID), "/batch-results/" + string(b.ID)} {
		d.ask("GET", path, nil, "Accept", "*/*").has(t, http.StatusUnauthorized, `"detail"`)
		d.ask("GET", path, nil, "Accept", "*/*", "Authorization", "Bearer wrong-password").has(t, http.StatusUnauthorized)
		d.ask("GET", path, nil, "Authorization", "Bearer "+password).has(t, http.StatusOK)
	}
}

func TestASessionBeginsWithThePasswordAndEndsWithTheSignOut(t *testing.T) {
	t.Parallel()
	d := guarded(t)
	signIn := func(word, next string) *http.Response {
		form := url.Values{"password": {word}, "next": {next}}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://localhost/login", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return d.serve(r)
	}
	if res := signIn("not-the-password", "/"); res.StatusCode != http.StatusUnauthorized || len(res.Cookies()) != 0 {
		t.Errorf("a wrong password: %d with %d cookies", res.StatusCode, len(res.Cookies()))
	}
	for _, away := range []string{"https://evil.example/", "//evil.example", `/\evil.example`, "javascript:alert(1)"} {
		if to := signIn(password, away).Header.Get("Location"); to != "/" {
			t.Errorf("after signing in, %q leads to %q", away, to)
		}
	}
	res := signIn(password, "/keys")
	if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/keys" || len(res.Cookies()) != 1 {
		t.Fatalf("%d to %q with %d cookies", res.StatusCode, res.Header.Get("Location"), len(res.Cookies()))
	}
	cookie := res.Cookies()[0]
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || len(cookie.Value) < 22 {
		t.Errorf("the cookie is %+v", cookie)
	}
	with := "sheetlift=" + cookie.Value
	d.ask("GET", "/", nil, "Cookie", with).has(t, http.StatusOK)
	d.ask("POST", "/logout", url.Values{}, "Cookie", with).goesTo(t, "/login")
	d.ask("GET", "/", nil, "Cookie", with).goesTo(t, "/login?next=%2F")
}

// broken is a pool whose key tests fail with an unexpected error.
type broken struct{ *keypool.Pool }

func (broken) Test(_ context.Context, label string) (keypool.Outcome, error) {
	if label == "panic" {
		panic("at canary-9")
	}
	return keypool.Outcome{}, &url.Error{Op: "Post", URL: "http://127.0.0.1/?key=canary-9", Err: errors.New("canary-9 refused")}
}

func TestAnErrorOfOursShowsNothingOfItsCause(t *testing.T) {
	t.Parallel()
	d := newDeskWith(t, broken{pool(t, "one")}, "gemini")
	for _, label := range []string{"one", "panic"} {
		for _, header := range [][]string{nil, {"HX-Request", "true"}, {"Accept", "application/json"}} {
			got := d.ask("POST", "/keys/test", url.Values{"label": {label}}, header...)
			got.has(t, http.StatusInternalServerError, "Something went wrong on our side.")
			got.lacks(t, "canary", "refused", "127.0.0.1/")
		}
	}
}

func TestATicketThatIsForgedOldOrOfAnotherPasswordDoesNotCount(t *testing.T) {
	t.Parallel()
	secret := []byte("the secret of all processes")
	d := newDeskOf(t, web.Config{Password: password, Secret: secret}, nil, "tesseract")
	ask := func(ticket string) int { return d.ask("GET", "/", nil, "Cookie", "sheetlift="+ticket).status }
	now := time.Now()
	good := web.Ticket(password, secret, now)
	if got := ask(good); got != http.StatusOK {
		t.Fatalf("a good one is answered with %d", got)
	}
	bad := map[string]string{
		"old": web.Ticket(password, secret, now.Add(-13*time.Hour)), "of another password": web.Ticket("another password", secret, now),
		"of another secret": web.Ticket(password, []byte("another"), now), "cut": good[:len(good)-4], "nothing": "",
	}
	for i := range good {
		other := byte('A')
		if good[i] == 'A' {
			other = 'B'
		}
		bad[fmt.Sprintf("changed at %d", i)] = good[:i] + string(other) + good[i+1:]
	}
	for name, ticket := range bad {
		if got := ask(ticket); got != http.StatusSeeOther {
			t.Errorf("one that is %s is answered with %d", name, got)
		}
	}
}
