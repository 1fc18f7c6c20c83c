package app

import (
	"context"
	"crypto/tls"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"sheetlift/internal/config"
)

// lookAtCertificate is the interval of the checks whether the certificate was renewed.
const lookAtCertificate = 10 * time.Second

// certificate holds the TLS certificate of the server. It is read again when its files change; a pair that cannot be used
// changes nothing.
type certificate struct {
	cert, key string
	every     time.Duration
	log       *slog.Logger
	again     chan struct{} // asks for the pair to be read, whether its files changed or not
	now       atomic.Pointer[tls.Certificate]
	seen      [2]mark
}

// newCertificate reads the certificate and its key; nil without TLS in the settings.
func newCertificate(c *config.Config, log *slog.Logger) (*certificate, error) {
	if c.TLSCert == "" {
		return nil, nil
	}
	t := &certificate{cert: c.TLSCert, key: c.TLSKey, every: lookAtCertificate, again: make(chan struct{}, 1), log: log}
	t.seen = t.marks()
	if err := t.read(); err != nil {
		return nil, &config.Error{Setting: "SHEETLIFT_TLS_CERT", Reason: "and SHEETLIFT_TLS_KEY cannot be used: " + err.Error(),
			Remedy: "Name a PEM file with the certificate and those that signed it, and the PEM file with its key"}
	}
	return t, nil
}

func (t *certificate) read() error {
	pair, err := tls.LoadX509KeyPair(t.cert, t.key)
	if err == nil {
		t.now.Store(&pair)
	}
	return err
}

// settings returns the TLS configuration of a server: TLS 1.2 or later, with HTTP/2 for clients that support it.
func (t *certificate) settings() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return t.now.Load(), nil },
	}
}

// reload causes the pair to be read again now. It returns at once; the outcome is logged.
func (t *certificate) reload() {
	select {
	case t.again <- struct{}{}:
	default: // one is on its way
	}
}

// follow reads the pair again when one of its files changed and on reload, until ctx ends. Each pair that cannot be used is
// logged once.
func (t *certificate) follow(ctx context.Context) error {
	look := time.NewTicker(t.every)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.again:
			t.seen = t.marks()
		case <-look.C:
			now := t.marks()
			if now == t.seen {
				continue
			}
			t.seen = now
		}
		if err := t.read(); err != nil {
			t.log.Error("the new certificate cannot be used; the old one stays", "certificate", t.cert, "key", t.key, "err", err)
			continue
		}
		t.log.Info("the certificate was read anew", "certificate", t.cert)
	}
}

func (t *certificate) marks() (m [2]mark) {
	for i, file := range []string{t.cert, t.key} {
		m[i].size = -1
		if info, err := os.Stat(file); err == nil {
			m[i] = mark{info.Size(), info.ModTime()}
		}
	}
	return m
}
