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

// languageCookie stores the chosen language for a year.
const (
	languageCookie = "language"
	languageLife   = 365 * 24 * time.Hour
)

// themeCookie is "light" or "dark" if a person chose one; static/theme.js sets it.
const themeCookie = "theme"

// speaks returns the language for a request: the one chosen in this browser, otherwise the best match of its Accept-Language.
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
	// The matcher falls back to the first language. The header is cut, because a client can make it arbitrarily long.
	_, i := language.MatchStrings(language.NewMatcher(known), chosen, short(r.Header.Get("Accept-Language")))
	return tags[i]
}

// short limits a header to the length that browsers use at most.
func short(header string) string { return header[:min(len(header), 200)] }

// chooseLanguage stores the choice and returns to the page on which it was made.
func (s *Server) chooseLanguage(c echo.Context) error {
	c.SetCookie(&http.Cookie{
		Name: languageCookie, Value: language.Make(c.FormValue("language")).String(), Path: "/",
		MaxAge: int(languageLife.Seconds()), HttpOnly: true, Secure: secure(c.Request()), SameSite: http.SameSiteLaxMode,
	})
	return c.Redirect(http.StatusSeeOther, pageBefore(c.Request()))
}

// pageBefore returns the page that a form was sent from. For an address that only accepts forms, it is the page of the batch.
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

// LiveTopics returns the feed topics of a batch: one for each language, since an update is rendered once for all subscribers of
// a topic, and one for programs.
func LiveTopics(id batch.ID) []string {
	tags := views.Languages()
	topics := make([]string, 0, 2*len(tags)+1)
	for _, tag := range tags {
		topics = append(topics, liveTopic(id, tag), noteTopic(id, tag))
	}
	return append(topics, jsonTopic(id))
}

// jsonTopic is the feed topic of a batch for programs.
func jsonTopic(id batch.ID) string { return string(id) + "/json" }

func liveTopic(id batch.ID, tag string) string { return string(id) + "/" + tag }
