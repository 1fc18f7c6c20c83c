package web

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func TestHeadersOfProxiesAreBelievedFromTrustedOnesOnly(t *testing.T) {
	t.Parallel()
	s := &Server{cfg: Config{Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}}
	for peer, believed := range map[string]bool{"127.0.0.1:1": true, "[::ffff:127.0.0.1]:1": true, "127.0.0.2:1": false, "192.0.2.1:1": false, "@": false} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "http://inside/", nil)
		r.RemoteAddr = peer
		r.Header.Set("X-Forwarded-For", "198.51.100.1")
		r.Header.Set("X-Forwarded-Proto", "evil, HTTPS")
		r.Header.Set("X-Forwarded-Host", "evil.example, scans.example")
		r = r.WithContext(s.unwrap(t.Context(), r))
		got := clientOf(r).String() == "198.51.100.1" && secure(r) && r.Host == "scans.example"
		if got != believed || !believed && (secure(r) || r.Host != "inside" || r.RemoteAddr != peer) {
			t.Errorf("from %s: client %s, secure %t, host %s", peer, r.RemoteAddr, secure(r), r.Host)
		}
	}
}

func TestBehindTLSCookiesAreOfThisHostAloneAndBrowsersComeBackByTLS(t *testing.T) {
	t.Parallel()
	s := New(Config{Password: "a-long-password", Hosts: []string{"scans.example", "192.0.2.80"}, Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}, Deps{TmpDir: t.TempDir()})
	ask := func(proto, host, path string, cookie *http.Cookie) *http.Response {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://inside"+path, strings.NewReader("password=a-long-password"))
		r.RemoteAddr = "127.0.0.1:1"
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("X-Forwarded-Proto", proto)
		r.Header.Set("X-Forwarded-Host", host)
		if cookie != nil {
			r.AddCookie(cookie)
		}
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		return w.Result()
	}
	res := ask("https", "scans.example", "/login", nil)
	if len(res.Cookies()) != 1 {
		t.Fatalf("%d with %d cookies", res.StatusCode, len(res.Cookies()))
	}
	c := res.Cookies()[0]
	if c.Name != "__Host-sheetlift" || !c.Secure || c.Path != "/" || c.Domain != "" || !c.HttpOnly {
		t.Errorf("by TLS the cookie is %v", c)
	}
	if res.Header.Get("Strict-Transport-Security") == "" {
		t.Error("by TLS there is no HSTS")
	}
	planted := &http.Cookie{Name: "sheetlift", Value: c.Value}
	if got := ask("https", "scans.example", "/logout", planted).StatusCode; got != http.StatusUnauthorized {
		t.Errorf("a cookie without the prefix counts by TLS: %d", got)
	}
	res = ask("http", "localhost", "/login", nil)
	if c := res.Cookies()[0]; c.Name != "sheetlift" || c.Secure || res.Header.Get("Strict-Transport-Security") != "" {
		t.Errorf("without TLS the cookie is %v, HSTS %q", c, res.Header.Get("Strict-Transport-Security"))
	}
	for host, want := range map[string]int{"192.0.2.80": http.StatusSeeOther, "192.0.2.81": http.StatusMisdirectedRequest} {
		if got := ask("https", host, "/login", nil).StatusCode; got != want {
			t.Errorf("called by the address %s: %d, want %d", host, got, want)
		}
	}
}
