package pipe_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"sheetlift/internal/pipe"
)

func TestAClientReachesItsOwnServerAndNobodyElse(t *testing.T) {
	t.Parallel()
	l := pipe.New()
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s from %s", r.Host, body, r.RemoteAddr)
	})}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	client := l.Client()
	for range 3 {
		res, err := client.Post("http://anywhere.example", "text/plain", strings.NewReader("word"))
		if err != nil {
			t.Fatal(err)
		}
		said, err := io.ReadAll(res.Body)
		if err = errors.Join(err, res.Body.Close()); err != nil || string(said) != "anywhere.example word from 127.0.0.1:0" {
			t.Errorf("%q, %v", said, err)
		}
	}
	if err := server.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
	if _, err := client.Get("http://anywhere.example"); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
}
