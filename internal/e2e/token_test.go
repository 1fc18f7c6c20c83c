package e2e_test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// done runs one command of the program, which must exit with 0, and returns its output.
func done(t *testing.T, environ []string, words ...string) string {
	t.Helper()
	code, said := command(t, environ, words...)
	if code != 0 {
		t.Fatalf("%v ended with %d: %s", words, code, said)
	}
	return strings.TrimSpace(said)
}

// shortFolder is a data folder whose control socket has a path that fits.
func shortFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sl")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return filepath.Join(dir, "data")
}

// with asks for the list of batches with a token, and returns the status.
func (p *process) with(t *testing.T, token string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+"/api/v1/batches", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}

func TestTokensAreMadeAndRevokedByCommandWhileItRunsAndWhenItDoesNot(t *testing.T) {
	t.Parallel()
	environ := []string{"SHEETLIFT_DATA=" + shortFolder(t), "SHEETLIFT_PASSWORD=open sesame"}
	before := done(t, environ, "token", "create", "before", "viewer")
	p := run(t, environ...)
	during := done(t, environ, "token", "create", "during", "operator")
	for _, token := range []string{before, during} {
		if got := p.with(t, token); got != http.StatusOK {
			t.Errorf("a token is answered with %d", got)
		}
	}
	list := done(t, environ, "token", "list")
	if !strings.Contains(list, "before") || !strings.Contains(list, "during") || strings.Contains(list, before) || strings.Contains(list, during) {
		t.Errorf("the list is %s", list)
	}
	done(t, environ, "token", "revoke", "during")
	if got := p.with(t, during); got != http.StatusUnauthorized {
		t.Errorf("a revoked token is answered with %d", got)
	}
	p.stop()
	if strings.Contains(p.log.String(), before) || strings.Contains(p.log.String(), during) {
		t.Error("a token stands in the log")
	}
	done(t, environ, "token", "revoke", "before")
	p = run(t, environ...)
	if got := p.with(t, before); got != http.StatusUnauthorized {
		t.Errorf("one that was revoked while it did not run is answered with %d", got)
	}
}

func TestATicketOrTokenThatEndsAtOneProcessEndsAtAllAndStaysSoAfterARestart(t *testing.T) {
	t.Parallel()
	environ := append(onNATS(t, 1, 1)[0], "SHEETLIFT_PASSWORD=open sesame")
	one, two := run(t, environ...), run(t, environ...)
	signIn := func(c *http.Client) {
		t.Helper()
		res, err := c.PostForm(one.url+"/login", url.Values{"password": {"open sesame"}})
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
	}
	c := visitor(t)
	signIn(c)
	here, err := url.Parse(one.url)
	if err != nil {
		t.Fatal(err)
	}
	stolen := visitor(t)
	stolen.Jar.SetCookies(here, c.Jar.Cookies(here))
	if !inside(t, stolen, two) {
		t.Fatal("a copy of the ticket does not count")
	}
	token := done(t, environ, "token", "create", "scanner", "viewer")
	waitFor(t, func() bool { return one.with(t, token) == http.StatusOK && two.with(t, token) == http.StatusOK })

	res, err := c.PostForm(one.url+"/logout", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	done(t, environ, "token", "revoke", "scanner")
	if inside(t, stolen, one) {
		t.Error("signed out, the ticket counts where it ended")
	}
	waitFor(t, func() bool {
		return !inside(t, stolen, two) && one.with(t, token) == http.StatusUnauthorized && two.with(t, token) == http.StatusUnauthorized
	})
	two.stop()
	again := run(t, environ...)
	if inside(t, stolen, again) || again.with(t, token) != http.StatusUnauthorized {
		t.Error("after a restart the ticket or the token counts again")
	}
}

func TestASignedOutTicketDoesNotCountAfterARestartOnOneMachine(t *testing.T) {
	t.Parallel()
	environ := []string{"SHEETLIFT_DATA=" + shortFolder(t), "SHEETLIFT_PASSWORD=open sesame"}
	p := run(t, environ...)
	c := visitor(t)
	for _, path := range []string{"/login", "/logout", "/login"} { // the second one stays
		if path == "/logout" {
			here, err := url.Parse(p.url)
			if err != nil {
				t.Fatal(err)
			}
			left := slices.Clone(c.Jar.Cookies(here))
			defer func() {
				stolen := visitor(t)
				stolen.Jar.SetCookies(here, left)
				p = run(t, environ...)
				if inside(t, stolen, p) {
					t.Error("signed out before the restart, the ticket counts again")
				}
				if !inside(t, c, p) {
					t.Error("the session that was not ended does not count after the restart")
				}
			}()
		}
		res, err := c.PostForm(p.url+path, url.Values{"password": {"open sesame"}})
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
	}
	p.stop()
}
