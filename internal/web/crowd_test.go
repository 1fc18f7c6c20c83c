package web_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"sheetlift/internal/web"
)

// asks sends a request on a connection of its own and returns it with the answer, whose body is not read.
func (d *desk) asks(address, path string) (net.Conn, *http.Response) {
	d.t.Helper()
	conn := d.dial(address)
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", path); err != nil {
		d.t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		d.t.Fatal(err)
	}
	return conn, res
}

func TestTheHealthAnswersWhileLiveWiresAndConnectionsFillAllPlaces(t *testing.T) {
	t.Parallel()
	d := newDeskOf(t, web.Config{Connections: 16}, nil, "tesseract")
	at := d.listening()
	for i := range 30 { // they stay open
		_, res := d.asks(at, "/events")
		want := http.StatusOK
		if i >= 8 {
			want = http.StatusServiceUnavailable
		}
		if res.StatusCode != want || (want != http.StatusOK) != (res.Header.Get("Retry-After") != "") {
			t.Errorf("wire %d: %d, Retry-After %q", i+1, res.StatusCode, res.Header.Get("Retry-After"))
		}
	}
	for range 8 { // said to be a form, and nothing of it comes: together with the wires all places
		conn := d.dial(at)
		if _, err := fmt.Fprint(conn, "POST /language HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 9\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	for range 20 {
		conn, res := d.asks(at, "/health")
		if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != http.StatusOK {
			t.Errorf("the health: %d, %v", res.StatusCode, err)
		}
		_ = conn.Close()
	}
	d.dial(at) // one more, idle
	_, res := d.asks(at, "/")
	if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" {
		t.Errorf("a page while all places are taken: %d", res.StatusCode)
	}
}

func TestBeyondTheBoundAVisitorIsToldToComeLaterAndThenWaits(t *testing.T) {
	t.Parallel()
	const places, reserve = 17, 8
	d := newDeskOf(t, web.Config{Connections: places}, nil, "tesseract")
	at := d.listening()
	held := make([]net.Conn, places) // each begins a form
	for i := range held {
		held[i] = d.dial(at)
		if _, err := fmt.Fprint(held[i], "POST /language HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 9\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	_, res := d.asks(at, "/")
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") != "5" || !strings.Contains(string(body), "Too many pages are open. Try again in a moment.") {
		t.Errorf("a visitor beyond the bound: %d, Retry-After %q: %s, %v", res.StatusCode, res.Header.Get("Retry-After"), body, err)
	}
	for range reserve { // these say nothing, and nobody else is let in
		d.dial(at)
	}
	waiting := d.dial(at)
	if _, err := fmt.Fprint(waiting, "GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	for i, conn := range held { // all of them have a place, the last one too
		if _, err := fmt.Fprint(conn, "tongue=en"); err != nil {
			t.Fatal(err)
		}
		if res, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil || res.StatusCode == http.StatusServiceUnavailable {
			t.Errorf("the form in place %d was answered %+v, %v", i+1, res, err)
		}
	}
	if res, err := http.ReadResponse(bufio.NewReader(waiting), nil); err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("a visitor who waited for a place was answered %v, %v", res, err)
	}
}

func TestAConnectionThatBecomesIdleGivesItsPlaceToOneThatWaits(t *testing.T) {
	t.Parallel()
	d := newDeskOf(t, web.Config{Connections: 16}, nil, "tesseract")
	server, begun, answer := d.server.HTTP(), make(chan struct{}), make(chan struct{})
	server.Handler = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		for _, step := range []chan struct{}{begun, answer} {
			select {
			case step <- struct{}{}:
			case <-r.Context().Done():
			}
		}
	})
	at := d.serving(server)
	ask := func() {
		if _, err := fmt.Fprint(d.dial(at), "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	const places = 16 + 8 // with the reserve
	for range places {
		ask()
		<-begun
	}
	for range 3 { // Accept waits for a place, and each answered connection would be kept for a next request
		ask()
		<-answer
		select {
		case <-begun:
		case <-time.After(time.Minute):
			t.Fatal("a request waits although a connection is idle")
		}
	}
}
