// Package pipe connects an HTTP server and its client within one process, without an address.
package pipe

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// Listener accepts the connections of its own client, and no others. Use New to create one.
type Listener struct {
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

// New returns a listener. Requests of its client wait until somebody accepts them.
func New() *Listener { return &Listener{conns: make(chan net.Conn), closed: make(chan struct{})} }

// Client returns a client whose requests all go to the server on l; the host in their URL does not matter.
func (l *Listener) Client() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: l.dial, MaxIdleConnsPerHost: 8, IdleConnTimeout: time.Minute}}
}

// loopback stands in for the address of both ends.
var loopback = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}

// conn is one end of a pipe, as a connection from this machine.
type conn struct{ net.Conn }

// RemoteAddr implements net.Conn.
func (conn) RemoteAddr() net.Addr { return loopback }

// LocalAddr implements net.Conn.
func (conn) LocalAddr() net.Addr { return loopback }

func (l *Listener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case l.conns <- conn{theirs}:
		return ours, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements net.Listener.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *Listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr implements net.Listener.
func (l *Listener) Addr() net.Addr { return loopback }
