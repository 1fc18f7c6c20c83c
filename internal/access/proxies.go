package access

import (
	"net"
	"net/netip"
	"strings"
)

// maxHops bounds the hops of X-Forwarded-For that are parsed, from the right; no honest chain is longer.
const maxHops = 32

// Proxies are the networks of the trusted reverse proxies.
type Proxies []netip.Prefix

// Trust reports whether an address belongs to a trusted proxy.
func (p Proxies) Trust(from netip.Addr) bool {
	for _, network := range p {
		if network.Contains(from) {
			return true
		}
	}
	return false
}

// Client returns the client named by the lines of X-Forwarded-For: the first hop from the right that is no trusted
// proxy, since that hop itself wrote everything left of it. If all are trusted it is the leftmost hop; false if
// there is none. An unreadable hop ends the chain: everything left of it is ignored.
func (p Proxies) Client(lines []string) (client netip.Addr, ok bool) {
	hops := 0
	for i := len(lines) - 1; i >= 0; i-- {
		for rest, more := lines[i], true; more; {
			var hop string
			if at := strings.LastIndexByte(rest, ','); at >= 0 {
				rest, hop = rest[:at], rest[at+1:]
			} else {
				rest, hop, more = "", rest, false
			}
			if hop = strings.TrimSpace(hop); hop == "" {
				continue
			}
			addr, readable := Address(hop)
			if hops++; hops > maxHops || !readable {
				return client, ok
			}
			if client, ok = addr, true; !p.Trust(addr) {
				return client, ok
			}
		}
	}
	return client, ok
}

// Address parses an address with or without a port, as proxies write them: 192.0.2.1, 192.0.2.1:80, 2001:db8::1,
// [2001:db8::1], [2001:db8::1]:80. An IPv4-mapped IPv6 address becomes IPv4, and zones are dropped.
func Address(text string) (netip.Addr, bool) {
	if addr, err := netip.ParseAddr(text); err == nil {
		return addr.Unmap().WithZone(""), true
	}
	if host, _, err := net.SplitHostPort(text); err == nil {
		text = host
	}
	addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	return addr.Unmap().WithZone(""), err == nil
}
