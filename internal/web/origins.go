package web

import (
	"net/http"
	"slices"
	"strings"

	"sheetlift/static"
)

// Headers of cross-origin requests (CORS). A response never carries Access-Control-Allow-Credentials: pages of other origins send
// a token, and a session of this browser does not count for them.
const (
	corsMethods = "GET, POST, PUT, PATCH, DELETE"
	corsHeaders = "Authorization, Content-Type, Accept-Language, Idempotency-Key, If-Match, If-None-Match, " +
		"Max-Concurrent, Max-Retries, Retry-Delay, Columns, Engine, Fresh, " +
		"X-Max-Concurrent, X-Max-Retries, X-Retry-Delay, X-Columns, X-Engine, X-Fresh"
	corsExposed = "Content-Disposition, ETag, Location, Retry-After, X-Request-Id"
	corsMaxAge  = "600" // seconds for which a browser keeps the answer to a preflight request
)

// shared reports whether pages of other origins may request path once their origin is named: the API, and its client for
// browsers.
func shared(path string) bool {
	return forPrograms(path) && path != metricsPath || path == "/static/"+static.Client
}

// allowOrigin sets the CORS headers for a request to a shared path. It reports whether the request comes from a page of a named
// origin, and then returns it without its cookies.
func (s *Server) allowOrigin(h http.Header, r *http.Request) (*http.Request, bool) {
	if len(s.cfg.Origins) == 0 || !shared(r.URL.Path) || r.Header.Get("Sec-Fetch-Site") == "same-origin" {
		return r, false
	}
	h.Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if !slices.Contains(s.cfg.Origins, strings.ToLower(origin)) {
		return r, false
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Expose-Headers", corsExposed)
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	r = r.Clone(r.Context())
	r.Header.Del("Cookie")
	return r, true
}

// isPreflight reports whether a browser asks by r whether it may send a cross-origin request.
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != ""
}

// answerPreflight allows the requests of the API. No check of a token is made: a browser sends none with a preflight request.
func answerPreflight(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", corsMethods)
	h.Set("Access-Control-Allow-Headers", corsHeaders)
	h.Set("Access-Control-Max-Age", corsMaxAge)
	w.WriteHeader(http.StatusNoContent)
}
