package web_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"sheetlift/internal/live"
	"sheetlift/internal/web"
)

// onWire serves the pages on a socket, with the timeouts of the program.
func (d *desk) onWire(adjust func(*http.Server)) net.Listener {
	d.t.Helper()
	s := httptest.NewUnstartedServer(nil)
	s.Config = d.server.HTTP()
	if adjust != nil {
		adjust(s.Config)
	}
	s.Start()
	d.t.Cleanup(s.Close)
	return s.Listener
}

// say sends raw bytes and returns the status line of every response until the connection ends.
func say(t *testing.T, to net.Listener, raw string) []string {
	t.Helper()
	conn, err := net.Dial("tcp", to.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	if _, err := fmt.Fprint(conn, raw); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for s := bufio.NewScanner(conn); s.Scan(); {
		if strings.HasPrefix(s.Text(), "HTTP/1.1 ") {
			lines = append(lines, s.Text())
		}
	}
	return lines
}

func TestARequestThatTwoServersCouldReadDifferentlyIsRefused(t *testing.T) {
	t.Parallel()
	at := newDesk(t, "tesseract").onWire(nil)
	const inner = "GET /figures HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
	for name, header := range map[string]string{
		"a length and chunks":        fmt.Sprintf("Content-Length: %d\r\nTransfer-Encoding: chunked\r\n", len(inner)+5),
		"two lengths":                "Content-Length: 0\r\nContent-Length: 5\r\n",
		"a folded header":            "X-Odd: one\r\n two\r\nContent-Length: 0\r\nBad : x\r\n",
		"chunks by another name":     "Transfer-Encoding: xchunked\r\n",
		"chunks named twice":         "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
		"a length with a sign":       "Content-Length: +5\r\n",
		"two hosts":                  "Host: evil.example\r\nContent-Length: 0\r\n",
		"a header name with a blank": "Content-Length : 5\r\n",
	} {
		answers := say(t, at, "POST /batches HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"+header+"\r\n0\r\n\r\n"+inner)
		for _, line := range answers {
			if strings.Contains(line, " 200 ") {
				t.Errorf("%s: the request inside the body was answered: %q", name, answers)
			}
		}
		if len(answers) == 0 || len(answers) > 1 {
			t.Errorf("%s: %d answers, %q", name, len(answers), answers)
		}
	}
}

func TestHeadersThatNeverEndAreCutOff(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "tesseract")
	if s := d.server.HTTP(); s.ReadHeaderTimeout <= 0 || s.ReadHeaderTimeout > 10*time.Second || s.IdleTimeout <= 0 || s.MaxHeaderBytes > 1<<20 {
		t.Errorf("headers may take %v and %d bytes, an idle connection stays %v", s.ReadHeaderTimeout, s.MaxHeaderBytes, s.IdleTimeout)
	}
	at := d.onWire(func(s *http.Server) { s.ReadHeaderTimeout = 50 * time.Millisecond })
	if answers := say(t, at, "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "); len(answers) > 0 {
		t.Errorf("an unfinished request was answered with %q", answers) // say returned, so the connection was closed
	}
	at = d.onWire(nil) // with enough time to send all of it
	if answers := say(t, at, "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Large: "+strings.Repeat("x", 1<<20)+"\r\n\r\n"); len(answers) != 1 || !strings.Contains(answers[0], " 431 ") {
		t.Errorf("a header of 1 MB is answered with %q", answers)
	}
}

func TestNothingIsChangedByReadingAndUnknownMethodsAreRefused(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "tesseract")
	b := d.draft("one", "two")
	before := *d.stored(b.ID)
	read := map[string]bool{}
	for _, route := range d.server.Routes() {
		if method, path, _ := strings.Cut(route, " "); method == http.MethodGet || method == http.MethodHead {
			read[path] = true
		}
	}
	fill := strings.NewReplacer(":id", string(b.ID), ":n", "1", ":name", "base.css", ":file", "x.json", ":row", "1")
	for _, route := range d.server.Routes() {
		method, path, _ := strings.Cut(route, " ")
		if method == http.MethodGet || method == http.MethodHead || strings.Contains(path, "*") {
			continue
		}
		for _, other := range []string{http.MethodGet, http.MethodHead, http.MethodTrace, "BREW"} {
			if other == http.MethodGet && read[path] || other == http.MethodHead && read[path] {
				continue
			}
			w := httptest.NewRecorder()
			d.pages.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), other, "http://127.0.0.1"+fill.Replace(path), nil))
			if w.Code != http.StatusMethodNotAllowed && w.Code != http.StatusNotFound {
				t.Errorf("%s %s is answered with %d", other, path, w.Code)
			}
		}
	}
	if after := *d.stored(b.ID); after.Status != before.Status || after.Rev != before.Rev {
		t.Errorf("the batch became %+v", after)
	}
}

func FuzzAttachment(f *testing.F) {
	for _, name := range []string{"November.xlsx", `a"b\c;d.xlsx`, "a\r\nSet-Cookie: x=y.xlsx", "报告.xlsx", "\u202Egpj.xlsx", strings.Repeat("ü", 300), "", "a\x00b", "\xff\xfe", "%2e%2e/x"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		value := web.Attachment(name)
		if strings.ContainsAny(value, "\r\n\x00") || !utf8.ValidString(value) {
			t.Fatalf("%q becomes the header %q", name, value)
		}
		for _, r := range value {
			if r > '~' || r < ' ' {
				t.Fatalf("%q becomes %q, which is not ASCII", name, value)
			}
		}
		kind, params, err := mime.ParseMediaType(strings.Replace(value, "filename=\"", "plain=\"", 1))
		if err != nil || kind != "attachment" || strings.ContainsAny(params["filename"], "/\\") {
			t.Fatalf("%q becomes %q: %v, %v", name, value, params, err)
		}
	})
}

func TestADemonstrationThatTakesLongToBuildIsShownAllTheSame(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "tesseract")
	d.server = web.New(web.Config{}, web.Deps{Services: d.service, Progress: d.progress, Feed: live.New(live.Options{}), Log: slog.New(slog.DiscardHandler),
		Demo: func(context.Context) (web.Demo, error) {
			<-time.After(10 * time.Millisecond) // ten times as long as any other answer may take
			return web.Demo{Token: "a guest", Page: "/batches/b"}, nil
		},
	})
	at := d.onWire(func(s *http.Server) { s.WriteTimeout = time.Millisecond })
	answers := say(t, at, "POST /demo HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
	if fmt.Sprint(answers) != "[HTTP/1.1 303 See Other]" {
		t.Errorf("the answers are %q", answers)
	}
}
