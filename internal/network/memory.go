package network

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"
)

// Memory is a network within the process, without a port of the machine. Its
// hosts are IP addresses that mean something to it alone. It can be split, and
// joined again. Its methods may be called by any goroutine.
type Memory struct {
	mu        sync.Mutex
	listeners map[netip.AddrPort]*listener
	hosts     map[string]netip.Addr // of those who listen, by owner
	links     map[*conn]struct{}    // the dialling ends of those that stand
	sides     map[netip.Addr]int    // side 0 is that of all that are not in here
	split     int                   // sides there have been
	port      uint16                // given last
}

// NewMemory returns a network that nobody listens on.
func NewMemory() *Memory {
	return &Memory{
		listeners: make(map[netip.AddrPort]*listener),
		hosts:     make(map[string]netip.Addr),
		links:     make(map[*conn]struct{}),
		sides:     make(map[netip.Addr]int),
	}
}

// Host returns the network as who is at an IP address sees it.
func (m *Memory) Host(ip netip.Addr) Network { return memoryHost{m, ip} }

// Split takes the hosts with those owners away from all others: the links
// between the two sides break, and none can be made. Links within a side stay.
// It returns an error that names the first owner that does not listen, and then
// has done nothing.
func (m *Memory) Split(owners ...string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var hosts []netip.Addr
	for _, owner := range owners {
		host, ok := m.hosts[owner]
		if !ok {
			return fmt.Errorf("no node %q is in this network", owner)
		}
		hosts = append(hosts, host)
	}
	m.split++
	for _, host := range hosts {
		m.sides[host] = m.split
	}
	for end := range m.links {
		if !m.reaches(end.local.Addr(), end.remote.Addr()) {
			end.reset()
			delete(m.links, end)
		}
	}
	return nil
}

// Join makes the network whole. Broken links stay broken; new ones can be made.
func (m *Memory) Join() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.sides)
}

// reaches needs the lock.
func (m *Memory) reaches(a, b netip.Addr) bool { return m.sides[a] == m.sides[b] }

// memoryHost is the network as one host sees it.
type memoryHost struct {
	net *Memory
	ip  netip.Addr
}

// Listen opens a port of the host; port 0 is a free one.
func (h memoryHost) Listen(_ context.Context, addr, owner string) (net.Listener, error) {
	at, err := netip.ParseAddrPort(addr)
	if err != nil || at.Addr() != h.ip {
		return nil, fmt.Errorf("listen %s: %w", addr, syscall.EADDRNOTAVAIL)
	}
	m := h.net
	m.mu.Lock()
	defer m.mu.Unlock()
	for free := at.Port() == 0; free && (at.Port() == 0 || m.listeners[at] != nil); {
		at = netip.AddrPortFrom(h.ip, m.nextPort())
	}
	if m.listeners[at] != nil {
		return nil, fmt.Errorf("listen %s: %w", addr, syscall.EADDRINUSE)
	}
	l := &listener{net: m, addr: at, queue: make(chan *conn, backlog), closed: make(chan struct{})}
	m.listeners[at] = l
	if owner != "" {
		m.hosts[owner] = h.ip
	}
	return l, nil
}

// nextPort needs the lock.
func (m *Memory) nextPort() uint16 {
	m.port = max(m.port+1, 1)
	return m.port
}

// Dial connects to a host of the same network.
func (h memoryHost) Dial(ctx context.Context, addr string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	to, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", addr, syscall.EADDRNOTAVAIL)
	}
	l, ours, theirs, err := h.connect(to)
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", addr, err)
	}
	select {
	case l.queue <- theirs:
		l.sweep()
		return ours, nil
	case <-l.closed:
		err = syscall.ECONNREFUSED
	case <-ctx.Done():
		err = ctx.Err()
	}
	ours.Close()
	return nil, fmt.Errorf("dial %s: %w", addr, err)
}

// connect makes both ends of a link to who listens there.
func (h memoryHost) connect(to netip.AddrPort) (l *listener, ours, theirs *conn, err error) {
	m := h.net
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.reaches(h.ip, to.Addr()) {
		return nil, nil, nil, syscall.EHOSTUNREACH
	}
	if l = m.listeners[to]; l == nil {
		return nil, nil, nil, syscall.ECONNREFUSED
	}
	ours, theirs = newConns(netip.AddrPortFrom(h.ip, m.nextPort()), to)
	m.links[ours] = struct{}{}
	ours.onClose = func() { m.ended(ours) }
	theirs.onClose = ours.onClose
	return l, ours, theirs, nil
}

func (m *Memory) ended(dialling *conn) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.links, dialling)
}

// backlog is how many links may wait to be accepted.
const backlog = 128

// listener is an open port.
type listener struct {
	net    *Memory
	addr   netip.AddrPort
	queue  chan *conn
	once   sync.Once
	closed chan struct{}
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case <-l.closed:
		return nil, net.ErrClosed
	default:
	}
	select {
	case c := <-l.queue:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close also ends the links that nobody accepted.
func (l *listener) Close() error {
	l.once.Do(func() {
		l.net.mu.Lock()
		delete(l.net.listeners, l.addr)
		l.net.mu.Unlock()
		close(l.closed)
	})
	l.sweep()
	return nil
}

// sweep ends the links that nobody will accept. Who puts one into the queue
// sweeps too, since the port may have been closed just before.
func (l *listener) sweep() {
	select {
	case <-l.closed:
	default:
		return
	}
	for {
		select {
		case c := <-l.queue:
			c.Close()
		default:
			return
		}
	}
}

func (l *listener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.addr) }
