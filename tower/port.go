package tower

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/beckmesh/beck/internal/network"
	"github.com/beckmesh/beck/internal/zmtp"
	"github.com/beckmesh/beck/protocol"
)

var (
	errHandshake   = errors.New("tower: handshake failed")
	errConnections = errors.New("tower: too many connections")
)

// lastLink numbers the connections of all towers.
var lastLink atomic.Uint64

// port is one of the two listeners with its connections.
type port struct {
	tower    *Tower
	listener net.Listener
	guard    *zmtp.Guard
	as       zmtp.SocketType
	serve    func(*link)

	mu        sync.Mutex
	closed    bool
	conns     map[net.Conn]struct{} // past their handshake
	byAddress map[netip.Addr]int
}

// link is one connection past its handshake.
type link struct {
	id            uint64
	conn          net.Conn
	remote, local netip.Addr
}

// bind opens a port; run serves it.
func (t *Tower) bind(endpoint string, as zmtp.SocketType, serve func(*link)) (*port, error) {
	host, number, err := protocol.ParseEndpoint(endpoint)
	if err != nil {
		return nil, err
	}
	addr := net.JoinHostPort(host, number)
	listener, err := network.For(addr).Listen(t.ctx, addr, "")
	if err != nil {
		return nil, err
	}
	return &port{
		tower:     t,
		listener:  listener,
		guard:     zmtp.NewGuard(0),
		as:        as,
		serve:     serve,
		conns:     make(map[net.Conn]struct{}),
		byAddress: make(map[netip.Addr]int),
	}, nil
}

// endpoint is where a local node dials the port.
func (p *port) endpoint() string {
	bound := p.listener.Addr().(*net.TCPAddr).AddrPort()
	host := bound.Addr().Unmap()
	if host.IsUnspecified() {
		host = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return protocol.FormatEndpoint(host.String(), bound.Port())
}

// run accepts connections until close. Each gets a goroutine; how many of them
// can be in their handshake is the guard's business.
func (p *port) run() {
	var backoff time.Duration
	for {
		conn, err := p.listener.Accept()
		switch {
		case err == nil:
			backoff = 0
			p.tower.all.Go(func() { p.welcome(conn) })
		case p.tower.ctx.Err() != nil:
			return
		default: // out of files, most likely: what is open goes on
			backoff = min(max(2*backoff, 5*time.Millisecond), time.Second)
			p.tower.log.Warn("cannot accept connections", "endpoint", p.endpoint(), "err", err)
			pause(p.tower.ctx, backoff)
		}
	}
}

// welcome takes a connection through its handshake. It is served on another
// goroutine: the stack of this one has grown, and the link may idle for days.
func (p *port) welcome(conn net.Conn) {
	if _, err := p.guard.Handshake(conn, zmtp.Options{Type: p.as}); err != nil {
		if p.tower.ctx.Err() == nil {
			p.refuse(conn, fmt.Errorf("%w: %w", errHandshake, err))
		}
		conn.Close()
		return
	}
	l := &link{id: lastLink.Add(1), conn: conn, remote: ipOf(conn.RemoteAddr()), local: ipOf(conn.LocalAddr())}
	if err := p.enter(l); err != nil {
		p.refuse(conn, err)
		conn.Close()
		return
	}
	p.tower.all.Go(func() {
		defer conn.Close()
		defer p.leave(l)
		p.serve(l)
	})
}

func (p *port) refuse(conn net.Conn, err error) {
	p.tower.refuse(err)
	p.tower.log.Debug("connection refused", "remote", conn.RemoteAddr(), "err", err)
}

// enter counts a connection in, within the limits.
func (p *port) enter(l *link) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return net.ErrClosed
	}
	if len(p.conns) >= p.tower.cfg.MaxNodes || p.byAddress[l.remote] >= p.tower.cfg.MaxPerAddress {
		return errConnections
	}
	p.conns[l.conn] = struct{}{}
	p.byAddress[l.remote]++
	return nil
}

func (p *port) leave(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, l.conn)
	if p.byAddress[l.remote]--; p.byAddress[l.remote] == 0 {
		delete(p.byAddress, l.remote)
	}
}

func (p *port) links() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.conns)
}

// close closes the port and its connections; their goroutines then end.
func (p *port) close() {
	p.listener.Close()
	p.guard.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for conn := range p.conns {
		conn.Close()
	}
}

// ipOf is the IP address of an end of a TCP connection. IPv4 is IPv4 also on a
// socket that speaks both.
func ipOf(addr net.Addr) netip.Addr {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return tcp.AddrPort().Addr().Unmap()
}

// pause waits for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
