package testproc

import (
	"fmt"
	"io"
	"net"
	"sync"

	"github.com/beckmesh/beck/internal/faultproxy"
	"github.com/beckmesh/beck/internal/zmtp"
	"github.com/beckmesh/beck/protocol"
)

// Front stands before the pub port of a tower. The nodes that listen there are
// told of fault proxies instead of the nodes that the tower announces, one for
// each endpoint: all links that they dial pass through them. Its methods may be
// called by any goroutine.
type Front struct {
	tower string // "host:port" of its pub port, which may go and come back
	front net.Listener
	wg    sync.WaitGroup

	mu      sync.Mutex
	proxies map[string]*faultproxy.Proxy // by the endpoint that they stand before
	set     func(endpoint string, p *faultproxy.Proxy)
	conns   map[net.Conn]struct{}
	err     error
	closed  bool
}

// NewFront stands before the pub endpoint of a tower, "tcp://host:port".
func NewFront(pub string) (*Front, error) {
	host, port, err := protocol.ParseEndpoint(pub)
	if err != nil {
		return nil, fmt.Errorf("front of a tower: %w", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("front of a tower: %w", err)
	}
	f := &Front{
		tower: net.JoinHostPort(host, port), front: l,
		proxies: make(map[string]*faultproxy.Proxy), conns: make(map[net.Conn]struct{}),
	}
	f.wg.Go(f.accept)
	return f, nil
}

// Pub is the endpoint that nodes take for the tower's.
func (f *Front) Pub() string { return "tcp://" + f.front.Addr().String() }

// Each calls set for all proxies and the endpoints that they stand before, and
// for those that come later, before they are used. set must not call f.
func (f *Front) Each(set func(endpoint string, p *faultproxy.Proxy)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.set = set
	for endpoint, p := range f.proxies {
		set(endpoint, p)
	}
}

// Visit calls visit for all proxies there are and the endpoints that they stand
// before, in any order. visit must not call f.
func (f *Front) Visit(visit func(endpoint string, p *faultproxy.Proxy)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for endpoint, p := range f.proxies {
		visit(endpoint, p)
	}
}

// Close ends all links that pass through, waits for everything that the front
// started, and returns what went wrong, if anything did.
func (f *Front) Close() error {
	f.mu.Lock()
	f.closed = true
	f.front.Close()
	for conn := range f.conns {
		conn.Close()
	}
	proxies := f.proxies
	f.mu.Unlock()
	f.wg.Wait()
	for _, p := range proxies {
		p.Close()
	}
	return f.err
}

func (f *Front) accept() {
	for {
		conn, err := f.front.Accept()
		if err != nil {
			return
		}
		f.wg.Go(func() { f.serve(conn) })
	}
}

// own makes Close end a connection. It returns false when it is too late.
func (f *Front) own(conn net.Conn) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.conns[conn] = struct{}{}
	return !f.closed
}

// disown closes a connection.
func (f *Front) disown(conn net.Conn) {
	conn.Close()
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.conns, conn)
}

func (f *Front) serve(node net.Conn) {
	defer f.disown(node)
	tower, err := net.Dial("tcp", f.tower)
	if err != nil {
		return // the tower is down
	}
	defer f.disown(tower)
	if !f.own(node) || !f.own(tower) {
		return
	}
	peer, err := zmtp.Handshake(node, zmtp.Options{Type: zmtp.XPub}, true)
	if err != nil {
		return
	}
	if _, err := zmtp.Handshake(tower, zmtp.Options{Type: zmtp.Sub, Identity: peer.Identity}, false); err != nil {
		return
	}
	f.wg.Go(func() { // subscriptions
		_, _ = io.Copy(tower, node)
		tower.Close()
	})
	f.translate(node, tower)
}

// translate passes on what the tower says, with other endpoints.
func (f *Front) translate(node io.Writer, tower io.Reader) {
	r := zmtp.NewReader(tower, zmtp.Limits{})
	for {
		m, err := r.Receive()
		if err != nil {
			return
		}
		frames := m.Frames
		if beacon, err := protocol.ParseTowerBeacon(frames); err == nil && !m.Command {
			var ok bool
			if beacon.Endpoint, ok = f.proxy(beacon.Endpoint); !ok {
				return
			}
			frames = beacon.Frames()
		}
		out := zmtp.AppendMessage(nil, frames...)
		if m.Command {
			out[0] |= zmtp.FlagCommand
		}
		if _, err := node.Write(out); err != nil {
			return
		}
	}
}

// proxy returns the endpoint of the proxy that stands before another.
func (f *Front) proxy(endpoint string) (string, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return "", false
	}
	p := f.proxies[endpoint]
	if p == nil {
		host, port, _ := protocol.ParseEndpoint(endpoint)
		var err error
		if p, err = faultproxy.Listen(net.JoinHostPort(host, port)); err != nil {
			f.err = err
			return "", false
		}
		if f.set != nil {
			f.set(endpoint, p)
		}
		f.proxies[endpoint] = p
	}
	return "tcp://" + p.Addr(), true
}
