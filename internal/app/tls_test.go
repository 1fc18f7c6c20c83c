package app

import (
	"bytes"
	"context"
	"crypto/tls"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sheetlift/internal/app/certtest"
	"sheetlift/internal/config"
)

func (c *certificate) number(t *testing.T) int64 {
	t.Helper()
	pair, err := c.settings().GetCertificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	return pair.Leaf.SerialNumber.Int64()
}

func TestARenewedCertificateIsServedWithoutARestartAndABadOneChangesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := &config.Config{TLSCert: filepath.Join(dir, "cert"), TLSKey: filepath.Join(dir, "key")}
	if _, err := newCertificate(c, slog.Default()); !config.IsUsage(err) {
		t.Errorf("without files: %v", err)
	}
	certtest.Write(t, c.TLSCert, c.TLSKey, 1)
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		cert, err := newCertificate(c, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- cert.follow(ctx) }()
		look := func() {
			<-time.After(lookAtCertificate + time.Second)
			synctest.Wait()
		}
		certtest.Write(t, c.TLSCert, c.TLSKey, 2)
		look()
		if n := cert.number(t); n != 2 {
			t.Errorf("after a renewal the certificate is number %d", n)
		}
		if err := os.WriteFile(c.TLSKey, []byte("half a key"), 0o600); err != nil {
			t.Fatal(err)
		}
		look()
		look()
		const word = "the new certificate cannot be used; the old one stays"
		if n := cert.number(t); n != 2 || strings.Count(log.String(), word) != 1 {
			t.Errorf("after a bad one the certificate is number %d; the log: %s", n, log.String())
		}
		cert.reload() // as on SIGHUP: it is said again, since somebody asked
		synctest.Wait()
		if n := cert.number(t); n != 2 || strings.Count(log.String(), word) != 2 {
			t.Errorf("after a signal with a bad one the certificate is number %d; the log: %s", n, log.String())
		}
		certtest.Write(t, c.TLSCert, c.TLSKey, 3)
		look()
		if n := cert.number(t); n != 3 {
			t.Errorf("after the next renewal the certificate is number %d", n)
		}
		certtest.Write(t, c.TLSCert, c.TLSKey, 4)
		cert.reload()
		synctest.Wait() // no time passes
		if n := cert.number(t); n != 4 {
			t.Errorf("after a signal the certificate is number %d", n)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestPagesAreServedByTLSAndHTTP2(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := &config.Config{TLSCert: filepath.Join(dir, "cert"), TLSKey: filepath.Join(dir, "key")}
	certtest.Write(t, c.TLSCert, c.TLSKey, 1)
	cert, err := newCertificate(c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.EnableHTTP2 = true
	server.TLS = cert.settings()
	server.StartTLS()
	defer server.Close()
	client := &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true, ServerName: "localhost"}}}
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.ProtoMajor != 2 {
		t.Errorf("the answer is by %s", res.Proto)
	}
}
