package e2e_test

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"testing"
)

// visitor is a browser with its cookies, which are the same for every port of this machine.
func visitor(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// inside reports whether the first page is shown.
func inside(t *testing.T, c *http.Client, p *process) bool {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html")
	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode == http.StatusOK
}

func TestWhoSignsInAtOneProcessIsSignedInAtAllWithTheSamePasswordAndSecret(t *testing.T) {
	t.Parallel()
	nats := onNATS(t, 1, 1)[0]
	with := func(more ...string) *process {
		return run(t, slices.Concat(nats, []string{"SHEETLIFT_ENGINE=gemini", "GEMINI_API_KEY_1=" + canary + "-1"}, more)...)
	}
	one, two := with("SHEETLIFT_PASSWORD=open sesame"), with("SHEETLIFT_PASSWORD=open sesame")
	changed := with("SHEETLIFT_PASSWORD=open barley")
	c := visitor(t)
	if inside(t, c, one) || inside(t, c, two) {
		t.Fatal("nobody asks for the password")
	}
	signIn := func(p *process, password string) {
		t.Helper()
		res, err := c.PostForm(p.url+"/login", url.Values{"password": {password}})
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
	}
	signIn(one, "open barley")
	if inside(t, c, one) {
		t.Fatal("a wrong password opens")
	}
	signIn(one, "open sesame")
	if !inside(t, c, one) || !inside(t, c, two) || inside(t, c, changed) {
		t.Errorf("signed in at the first: %t, at the second: %t, where the password is another: %t", inside(t, c, one), inside(t, c, two), inside(t, c, changed))
	}
	one.stop()
	if again := with("SHEETLIFT_PASSWORD=open sesame"); !inside(t, c, again) {
		t.Error("after a restart the browser has to sign in again")
	}
	res, err := c.PostForm(two.url+"/logout", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if inside(t, c, two) {
		t.Error("signed out, the browser is still inside")
	}
}
