// Package access authenticates people and programs and limits wrong secrets. It knows no batches and no pages;
// internal/web calls it, and the store persists its documents.
package access

import (
	"container/list"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// The limits of wrong secrets. They bound answers and work, not luck: a right secret is compared first and always
// passes, so the length of a password protects against guessing.
const (
	clientBurst = 10 // wrong secrets of one client at once: enough for a forgetful office behind one address
	clientEvery = 6 * time.Second
	totalBurst  = 200 // of all clients together
	totalEvery  = 200 * time.Millisecond
	maxClients  = 4096 // clients that are remembered; beyond that, the longest inactive one is forgotten
)

// Attempts counts wrong secrets per client, with a cap over all clients. A client is an IPv4 address, or an IPv6
// /64, which is the range of one customer. The zero value is not usable; call NewAttempts. Safe for concurrent use.
type Attempts struct {
	mu      sync.Mutex
	total   *rate.Limiter
	clients map[netip.Prefix]*list.Element // of *client
	recent  *list.List                     // the newest in front
}

type client struct {
	net   netip.Prefix
	limit *rate.Limiter
}

// NewAttempts returns an empty count.
func NewAttempts() *Attempts {
	return &Attempts{
		total: rate.NewLimiter(rate.Every(totalEvery), totalBurst), clients: map[netip.Prefix]*list.Element{}, recent: list.New(),
	}
}

// Wrong counts a wrong secret from an address. It returns 0 while the client is within the limits, otherwise the
// time that it should wait. All clients with an unknown address count as one.
func (a *Attempts) Wrong(from netip.Addr, now time.Time) (wait time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	c := a.client(network(from))
	if wait := untilToken(c.limit, now); wait > 0 { // a client beyond its limit uses up nothing of the total
		return wait
	}
	if wait := untilToken(a.total, now); wait > 0 {
		return wait
	}
	c.limit.AllowN(now, 1)
	a.total.AllowN(now, 1)
	return 0
}

// client returns the entry of a client, and evicts another one if there is no room. The caller holds a.mu.
func (a *Attempts) client(net netip.Prefix) *client {
	if e, known := a.clients[net]; known {
		a.recent.MoveToFront(e)
		return e.Value.(*client)
	}
	if a.recent.Len() >= maxClients {
		oldest := a.recent.Remove(a.recent.Back()).(*client)
		delete(a.clients, oldest.net)
	}
	c := &client{net: net, limit: rate.NewLimiter(rate.Every(clientEvery), clientBurst)}
	a.clients[net] = a.recent.PushFront(c)
	return c
}

// network returns the range that counts as one client.
func network(from netip.Addr) netip.Prefix {
	from = from.Unmap().WithZone("")
	bits := from.BitLen()
	if from.Is6() {
		bits = 64
	}
	p, _ := from.Prefix(bits) // the zero Prefix for the zero Addr
	return p
}

// untilToken returns the time until the limiter lets one call through; 0 if it does now.
func untilToken(l *rate.Limiter, now time.Time) time.Duration {
	missing := 1 - l.TokensAt(now)
	if missing <= 0 {
		return 0
	}
	return time.Duration(missing / float64(l.Limit()) * float64(time.Second))
}
