package access

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"
)

func TestWrongSecretsOfOneClientAreLimitedAndTakeNothingFromOthers(t *testing.T) {
	t.Parallel()
	a, now := NewAttempts(), time.Now()
	one, other := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	for i := range clientBurst {
		if wait := a.Wrong(one, now); wait != 0 {
			t.Fatalf("wrong secret %d waits %v", i+1, wait)
		}
	}
	for range 10 * totalBurst {
		if wait := a.Wrong(one, now); wait <= 0 || wait > clientEvery {
			t.Fatalf("beyond its limit a client waits %v", wait)
		}
	}
	if wait := a.Wrong(other, now); wait != 0 {
		t.Errorf("another client waits %v", wait)
	}
	if wait := a.Wrong(one, now.Add(clientEvery+time.Millisecond)); wait != 0 {
		t.Errorf("after its time the client waits %v", wait)
	}
}

func TestACapOverAllBoundsWrongSecretsOfManyClients(t *testing.T) {
	t.Parallel()
	a, now, taken := NewAttempts(), time.Now(), 0
	for i := range 4 * totalBurst {
		if a.Wrong(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), now) == 0 {
			taken++
		}
	}
	if taken != totalBurst {
		t.Errorf("%d wrong secrets were let through, want %d", taken, totalBurst)
	}
}

func TestAClientOfIPv6IsItsNetworkAndOneOfIPv4IsTheSameWhenMapped(t *testing.T) {
	t.Parallel()
	a, now := NewAttempts(), time.Now()
	for i := range clientBurst {
		var addr [16]byte
		copy(addr[:], []byte{0x20, 0x01, 0x0d, 0xb8})
		binary.BigEndian.PutUint64(addr[8:], uint64(i)*7919)
		a.Wrong(netip.AddrFrom16(addr), now)
	}
	if a.Wrong(netip.MustParseAddr("2001:db8::ffff"), now) == 0 {
		t.Error("another address of the same /64 has a limit of its own")
	}
	if a.Wrong(netip.MustParseAddr("2001:db8:0:1::1"), now) != 0 {
		t.Error("another /64 shares the limit")
	}
	for range clientBurst {
		a.Wrong(netip.MustParseAddr("192.0.2.7"), now)
	}
	if a.Wrong(netip.MustParseAddr("::ffff:192.0.2.7"), now) == 0 {
		t.Error("the mapped form of an address has a limit of its own")
	}
}

func TestTheTableOfClientsIsBounded(t *testing.T) {
	t.Parallel()
	a, now := NewAttempts(), time.Now()
	for i := range 3 * maxClients {
		a.Wrong(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), now)
	}
	if len(a.clients) != maxClients || a.recent.Len() != maxClients {
		t.Errorf("%d clients are remembered, %d in order; want %d", len(a.clients), a.recent.Len(), maxClients)
	}
}
