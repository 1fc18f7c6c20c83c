package web_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"sheetlift/static"
)

func TestAnAssetComesAsItsBrowserUnderstandsItAndOnlyOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	want, err := static.Read("base.css")
	if err != nil {
		t.Fatal(err)
	}
	for encoding, tail := range map[string]string{"": "", "br": "", "gzip, deflate, br": "-gzip"} {
		ask := func(known string) *http.Response {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1"+static.URL("base.css"), nil)
			r.Header.Set("Accept-Encoding", encoding)
			r.Header.Set("If-None-Match", known)
			w := httptest.NewRecorder()
			d.pages.ServeHTTP(w, r)
			return w.Result()
		}
		got := ask("")
		body := io.Reader(got.Body)
		if tail != "" {
			if body, err = gzip.NewReader(got.Body); err != nil {
				t.Fatal(err)
			}
		}
		if data, err := io.ReadAll(body); err != nil || !bytes.Equal(data, want) {
			t.Errorf("%q: %d bytes of %d, %v", encoding, len(data), len(want), err)
		}
		tag := got.Header.Get("ETag")
		if tag != `"`+static.Sum("base.css")+tail+`"` || got.Header.Get("Cache-Control") != "public, max-age=31536000, immutable" || got.Header.Get("Vary") == "" {
			t.Errorf("%q: %v", encoding, got.Header)
		}
		if again := ask(tag); again.StatusCode != http.StatusNotModified || again.Header.Get("ETag") != tag || again.Header.Get("Vary") == "" {
			t.Errorf("%q, known: %d %v", encoding, again.StatusCode, again.Header)
		}
	}
}
