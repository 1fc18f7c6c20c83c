package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sheetlift/client"
)

// serve starts a server with one handler and returns a client of it.
func serve(t *testing.T, o client.Options, h http.HandlerFunc) *client.Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c, err := client.New(s.URL+"/", o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAnAddressThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"", "nowhere", "ftp://x", "http://user:word@x", "http://x?y=1", "http://"} {
		if _, err := client.New(address, client.Options{}); err == nil {
			t.Errorf("%q is taken", address)
		}
	}
}

func TestACallIsRepeatedWithItsBodyUntilTheServerHasTime(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	c := serve(t, client.Options{Token: "word", Language: "fr"}, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if string(body) != "picture" || r.Header.Get("Authorization") != "Bearer word" || r.Header.Get("Accept-Language") != "fr" || r.URL.Path != "/api/v1/batches/abc/images/upload-1" || r.URL.Query().Get("position") != "3" {
			t.Errorf("call %d: %s %q %v", calls.Load(), r.URL, body, r.Header)
		}
		if calls.Add(1) < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		fmt.Fprint(w, `{"images": [{"n": 3}], "refused": ["Page 2 is blank."]}`)
	})
	u, err := c.Add(t.Context(), "abc", client.Upload{ID: "upload-1", Filename: "a.jpg", Position: 3, Open: func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader("picture")), nil
	}})
	if err != nil || len(u.Images) != 1 || u.Images[0].N != 3 || len(u.Refused) != 1 || calls.Load() != 3 {
		t.Errorf("%v %v after %d calls", u, err, calls.Load())
	}
}

func TestARefusalIsNotRepeatedAndHasItsSentence(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	c := serve(t, client.Options{}, func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		w.WriteHeader(http.StatusConflict)
		fmt.Fprint(w, `{"title": "Not possible now", "status": 409, "detail": "Start it first.", "code": "conflict", "location": "body.x", "instance": "K3V9"}`)
	})
	_, err := c.Start(t.Context(), "abc")
	problem, ok := errors.AsType[*client.Error](err)
	if !ok || problem.Error() != "Start it first." || problem.RequestID != "K3V9" || problem.Code != "conflict" || problem.Location != "body.x" || client.StatusOf(err) != 409 || calls.Load() != 1 {
		t.Errorf("%v after %d calls", err, calls.Load())
	}
}

func TestAFileThatCannotBeOpenedIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	c := serve(t, client.Options{}, func(http.ResponseWriter, *http.Request) { t.Error("the server was called") })
	gone := errors.New("gone")
	_, err := c.Add(t.Context(), "abc", client.Upload{ID: "upload-1", Open: func() (io.ReadCloser, error) { return nil, gone }})
	if !errors.Is(err, gone) {
		t.Error(err)
	}
}

func TestFollowingGoesOnAfterALostConnectionUntilTheEnd(t *testing.T) {
	t.Parallel()
	var streams atomic.Int32
	c := serve(t, client.Options{}, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/images"):
			fmt.Fprint(w, `{"images": [{"n": 1, "status": "completed"}]}`)
		case !strings.HasSuffix(r.URL.Path, "/events"):
			fmt.Fprint(w, `{"id": "abc", "status": "completed"}`)
		case streams.Add(1) == 1:
			fmt.Fprint(w, "event: message\ndata: {\"batch\":{\"status\":\"processing\"}}\ndata: {\"image\":{\"n\":1,\"status\":\"processing\"}}\n\n")
		default:
			fmt.Fprint(w, "event: beat\ndata:\n\ndata: {\"batch\":{\"status\":\"completed\"}}\n\n")
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var seen []string
	err := c.Follow(ctx, "abc", func(e client.Event) error {
		if e.Batch != nil {
			seen = append(seen, "batch "+e.Batch.Status)
		}
		if e.Image != nil {
			seen = append(seen, "image "+e.Image.Status)
		}
		return nil
	})
	want := "batch processing, image processing, batch completed, image completed, batch completed"
	if err != nil || strings.Join(seen, ", ") != want || streams.Load() != 2 {
		t.Errorf("%v, %v in %d streams", seen, err, streams.Load())
	}
}

func TestFollowingADeletedBatchEnds(t *testing.T) {
	t.Parallel()
	c := serve(t, client.Options{}, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "data: {\"gone\":true}\n\n") })
	if err := c.Follow(t.Context(), "abc", func(client.Event) error { return nil }); !errors.Is(err, client.ErrDeleted) {
		t.Error(err)
	}
}
