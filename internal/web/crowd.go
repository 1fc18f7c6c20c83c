package web

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/labstack/echo/v4"

	"sheetlift/internal/errs"
	"sheetlift/views"
)

const (
	fewest  = 16   // connections that may be open, however few files this process may have open
	most    = 4096 // however many, when nobody says how many
	reserve = 8    // more are let in to be told to come later, and to ask for the health
	again   = "5"  // seconds after which to try again
)

// crowd bounds how many connections are open, and how many of them are live wires, in all and for one client.
type crowd struct {
	limit int
	slots chan struct{} // one for each connection, the reserve included, and for the one that Accept waits for
	open  atomic.Int64  // connections

	mu    sync.Mutex
	idle  map[net.Conn]bool // answered a request and wait for the next; one without a first request is not among them
	wires map[string]int    // by client
	all   int               // wires
}

// MostConnections is how many connections may be open when only the files that this process may have open count: the
// store, its calls and its children need the others.
func MostConnections() int {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		return most
	}
	return max(int(min(files.Cur, 1<<30)/4*3)-32, fewest)
}

// newCrowd lets limit connections be open; 0 is as many as the files allow, up to most.
func newCrowd(limit int) *crowd {
	if limit == 0 {
		limit = min(MostConnections(), most)
	}
	return &crowd{limit: limit, slots: make(chan struct{}, limit+reserve), idle: map[net.Conn]bool{}, wires: map[string]int{}}
}

// full reports whether more connections are open than may be.
func (c *crowd) full() bool { return c.open.Load() > int64(c.limit) }

// Listener is l with a bound on how many connections are open at once: those beyond it wait to be accepted.
func (s *Server) Listener(l net.Listener) net.Listener {
	return &bounded{Listener: l, crowd: s.crowd, closed: make(chan struct{})}
}

type bounded struct {
	net.Listener
	crowd  *crowd
	once   sync.Once
	closed chan struct{}
}

// Accept waits for a connection and for room for it. Connections that are idle make room.
func (b *bounded) Accept() (net.Conn, error) {
	if len(b.crowd.slots) >= b.crowd.limit {
		b.crowd.makeRoom()
	}
	select {
	case b.crowd.slots <- struct{}{}:
	case <-b.closed:
		return nil, net.ErrClosed
	}
	conn, err := b.Listener.Accept()
	if err != nil {
		<-b.crowd.slots
		return nil, err
	}
	extra := b.crowd.open.Add(1) > int64(b.crowd.limit)
	return &seat{Conn: conn, extra: extra, leave: sync.OnceFunc(func() { b.crowd.open.Add(-1); <-b.crowd.slots })}, nil
}

// Close ends the waiting of Accept, too.
func (b *bounded) Close() error {
	b.once.Do(func() { close(b.closed) })
	return b.Listener.Close()
}

// seat is a connection that gives its place back when it is closed.
type seat struct {
	net.Conn
	extra bool // it was let in beyond the bound
	leave func()
}

// seatKey is the context key for the seat, the connection on which a request arrived.
type seatKey struct{}

// seated returns ctx with the seat of the connection under seatKey; see http.Server.ConnContext.
func seated(ctx context.Context, conn net.Conn) context.Context {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	return context.WithValue(ctx, seatKey{}, conn)
}

// Close implements net.Conn.
func (s *seat) Close() error {
	defer s.leave()
	return s.Conn.Close()
}

// watch keeps the idle connections; see http.Server.ConnState. While there is no room, a connection that becomes idle is
// closed at once: Accept may be waiting for its place already.
func (c *crowd) watch(conn net.Conn, state http.ConnState) {
	if !c.mayStay(conn, state) {
		_ = conn.Close()
	}
}

// mayStay notes the state of a connection. The room is checked under the lock, so that makeRoom finds a connection that
// stays although the last place is taken right after.
func (c *crowd) mayStay(conn net.Conn, state http.ConnState) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.idle, conn)
	if state != http.StateIdle {
		return true
	}
	if c.open.Load() >= int64(c.limit) {
		return false
	}
	c.idle[conn] = true
	return true
}

// makeRoom closes the connections that wait for a next request; their clients open others when they need them.
func (c *crowd) makeRoom() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.idle {
		_ = conn.Close()
	}
	clear(c.idle)
}

// hasRoom reports whether the request may be served. While more connections are open than the limit, it refuses requests on
// the connections beyond it with 503 and Retry-After. The health check and connections within the limit are always served.
func (s *Server) hasRoom(w http.ResponseWriter, r *http.Request) bool {
	at, known := r.Context().Value(seatKey{}).(*seat)
	if !s.crowd.full() || isProbe(r.URL.Path) || known && !at.extra {
		return true
	}
	w.Header().Set("Retry-After", again)
	refuse(w, r, http.StatusServiceUnavailable, views.Localize(r.Context(), "Too many pages are open. Try again in a moment."))
	return false
}

// wire bounds the live wires: three quarters of the connections, and half of them for one client.
func (s *Server) wire(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		client := c.RealIP()
		if !s.crowd.join(client) {
			c.Response().Header().Set("Retry-After", again)
			return errs.New(errs.Unavailable, "Too many pages are open. This one does not update by itself for now; reload it.")
		}
		defer s.crowd.quit(client)
		return next(c)
	}
}

// Streams returns the number of event streams that are open.
func (s *Server) Streams() int {
	s.crowd.mu.Lock()
	defer s.crowd.mu.Unlock()
	return s.crowd.all
}

func (c *crowd) join(client string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all >= c.limit/4*3 || c.wires[client] >= c.limit/2 {
		return false
	}
	c.all++
	c.wires[client]++
	return true
}

func (c *crowd) quit(client string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all--
	if c.wires[client]--; c.wires[client] == 0 {
		delete(c.wires, client)
	}
}
