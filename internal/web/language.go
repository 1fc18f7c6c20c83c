package web

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"golang.org/x/text/language"

	"sheetlift/internal/batch"
	"sheetlift/views"
)

// languageCookie keeps the language that a person chose, for a year.
const (
	languageCookie = "language"
	languageLife   = 365 * 24 * time.Hour
)

// themeCookie is "light" or "dark" where a person chose so; static/theme.js sets it.
const themeCookie = "theme"

// speaks is the language for a request: the one chosen in this browser, otherwise the best of those it asks for.
func speaks(r *http.Request) string {
	tags := views.Languages()
	known := make([]language.Tag, 0, len(tags))
	for _, tag := range tags {
		known = append(known, language.Make(tag))
	}
	chosen := ""
	if cookie, err := r.Cookie(languageCookie); err == nil {
		chosen = cookie.Value
	}
	// The matcher falls back to the first, and reads no more than it needs of a header that somebody made long.
	_, i := language.MatchStrings(language.NewMatcher(known), chosen, short(r.Header.Get("Accept-Language")))
	return tags[i]
}

// short bounds what is read of a header: no browser sends more.
func short(header string) string { return header[:min(len(header), 200)] }

// chooseLanguage keeps the choice and goes back to the page it was made on.
func (s *Server) chooseLanguage(c echo.Context) error {
	c.SetCookie(&http.Cookie{
		Name: languageCookie, Value: language.Make(c.FormValue("language")).String(), Path: "/",
		MaxAge: int(languageLife.Seconds()), HttpOnly: true, Secure: c.Request().TLS != nil, SameSite: http.SameSiteLaxMode,
	})
	return c.Redirect(http.StatusSeeOther, pageBefore(c.Request()))
}

// pageBefore is the page that a form was sent from. An address that only takes forms gives the batch it belongs to.
func pageBefore(r *http.Request) string {
	from, err := url.Parse(r.Referer())
	if err != nil {
		return "/"
	}
	parts := strings.Split(strings.Trim(from.Path, "/"), "/")
	if len(parts) == 3 && parts[0] == "batches" {
		return batchURL(batch.ID(url.PathEscape(parts[1])))
	}
	if len(parts) == 2 && parts[0] == "keys" {
		return "/keys"
	}
	return ownPath((&url.URL{Path: from.Path, RawQuery: from.RawQuery}).String())
}

// LiveTopics are the topics of the feed in which a batch is shown: one for each language, since what a topic sends is
// drawn once for all who look at it.
func LiveTopics(id batch.ID) []string {
	tags := views.Languages()
	topics := make([]string, 0, 2*len(tags))
	for _, tag := range tags {
		topics = append(topics, liveTopic(id, tag), noteTopic(id, tag))
	}
	return topics
}

func liveTopic(id batch.ID, tag string) string { return string(id) + "/" + tag }
