package web_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"sheetlift/internal/access"
	"sheetlift/internal/web"
)

const viewers = "a-password-for-viewers"

// The roles of all routes, independent of the table in the program: reading is for viewers, changing for operators, with these
// exceptions.
var (
	openRoutes    = []string{"GET /login", "POST /login", "POST /language", "GET /health", "GET /healthz", "GET /readyz", "GET /static/:name"}
	viewersMayToo = []string{"POST /logout", "POST /who", "POST /demo/leave", "POST /batches/:id/images/:n/edits", "POST /batches/:id/rows/replace", "POST /batches/:id/check",
		"POST /batches/:id/append", "POST /api/v1/batches/:id/append", "POST /api/v1/batches/:id/append.xlsx"}
	operatorsOnly = []string{"GET /keys", "GET /keys/events", "GET /api/v1/keys", "GET /tokens", "GET /log", "GET /webhooks", "GET /batches/:id/uploads"}
)

func leastRole(route string) access.Role {
	switch {
	case slices.Contains(openRoutes, route):
		return access.Nobody
	case slices.Contains(operatorsOnly, route):
		return access.Operator
	case route == "POST /batches/:id/rows/edits", route == "POST /batches/:id/images/:n/type": // as the edits of one image
		return access.Viewer
	case slices.Contains(viewersMayToo, route) || strings.HasPrefix(route, "GET "):
		return access.Viewer
	default:
		return access.Operator
	}
}

func TestEveryRouteLetsInItsRoleAndThoseAboveAndNobodyElse(t *testing.T) {
	t.Parallel()
	secret := []byte("the secret of all processes")
	d := newDeskOf(t, web.Config{Password: password, Viewers: viewers, Secret: secret}, pool(t, "one"), "tesseract")
	b := d.draft("a")
	sessions := access.NewSessions(password, viewers, secret)
	over, end := context.WithCancel(t.Context()) // event streams end at once
	end()
	address := strings.NewReplacer(":id", string(b.ID), ":n", "1", ":upload", "u", ":file", "x.json", ":name", "base.css")
	routes := d.server.Routes()
	if len(routes) < 80 {
		t.Fatalf("%d routes", len(routes))
	}
	for _, route := range routes {
		method, path, _ := strings.Cut(route, " ")
		for _, role := range []access.Role{access.Nobody, access.Viewer, access.Operator} {
			r := httptest.NewRequestWithContext(over, method, "http://127.0.0.1"+address.Replace(path), nil)
			r.Header.Set("Accept", "application/json")
			if role > access.Nobody {
				r.AddCookie(&http.Cookie{Name: "sheetlift", Value: sessions.Begin(role, time.Now())})
			}
			got, want := d.serve(r).StatusCode, 0
			switch {
			case role >= leastRole(route):
			case role == access.Nobody:
				want = http.StatusUnauthorized
			default:
				want = http.StatusForbidden
			}
			refused := got == http.StatusUnauthorized || got == http.StatusForbidden
			if want == 0 && refused || want != 0 && got != want {
				t.Errorf("%s as %v: %d", route, role, got)
			}
		}
	}
}

func TestATokenOpensWhatItsRoleMayAndNoPages(t *testing.T) {
	t.Parallel()
	d := newDeskOf(t, web.Config{Password: password}, nil, "tesseract")
	b := d.draft("a")
	create := func(name, role string) string {
		page := d.ask("POST", "/tokens", url.Values{"name": {name}, "role": {role}}, "Cookie", "sheetlift="+d.signIn(password))
		page.has(t, http.StatusOK, "shown only this once")
		_, rest, _ := strings.Cut(page.body, `value="sheetlift_`)
		secret, _, _ := strings.Cut(rest, `"`)
		return "Bearer sheetlift_" + secret
	}
	viewer, operator := create("scanner", "viewer"), create("robot", "operator")
	for _, c := range []struct {
		method, path, token string
		want                int
	}{
		{"GET", "/api/v1/batches", viewer, http.StatusOK},
		{"POST", "/api/v1/batches", viewer, http.StatusForbidden},
		{"DELETE", "/api/v1/batches/" + string(b.ID), viewer, http.StatusForbidden},
		{"GET", "/batch-status/" + string(b.ID), strings.Replace(viewer, "Bearer", "bearer", 1), http.StatusOK},
		{"POST", "/api/v1/batches", operator, http.StatusCreated},
		{"GET", "/api/v1/batches", operator + "0", http.StatusUnauthorized},
		{"GET", "/tokens", operator, http.StatusUnauthorized},
		{"POST", "/tokens", operator, http.StatusUnauthorized},
		{"GET", "/", operator, http.StatusUnauthorized},
	} {
		if got := d.ask(c.method, c.path, nil, "Accept", "application/json", "Authorization", c.token); got.status != c.want {
			t.Errorf("%s %s with %.12s…: %d, want %d: %.200s", c.method, c.path, c.token, got.status, c.want, got.body)
		}
	}
	with := []string{"Cookie", "sheetlift=" + d.signIn(password)}
	page := d.ask("GET", "/tokens", nil, with...)
	page.has(t, http.StatusOK, "scanner", "robot", "look and download")
	page.lacks(t, "sheetlift_")
	_, rest, _ := strings.Cut(page.body, `name="id" value="`)
	id, _, _ := strings.Cut(rest, `"`)
	d.ask("POST", "/tokens/revoke", url.Values{"id": {id}}, with...).has(t, http.StatusOK, "was revoked")
	gone := 0
	for _, token := range []string{viewer, operator} {
		if d.ask("GET", "/api/v1/batches", nil, "Accept", "application/json", "Authorization", token).status == http.StatusUnauthorized {
			gone++
		}
	}
	if gone != 1 {
		t.Errorf("%d of two tokens are revoked", gone)
	}
}

// signIn returns the session cookie for a password.
func (d *desk) signIn(password string) string {
	d.t.Helper()
	cookies := d.guess("127.0.0.1:1", password).Cookies()
	if len(cookies) != 1 {
		d.t.Fatalf("%d cookies", len(cookies))
	}
	return cookies[0].Value
}

func TestPagesOfViewersSayWhatTheyAreAndOfferNoKeys(t *testing.T) {
	t.Parallel()
	d := newDeskOf(t, web.Config{Password: password, Viewers: viewers}, pool(t, "one"), "tesseract")
	b, draft := d.started(), d.draft("a")
	as := func(password string) func(string) answer {
		ticket := d.signIn(password)
		return func(path string) answer { return d.ask("GET", path, nil, "Cookie", "sheetlift="+ticket) }
	}
	viewer, operator := as(viewers), as(password)
	for _, path := range []string{"/", "/batches/" + string(b.ID), "/batches/" + string(b.ID) + "/images/3", "/batches/" + string(b.ID) + "/rows", "/batches/" + string(draft.ID)} {
		page := viewer(path)
		page.has(t, http.StatusOK, `data-role="viewer"`)
		page.lacks(t, `href="/keys"`)
		page = operator(path)
		page.has(t, http.StatusOK, `href="/keys"`)
		page.lacks(t, `data-role=`)
	}
	viewer("/batches/"+string(draft.ID)).lacks(t, "/names", "/columns", "/start")
}
