package web

import (
	"context"
	"net/http"
	"net/netip"
	"strings"

	"sheetlift/internal/access"
)

type secureKey struct{}

// unwrap replaces the connection data of a request by the headers of trusted proxies: client address, requested host, and TLS.
// The headers are ignored from any other peer. The request is changed in place, so that all later code, including limits by
// address, sees the client and not the proxy.
func (s *Server) unwrap(ctx context.Context, r *http.Request) context.Context {
	secure := r.TLS != nil
	if from, ok := access.Address(r.RemoteAddr); ok && s.cfg.Proxies.Trust(from) {
		if client, ok := s.cfg.Proxies.Client(r.Header.Values("X-Forwarded-For")); ok {
			r.RemoteAddr = netip.AddrPortFrom(client, 0).String()
		}
		if host := lastOf(r.Header.Values("X-Forwarded-Host")); host != "" {
			r.Host = host
		}
		switch strings.ToLower(lastOf(r.Header.Values("X-Forwarded-Proto"))) {
		case "https":
			secure = true
		case "http":
			secure = false
		}
	}
	return context.WithValue(ctx, secureKey{}, secure)
}

// secure reports whether the browser's connection uses TLS, here or at a trusted proxy.
func secure(r *http.Request) bool {
	s, _ := r.Context().Value(secureKey{}).(bool)
	return s
}

// clientOf returns the address that a request came from; the zero Addr if it has none, as on a Unix socket.
func clientOf(r *http.Request) netip.Addr {
	from, _ := access.Address(r.RemoteAddr)
	return from
}

// lastOf returns the last value of the last line of a header that every hop may append to: the one written by the proxy that is
// our peer.
func lastOf(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	last := lines[len(lines)-1]
	return strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:])
}
