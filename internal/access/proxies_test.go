package access

import (
	"net/netip"
	"strings"
	"testing"
)

func proxies(networks ...string) Proxies {
	var p Proxies
	for _, n := range networks {
		p = append(p, netip.MustParsePrefix(n))
	}
	return p
}

func TestTheClientIsTheRightmostHopThatIsNoProxyOfOurs(t *testing.T) {
	t.Parallel()
	p := proxies("127.0.0.0/8", "10.0.0.0/8", "2001:db8:1::/48")
	for _, c := range []struct{ lines, want string }{
		{"192.0.2.1", "192.0.2.1"},
		{"6.6.6.6, 192.0.2.1", "192.0.2.1"},
		{"6.6.6.6, 192.0.2.1, 10.1.1.1", "192.0.2.1"},
		{"6.6.6.6|192.0.2.1, 10.1.1.1|127.0.0.1", "192.0.2.1"},
		{"192.0.2.1:4711, 10.1.1.1:80", "192.0.2.1"},
		{"[2001:db8::1]:4711", "2001:db8::1"},
		{"[2001:db8::1], 2001:db8:1::9", "2001:db8::1"},
		{"::ffff:192.0.2.1", "192.0.2.1"},
		{"10.0.0.1, 10.0.0.2", "10.0.0.1"},
		{"6.6.6.6, unknown, 10.0.0.2", "10.0.0.2"},
		{" , 192.0.2.1 ,, ", "192.0.2.1"},
		{"unknown", ""},
		{"", ""},
		{strings.Repeat("10.0.0.1,", 5000), "10.0.0.1"},
	} {
		addr, ok := p.Client(strings.Split(c.lines, "|"))
		if got := addr.String(); ok != (c.want != "") || ok && got != c.want {
			t.Errorf("%.60q: %s %t, want %q", c.lines, got, ok, c.want)
		}
	}
}

func FuzzForwardedFor(f *testing.F) {
	for _, seed := range []string{"192.0.2.1", "a, [::1]:80, 10.0.0.1", "[[::1]]", ",,,", "fe80::1%eth0", "1.2.3.4:"} {
		f.Add(seed)
	}
	p := proxies("10.0.0.0/8")
	f.Fuzz(func(t *testing.T, line string) {
		addr, ok := p.Client([]string{line, "203.0.113.9"})
		if !ok || addr != netip.MustParseAddr("203.0.113.9") {
			t.Errorf("%q: the line of an untrusted hop changed the client to %v", line, addr)
		}
		addr, ok = p.Client([]string{line})
		if ok && (!addr.IsValid() || addr.Zone() != "" || addr.Is4In6()) {
			t.Errorf("%q: the client is %v", line, addr)
		}
	})
}
