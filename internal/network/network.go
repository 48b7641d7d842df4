// Package network is what carries the links of nodes and towers: the sockets of
// the machine, or memory in the tests of an application.
package network

import (
	"context"
	"net"
	"sync"
	"time"
)

// Network connects those who listen with those who dial. Addresses are
// "host:port", as net.JoinHostPort makes them.
type Network interface {
	// Listen opens an address for owner, a node's UUID, or "" for a tower. The
	// listener's address is a *net.TCPAddr.
	Listen(ctx context.Context, addr, owner string) (net.Listener, error)
	// Dial connects to an address, within dialTimeout.
	Dial(ctx context.Context, addr string) (net.Conn, error)
}

// dialTimeout is for connecting to a node or a tower.
const dialTimeout = 2 * time.Second

var networks sync.Map // host → Network

// Register has nodes and towers that listen at host use a network of their own,
// until the returned function is called. No other node can reach them.
func Register(host string, n Network) (unregister func()) {
	networks.Store(host, n)
	return func() { networks.Delete(host) }
}

// For returns the network of who listens at addr: Sockets, unless the host was
// registered.
func For(addr string) Network {
	if host, _, err := net.SplitHostPort(addr); err == nil {
		if n, ok := networks.Load(host); ok {
			return n.(Network)
		}
	}
	return Sockets{}
}

// Sockets is the network of the machine.
type Sockets struct{}

// keepAlive finds a peer that is gone without a word within about 3 s. (No
// TCP_USER_TIMEOUT: Linux counts a closed receive window against it, and would
// cut peers that are merely slow.)
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: time.Second, Interval: time.Second, Count: 3}

// Listen opens a TCP port; the owner does not matter.
func (Sockets) Listen(ctx context.Context, addr, _ string) (net.Listener, error) {
	lc := net.ListenConfig{KeepAliveConfig: keepAlive}
	return lc.Listen(ctx, "tcp", addr)
}

// Dial connects by TCP.
func (Sockets) Dial(ctx context.Context, addr string) (net.Conn, error) {
	d := net.Dialer{Timeout: dialTimeout, KeepAliveConfig: keepAlive}
	return d.DialContext(ctx, "tcp", addr)
}
