package sim

import (
	"bytes"
	"net"
	"slices"
	"time"

	"github.com/beckmesh/beck/internal/zmtp"
	"github.com/beckmesh/beck/protocol"
)

// foreign is a process that moves messages as a C node does: it dials whoever a
// tower names, subscribes there to the same things, publishes to everybody who
// subscribed, gives itself no identity and knows of none. What it makes of the
// messages is habit.
type foreign struct {
	host       *host
	uuid       string
	wants      []string
	subscribed func(prefix string)
	receive    func(from *host, m *protocol.Message, content []byte)

	peers  map[string]*sighting // by endpoint
	order  []string             // of peers
	links  []*foreignLink
	unsent int // messages dropped for subscribers that are slow
}

// sighting is a peer as a tower announces it.
type sighting struct {
	uuid    string
	last    time.Time
	dialing bool
	link    *foreignLink
}

const (
	// foreignExpiry is after how long without a beacon a C node drops a peer.
	foreignExpiry = 4 * time.Second
	// foreignRedial is when a C node's socket connects again.
	foreignRedial = 100 * time.Millisecond
	// foreignQueue is what a C node's socket holds for a subscriber.
	foreignQueue = 256 << 10
)

// newForeign starts a process that plays a C node on a machine.
func (w *World) newForeign(m *machine, role string) *foreign {
	f := &foreign{host: w.newHost(m, role), uuid: w.newAddress(), peers: make(map[string]*sighting)}
	f.host.foreign, f.host.node = true, f
	w.endpoints[f.host.endpoint()] = f.host
	f.host.join(len(w.towers))
	f.host.after(w.between(0, foreignRedial), f.redialAgain)
	return f
}

// publish sends a message to everybody who subscribed to it.
func (f *foreign) publish(frames ...[]byte) {
	var wire []byte
	for _, l := range f.links {
		if l.dialled || !l.wants(frames[0]) {
			continue
		}
		if len(l.out) > foreignQueue {
			f.unsent++
			continue
		}
		if wire == nil {
			wire = zmtp.AppendMessage(nil, frames...)
		}
		l.out = append(l.out, wire...)
	}
}

func (f *foreign) redialAgain() {
	f.redial()
	f.host.after(foreignRedial, f.redialAgain)
}

// redial dials who is announced and not linked, and drops who is not announced
// any more.
func (f *foreign) redial() {
	now := f.host.world.now
	f.order = slices.DeleteFunc(f.order, func(endpoint string) bool {
		s := f.peers[endpoint]
		if now.Sub(s.last) < foreignExpiry {
			if s.link == nil && !s.dialing {
				s.dialing = true
				f.host.dial(s.uuid, endpoint)
			}
			return false
		}
		delete(f.peers, endpoint)
		if s.link != nil {
			s.link.end()
		}
		return true
	})
}

// The following make it a process.

func (f *foreign) UUID() string { return f.uuid }

func (f *foreign) OwnBeacon() protocol.NodeBeacon {
	return protocol.NodeBeacon{UUID: f.uuid, Port: f.host.port}
}

func (f *foreign) TowerUp(int) {}

func (f *foreign) TowerDown(int) {}

func (f *foreign) TowerBeacon(_ int, b protocol.TowerBeacon) {
	if b.UUID == f.uuid {
		return
	}
	s := f.peers[b.Endpoint]
	if s == nil || s.uuid != b.UUID {
		if s == nil {
			f.order = append(f.order, b.Endpoint)
		} else if s.link != nil {
			s.link.end()
		}
		s = &sighting{uuid: b.UUID}
		f.peers[b.Endpoint] = s
	}
	s.last = f.host.world.now
}

func (f *foreign) TowerListed(int, protocol.NodeInfo) {}

func (f *foreign) AcceptDone(c net.Conn, _ string, _ error) { f.link(c, nil) }

func (f *foreign) DialDone(uuid, endpoint string, c net.Conn, _ string, err error) {
	s := f.peers[endpoint]
	if s == nil || s.uuid != uuid {
		if err == nil {
			c.Close()
		}
		return
	}
	if s.dialing = false; err != nil {
		return
	}
	s.link = f.link(c, s)
	for _, prefix := range f.wants {
		s.link.out = zmtp.AppendSubscription(s.link.out, []byte(prefix), true)
	}
}

func (f *foreign) Tick() time.Time { return time.Time{} }
func (f *foreign) Next() time.Time { return time.Time{} }
func (f *foreign) Workers() bool   { return false }
func (f *foreign) Lock()           {}
func (f *foreign) Unlock()         {}

// foreignLink is one link of a C node: a mesh.Link.
type foreignLink struct {
	node     *foreign
	conn     *conn
	dialled  bool
	to       *sighting // dialled
	reader   *zmtp.Reader
	out      []byte
	prefixes map[string]int // of a subscriber
}

func (f *foreign) link(c net.Conn, to *sighting) *foreignLink {
	l := &foreignLink{
		node: f, conn: c.(*conn), dialled: to != nil, to: to,
		reader: zmtp.NewReader(c, zmtp.Limits{}), prefixes: make(map[string]int),
	}
	f.links = append(f.links, l)
	f.host.Run(l)
	return l
}

func (l *foreignLink) wants(frame []byte) bool {
	for p := range l.prefixes {
		if bytes.HasPrefix(frame, []byte(p)) {
			return true
		}
	}
	return false
}

// ReadOnce takes what came.
func (l *foreignLink) ReadOnce() bool {
	if err := l.reader.Fill(); err != nil {
		l.end()
		return false
	}
	for {
		m, ok, err := l.reader.Next()
		if err != nil {
			l.node.host.world.failf("%s: the stream is broken: %v", l.node.host.machine.name, err)
		}
		if err != nil || !ok {
			return err == nil
		}
		if !m.Command {
			l.take(m)
		}
	}
}

func (l *foreignLink) take(m zmtp.Msg) {
	if l.dialled {
		if msg, err := protocol.Parse(m.Frames[0]); err == nil {
			l.node.receive(l.conn.peer.host, &msg, m.Frames[len(m.Frames)-1])
		}
		return
	}
	topic, on, ok := zmtp.ParseSubscription(m)
	prefix := string(topic)
	switch {
	case !ok:
	case on:
		l.prefixes[prefix]++
		if l.node.subscribed != nil {
			l.node.subscribed(prefix)
		}
	default:
		if l.prefixes[prefix]--; l.prefixes[prefix] <= 0 {
			delete(l.prefixes, prefix)
		}
	}
}

// foreignWrite is what a C node writes at once.
const foreignWrite = 8 << 10

// WriteOnce writes some of what is queued.
func (l *foreignLink) WriteOnce() bool {
	n, err := l.conn.Write(l.out[:min(len(l.out), foreignWrite)])
	l.out = l.out[n:]
	if len(l.out) == 0 {
		l.out = nil
	}
	if err != nil {
		l.end()
	}
	return err == nil
}

// Pending tells that there is something to write.
func (l *foreignLink) Pending() bool { return len(l.out) > 0 }

// Conn returns the connection.
func (l *foreignLink) Conn() net.Conn { return l.conn }

// end closes the link.
func (l *foreignLink) end() {
	l.conn.Close()
	l.out = nil
	if l.to != nil && l.to.link == l {
		l.to.link = nil
	}
	if i := slices.Index(l.node.links, l); i >= 0 {
		l.node.links = slices.Delete(l.node.links, i, i+1)
	}
}
