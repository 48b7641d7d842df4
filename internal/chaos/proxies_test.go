//go:build unix

package chaos

import (
	"errors"
	"sync"
	"testing"

	"github.com/beckmesh/beck/internal/faultproxy"
	"github.com/beckmesh/beck/internal/testproc"
)

// proxies is the loopback, with a fault proxy on each link: between each node
// and the tower, and between each two nodes.
type proxies struct {
	t     *testing.T
	tower location
	lines map[string]*line  // by node
	owner map[string]string // node by endpoint

	mu      sync.Mutex
	now     map[string]kind // fault by node
	spoiled map[*faultproxy.Proxy]bool
}

// line is how a node reaches the others.
type line struct {
	listen   string
	sub, pub *faultproxy.Proxy // to the tower
	front    *testproc.Front   // behind pub
}

// spoilEvery spoils each such byte: few enough that no greeting comes through.
const spoilEvery = 3

func newProxies(t *testing.T) (network, error) {
	t.Helper()
	p := &proxies{
		t: t, tower: location{sub: "tcp://" + freePort(t), pub: "tcp://" + freePort(t)},
		lines: make(map[string]*line), owner: make(map[string]string),
		now: make(map[string]kind), spoiled: make(map[*faultproxy.Proxy]bool),
	}
	for _, node := range nodeNames()[1:] {
		l := &line{listen: freePort(t)}
		p.owner["tcp://"+l.listen] = node
		var err error
		if l.sub, err = faultproxy.Listen(p.tower.sub[len("tcp://"):]); err != nil {
			return nil, err
		}
		if l.pub, err = faultproxy.Listen(p.tower.pub[len("tcp://"):]); err != nil {
			return nil, err
		}
		if l.front, err = testproc.NewFront("tcp://" + l.pub.Addr()); err != nil {
			return nil, err
		}
		p.lines[node] = l
	}
	for node, l := range p.lines { // now that all owners are known
		l.front.Each(func(endpoint string, proxy *faultproxy.Proxy) { p.apply(proxy, node, p.owner[endpoint]) })
	}
	return p, nil
}

func (p *proxies) kinds() []kind { return networkKinds }

// location gives the probe, and what comes after the faults, the tower itself.
func (p *proxies) location(node string) location {
	l := p.lines[node]
	if l == nil {
		at := p.tower
		at.listen = "127.0.0.1:0"
		return at
	}
	return location{sub: "tcp://" + l.sub.Addr(), pub: l.front.Pub(), listen: l.listen}
}

func (p *proxies) begin(k kind, node string) error {
	p.set(node, k)
	if k == halfClosed {
		p.visit(node, func(proxy *faultproxy.Proxy, _, _ string) { proxy.HalfClose(faultproxy.Backward) })
	}
	return nil
}

func (p *proxies) end(k kind, node string) error {
	if k == halfClosed {
		p.visit(node, func(proxy *faultproxy.Proxy, _, _ string) { proxy.HalfClose(faultproxy.Forward) })
	}
	p.set(node, "")
	return nil
}

// set gives a node a fault, or none, and its links what follows from it.
func (p *proxies) set(node string, k kind) {
	p.mu.Lock()
	p.now[node] = k
	p.mu.Unlock()
	p.visit(node, p.apply)
}

// visit calls f for the proxies on all links of a node, and the nodes at their
// ends.
func (p *proxies) visit(node string, f func(proxy *faultproxy.Proxy, a, b string)) {
	for name, l := range p.lines {
		if name == node || node == "tower" {
			f(l.sub, name, "tower")
			f(l.pub, name, "tower")
		}
		l.front.Visit(func(endpoint string, proxy *faultproxy.Proxy) {
			if name == node || p.owner[endpoint] == node {
				f(proxy, name, p.owner[endpoint])
			}
		})
	}
}

// apply gives a link the faults of the nodes at its ends. Connections are cut
// before they are spoiled and before they no longer are: a spoiled byte in the
// middle of a stream might be one of a record, which only a checksum could tell,
// and TCP has one.
func (p *proxies) apply(proxy *faultproxy.Proxy, a, b string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	has := func(k kind) bool { return p.now[a] == k || p.now[b] == k }
	if has(cut) || p.spoiled[proxy] != has(corrupted) {
		proxy.Refuse(true)
		proxy.Cut()
	}
	every := 0
	if p.spoiled[proxy] = has(corrupted); p.spoiled[proxy] {
		every = spoilEvery
	}
	for _, d := range []faultproxy.Direction{faultproxy.Forward, faultproxy.Backward} {
		proxy.Corrupt(d, every)
		proxy.Stall(d, has(silenced))
	}
	proxy.Refuse(has(cut))
}

func (p *proxies) close() error {
	var errs []error
	for _, l := range p.lines {
		errs = append(errs, l.front.Close())
		l.sub.Close()
		l.pub.Close()
	}
	return errors.Join(errs...)
}

func freePort(t *testing.T) string {
	t.Helper()
	addr, err := testproc.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return addr
}
