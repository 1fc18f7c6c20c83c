package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// errPrivate means that an endpoint's name leads into a private network that nobody named.
var errPrivate = errors.New("its name leads to a private address, which SHEETLIFT_WEBHOOKS does not name")

// clientFor returns a client for one endpoint. It follows no redirects, uses no proxy, and connects only to public addresses, to the
// address that the endpoint's URL itself names, and to addresses in networks.
func clientFor(endpoint string, networks []netip.Prefix) *http.Client {
	host := ""
	if u, err := url.Parse(endpoint); err == nil {
		host = strings.ToLower(u.Hostname())
	}
	dialer := &net.Dialer{Timeout: timeout, Control: func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			return err
		}
		if !reachable(host, at.Addr().Unmap().WithZone(""), networks) {
			return errPrivate
		}
		return nil
	}}
	return &http.Client{
		Timeout:       timeout,
		Transport:     &http.Transport{DialContext: dialer.DialContext, TLSHandshakeTimeout: timeout, DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// special are networks that are not of the public internet, besides those that netip knows.
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"), netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("2001::/23"), netip.MustParsePrefix("2001:db8::/32"),
	netip.MustParsePrefix("2002::/16"), netip.MustParsePrefix("fec0::/10"),
}

// reachable reports whether an endpoint with this host may be called at this address.
func reachable(host string, at netip.Addr, networks []netip.Prefix) bool {
	if named, err := netip.ParseAddr(host); err == nil && named.Unmap() == at || host == "localhost" && at.IsLoopback() {
		return true
	}
	for _, network := range networks {
		if network.Contains(at) {
			return true
		}
	}
	if !at.IsGlobalUnicast() || at.IsPrivate() {
		return false
	}
	for _, network := range special {
		if network.Contains(at) {
			return false
		}
	}
	return true
}

// post makes one attempt and returns the status of the answer, or why there is none.
func (s *Sender) post(ctx context.Context, d *Delivery, at time.Time) (status int, fault string) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.Endpoint, bytes.NewReader(d.Body))
	if err != nil {
		return 0, err.Error()
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Sheetlift")
	req.Header.Set("Sheetlift-Delivery", fmt.Sprintf("%s.%d", d.Key, d.At.UnixMilli())) // the same for each attempt
	req.Header.Set("Sheetlift-Signature", Sign(s.options.Secret, at, d.Body))
	res, err := s.clients[d.Endpoint].Do(req)
	if err != nil {
		if wrapped, ok := errors.AsType[*url.Error](err); ok {
			err = wrapped.Err // without the URL, which stands beside it
		}
		return 0, err.Error()
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) // its content does not matter
	return res.StatusCode, ""
}
