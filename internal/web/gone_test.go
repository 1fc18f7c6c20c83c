package web_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"

	"sheetlift/internal/live"
	"sheetlift/internal/web"
)

// severed is an answer whose connection ends before it is written.
type severed struct {
	*httptest.ResponseRecorder
	from net.Addr
}

func (b severed) Write([]byte) (int, error) {
	return 0, &net.OpError{Op: "write", Net: "tcp", Source: b.from, Addr: b.from, Err: os.NewSyscallError("write", syscall.EPIPE)}
}

func TestAConnectionThatBreaksIsNoFaultOfTheProgram(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "tesseract")
	b := d.draft("a")
	var log bytes.Buffer
	pages := web.New(web.Config{}, web.Deps{
		Services: d.service, Progress: d.progress, Feed: live.New(live.Options{}), Log: slog.New(slog.NewTextHandler(&log, nil)),
	}).Handler()
	here, elsewhere := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080}, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 4222}
	for from, errors := range map[net.Addr]int{here: 0, elsewhere: 1} { // another connection is that of the store
		log.Reset()
		r := httptest.NewRequestWithContext(context.WithValue(t.Context(), http.LocalAddrContextKey, net.Addr(here)), http.MethodGet,
			"http://127.0.0.1/batches/"+string(b.ID)+"/images/1/thumb", nil)
		pages.ServeHTTP(severed{httptest.NewRecorder(), from}, r)
		if n := strings.Count(log.String(), "level=ERROR"); n != errors {
			t.Errorf("a write from %s that failed is told %d times:\n%s", from, n, log.String())
		}
	}
}
