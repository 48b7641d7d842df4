//go:build unix

package e2e

import (
	"io"
	"log/slog"
	"net"
	"sync"
	"testing"

	"github.com/beckmesh/beck/internal/faultproxy"
	"github.com/beckmesh/beck/internal/zmtp"
	"github.com/beckmesh/beck/protocol"
)

// between stands before the pub port of a tower. The nodes that listen there
// are told of fault proxies instead of the nodes that the tower announces, one
// for each endpoint: all links that they dial pass through them.
type between struct {
	t     testing.TB
	to    *mesh
	pub   string // the tower's own, which outlives its process
	front net.Listener
	wg    sync.WaitGroup

	mu      sync.Mutex
	proxies map[string]*faultproxy.Proxy // by the endpoint that they stand before
	set     func(*faultproxy.Proxy)      // done to each
	conns   map[net.Conn]struct{}
	closed  bool
}

func newBetween(m *mesh) *between {
	m.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		m.t.Fatal(err)
	}
	b := &between{
		t: m.t, to: m, pub: m.pub, front: l,
		proxies: make(map[string]*faultproxy.Proxy), conns: make(map[net.Conn]struct{}),
	}
	b.wg.Go(b.accept)
	m.t.Cleanup(b.close)
	return b
}

// mesh is the same mesh for nodes that are to dial through proxies.
func (b *between) mesh() *mesh {
	m := *b.to
	m.pub = "tcp://" + b.front.Addr().String()
	return &m
}

// each does f to all proxies, those that come later too.
func (b *between) each(f func(*faultproxy.Proxy)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.set = f
	for _, p := range b.proxies {
		f(p)
	}
}

// cut resets all links that pass through, and returns how many they were.
func (b *between) cut() (links int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.proxies {
		links += p.Cut()
	}
	return links
}

// taken returns how many links have been made through proxies.
func (b *between) taken() (links uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.proxies {
		links += p.Stats().Accepted
	}
	return links
}

func (b *between) close() {
	b.mu.Lock()
	b.closed = true
	b.front.Close()
	for conn := range b.conns {
		conn.Close()
	}
	proxies := b.proxies
	b.mu.Unlock()
	b.wg.Wait()
	for _, p := range proxies {
		p.Close()
	}
}

func (b *between) accept() {
	for {
		conn, err := b.front.Accept()
		if err != nil {
			return
		}
		b.wg.Go(func() { b.serve(conn) })
	}
}

// own makes close end a connection. It returns false when it is too late.
func (b *between) own(conn net.Conn) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.conns[conn] = struct{}{}
	return !b.closed
}

func (b *between) serve(node net.Conn) {
	defer node.Close()
	host, port, _ := protocol.ParseEndpoint(b.pub)
	tower, err := net.Dial("tcp", net.JoinHostPort(host, port))
	if err != nil {
		return // the tower is down
	}
	defer tower.Close()
	if !b.own(node) || !b.own(tower) {
		return
	}
	peer, err := zmtp.Handshake(node, zmtp.Options{Type: zmtp.XPub}, true)
	if err != nil {
		return
	}
	if _, err := zmtp.Handshake(tower, zmtp.Options{Type: zmtp.Sub, Identity: peer.Identity}, false); err != nil {
		return
	}
	b.wg.Go(func() { // subscriptions
		_, _ = io.Copy(tower, node)
		tower.Close()
	})
	b.translate(node, tower)
}

// translate passes on what the tower says, with other endpoints.
func (b *between) translate(node io.Writer, tower io.Reader) {
	r := zmtp.NewReader(tower, zmtp.Limits{})
	for {
		m, ok, err := r.Next()
		if err == nil && !ok {
			err = r.Fill()
		}
		if err != nil {
			return
		}
		if !ok {
			continue
		}
		frames := m.Frames
		if beacon, err := protocol.ParseTowerBeacon(frames); err == nil && !m.Command {
			if beacon.Endpoint, ok = b.proxy(beacon.Endpoint); !ok {
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
func (b *between) proxy(endpoint string) (string, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return "", false
	}
	p := b.proxies[endpoint]
	if p == nil {
		host, port, _ := protocol.ParseEndpoint(endpoint)
		var err error
		if p, err = faultproxy.Listen(net.JoinHostPort(host, port)); err != nil {
			b.t.Error(err)
			return "", false
		}
		if b.set != nil {
			b.set(p)
		}
		b.proxies[endpoint] = p
	}
	return "tcp://" + p.Addr(), true
}

// quiet is a logger for what says too much.
var quiet = slog.New(slog.DiscardHandler)
