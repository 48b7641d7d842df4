//go:build unix

package chaos

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/beckmesh/beck/internal/zmtp"
	"github.com/beckmesh/beck/protocol"
)

const (
	probeEvery = 250 * time.Millisecond
	dialAtMost = 2 * time.Second
)

// probe is a node that asks every store for its heads, again and again, and
// reports the answers. It speaks the protocol by itself, so that what it says
// of a store does not rest on the code of a consumer.
type probe struct {
	settings
	uuid string
	out  *reporter
	door net.Listener

	mu    sync.Mutex
	asked map[string]net.Conn // the links by which stores hear us, by UUID
	heard map[string]*hearing // by the store's UUID
}

// runProbe runs until ctx ends; connections end with the process.
func runProbe(ctx context.Context, s settings, out *reporter) error {
	l, err := net.Listen("tcp", s.Listen)
	if err != nil {
		return err
	}
	p := &probe{
		settings: s, uuid: protocol.NewAddress(), out: out, door: l,
		asked: make(map[string]net.Conn), heard: make(map[string]*hearing),
	}
	go p.accept()
	go again(ctx, p.announce)
	go again(ctx, p.listen)
	go p.ask(ctx)
	out.line("hello", p.uuid)
	<-ctx.Done()
	return nil
}

// again does f, which returns when its connection ends, again and again.
func again(ctx context.Context, f func()) {
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		f()
		<-tick.C
	}
}

// dial connects to the node of a UUID; with "" to whoever is there, a tower.
// Another node may have taken the place: a store that lost its disk has the
// endpoint of the one that it was, and is not to be heard in its name.
func (p *probe) dial(uuid, endpoint string, as zmtp.SocketType) net.Conn {
	host, port, err := protocol.ParseEndpoint(endpoint)
	if err != nil {
		return nil
	}
	dialer := net.Dialer{Timeout: dialAtMost, KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: time.Second, Interval: time.Second, Count: 3, // a store that was cut off forgets us
	}}
	conn, err := dialer.Dial("tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil
	}
	peer, err := zmtp.Handshake(conn, zmtp.Options{Type: as, Identity: p.uuid}, false)
	if err != nil {
		return nil
	}
	if uuid != "" && peer.Identity != uuid {
		conn.Close()
		return nil
	}
	return conn
}

// announce beacons to the tower until that is gone.
func (p *probe) announce() {
	conn := p.dial("", p.Sub, zmtp.Pub)
	if conn == nil {
		return
	}
	defer conn.Close()
	b := protocol.NodeBeacon{
		UUID: p.uuid, Port: uint16(p.door.Addr().(*net.TCPAddr).Port),
		Info: &protocol.NodeInfo{Role: protocol.RoleConsumer, Name: "probe"},
	}
	tick := time.NewTicker(2 * probeEvery)
	defer tick.Stop()
	for {
		if _, err := conn.Write(zmtp.AppendMessage(nil, b.Frames()...)); err != nil {
			return
		}
		<-tick.C
	}
}

// listen hears of stores from the tower until that is gone.
func (p *probe) listen() {
	conn := p.dial("", p.Pub, zmtp.Sub)
	if conn == nil {
		return
	}
	defer conn.Close()
	if _, err := conn.Write(zmtp.AppendSubscription(nil, []byte(protocol.PrefixBeacon), true)); err != nil {
		return
	}
	receive(conn, func(m zmtp.Msg) {
		b, err := protocol.ParseTowerBeacon(m.Frames)
		if err == nil && b.Info != nil && b.Info.Role == protocol.RoleStore {
			p.meet(b.UUID, b.Endpoint)
		}
	})
}

// hearing is a store that we hear, or try to.
type hearing struct {
	endpoint string
	conn     net.Conn      // nil until it is there
	done     chan struct{} // closed when it has ended
}

// meet hears a store that the tower has named; one that moved where it is now.
func (p *probe) meet(uuid, endpoint string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.heard[uuid]
	if before != nil && before.endpoint == endpoint {
		return
	}
	h := &hearing{endpoint: endpoint, done: make(chan struct{})}
	p.heard[uuid] = h
	go func() {
		if before != nil {
			before.end(p)
		}
		p.hear(uuid, h)
	}()
}

// end ends a hearing, so that what it heard is reported before what comes next.
func (h *hearing) end(p *probe) {
	p.mu.Lock()
	if h.conn != nil {
		h.conn.Close()
	}
	p.mu.Unlock()
	<-h.done
}

// hear reports a store's answers until its link ends; then it is dialled again
// when the tower names it again.
func (p *probe) hear(uuid string, h *hearing) {
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.heard[uuid] == h {
			delete(p.heard, uuid)
		}
		close(h.done)
	}()
	conn := p.dial(uuid, h.endpoint, zmtp.Sub)
	if conn == nil {
		return
	}
	defer conn.Close()
	p.mu.Lock()
	h.conn = conn
	moved := p.heard[uuid] != h
	p.mu.Unlock()
	if moved {
		return
	}
	heads := protocol.Subscription(protocol.KindDirectHead, p.uuid)
	if _, err := conn.Write(zmtp.AppendSubscription(nil, []byte(heads), true)); err != nil {
		return
	}
	receive(conn, func(m zmtp.Msg) {
		head, err := protocol.Parse(m.Frames[0])
		if err != nil || head.Kind != protocol.KindDirectHead {
			return
		}
		t, err := protocol.ParseTrailer(head.Trailer)
		if err == nil && t.EndOfList {
			p.out.line("listed", uuid)
			return
		}
		p.out.line("head", uuid, string(head.Subject), string(head.Sender), t.Lowest, head.Sequence+1)
	})
}

// accept lets stores hear us.
func (p *probe) accept() {
	for {
		conn, err := p.door.Accept()
		if err != nil {
			return
		}
		go p.serve(conn)
	}
}

func (p *probe) serve(conn net.Conn) {
	defer conn.Close()
	peer, err := zmtp.Handshake(conn, zmtp.Options{Type: zmtp.XPub, Identity: p.uuid}, true)
	if err != nil {
		return
	}
	receive(conn, func(m zmtp.Msg) {
		prefix, on, ok := zmtp.ParseSubscription(m)
		if kind, _, _ := protocol.SplitSubscription(prefix); ok && on && kind == protocol.KindGetHeads {
			p.mu.Lock()
			p.asked[peer.Identity] = conn
			p.mu.Unlock()
		}
	})
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.asked[peer.Identity] == conn {
		delete(p.asked, peer.Identity)
	}
}

// ask asks all stores that hear us for everything they have. One that was
// stopped does not keep the others from being asked.
func (p *probe) ask(ctx context.Context) {
	question := zmtp.AppendMessage(nil, protocol.AppendGetHeads(nil, "", p.uuid))
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		<-tick.C
		p.mu.Lock()
		for _, conn := range p.asked {
			_ = conn.SetWriteDeadline(time.Now().Add(time.Second))
			if _, err := conn.Write(question); err != nil {
				conn.Close() // it dials again
			}
		}
		p.mu.Unlock()
	}
}

// receive hands each message to take until the connection ends.
func receive(conn net.Conn, take func(zmtp.Msg)) {
	r := zmtp.NewReader(conn, zmtp.Limits{})
	for {
		m, err := r.Receive()
		if err != nil {
			return
		}
		take(m)
	}
}
