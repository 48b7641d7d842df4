//go:build unix

package e2e

import (
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/beckmesh/beck/internal/zmtp"
	"github.com/beckmesh/beck/protocol"
)

// scripted is a node that does only what a test tells it. It announces itself
// to towers, at an endpoint of its own for each, accepts links, and dials whom
// it is told to.
type scripted struct {
	t     testing.TB
	uuid  string
	role  string
	began time.Time
	doors []net.Listener // one for each tower
	wg    sync.WaitGroup

	mu     sync.Mutex
	conns  []net.Conn
	links  []*scriptedLink // accepted, alive
	heard  []protocol.Message
	closed bool
}

// scriptedLink is a link that a peer dialled.
type scriptedLink struct {
	conn net.Conn
	peer string // its identity
	door int    // where it came in
	subs []string
}

// newScripted announces a node of the role to each tower, by its sub endpoint.
func newScripted(t testing.TB, role string, towers ...string) *scripted {
	t.Helper()
	s := &scripted{t: t, uuid: protocol.NewAddress(), role: role, began: time.Now()}
	t.Cleanup(s.close)
	for i, tower := range towers {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		s.doors = append(s.doors, l)
		s.wg.Go(func() { s.accept(l, i) })
		s.announce(tower, uint16(l.Addr().(*net.TCPAddr).Port))
	}
	return s
}

// announce beacons to a tower every half second.
func (s *scripted) announce(tower string, port uint16) {
	conn := s.dial(tower, zmtp.Pub)
	s.wg.Go(func() {
		tick := time.NewTicker(500 * time.Millisecond)
		defer tick.Stop()
		for {
			b := protocol.NodeBeacon{UUID: s.uuid, Port: port, Info: &protocol.NodeInfo{
				Role: s.role, Name: "scripted", Age: time.Since(s.began),
			}}
			if _, err := conn.Write(zmtp.AppendMessage(nil, b.Frames()...)); err != nil {
				return // closed, or the tower is gone
			}
			<-tick.C
		}
	})
}

// dial makes a connection that ends with the test.
func (s *scripted) dial(endpoint string, as zmtp.SocketType) net.Conn {
	s.t.Helper()
	host, port, err := protocol.ParseEndpoint(endpoint)
	if err != nil {
		s.t.Fatal(err)
	}
	conn, err := net.Dial("tcp", net.JoinHostPort(host, port))
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := zmtp.Handshake(conn, zmtp.Options{Type: as, Identity: s.uuid}, false); err != nil {
		s.t.Fatal(err)
	}
	s.own(conn)
	return conn
}

func (s *scripted) own(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns = append(s.conns, conn)
	if s.closed {
		conn.Close()
	}
}

// hear dials a node and subscribes to prefixes; what comes is kept in heard.
func (s *scripted) hear(endpoint string, prefixes ...string) {
	s.t.Helper()
	conn := s.dial(endpoint, zmtp.Sub)
	var subs []byte
	for _, prefix := range prefixes {
		subs = zmtp.AppendSubscription(subs, []byte(prefix), true)
	}
	if _, err := conn.Write(subs); err != nil {
		s.t.Fatal(err)
	}
	s.wg.Go(func() { s.read(conn, s.message) })
}

// message keeps a message as the node heard it.
func (s *scripted) message(m zmtp.Msg) {
	msg, err := protocol.Parse(slices.Clone(m.Frames[0]))
	if m.Command || err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard = append(s.heard, msg)
}

// count returns how many messages of a kind the node has heard.
func (s *scripted) count(k protocol.Kind) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.heard {
		if s.heard[i].Kind == k {
			n++
		}
	}
	return n
}

// read hands each message to take until the connection ends.
func (s *scripted) read(conn net.Conn, take func(zmtp.Msg)) {
	r := zmtp.NewReader(conn, zmtp.Limits{})
	for {
		m, err := r.Receive()
		if err != nil {
			return
		}
		take(m)
	}
}

func (s *scripted) accept(l net.Listener, door int) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		s.own(conn)
		s.wg.Go(func() { s.serve(conn, door) })
	}
}

func (s *scripted) serve(conn net.Conn, door int) {
	defer conn.Close()
	peer, err := zmtp.Handshake(conn, zmtp.Options{Type: zmtp.XPub}, true)
	if err != nil {
		return
	}
	l := &scriptedLink{conn: conn, peer: peer.Identity, door: door}
	s.mu.Lock()
	s.links = append(s.links, l)
	s.mu.Unlock()
	s.read(conn, func(m zmtp.Msg) {
		if prefix, on, ok := zmtp.ParseSubscription(m); ok && on {
			s.mu.Lock()
			l.subs = append(l.subs, string(prefix))
			s.mu.Unlock()
		}
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.links = slices.DeleteFunc(s.links, func(o *scriptedLink) bool { return o == l })
}

// awaitLink waits for a link that has subscribed to all prefixes: of the peer
// (unless that is ""), at a door (unless that is negative).
func (s *scripted) awaitLink(within time.Duration, peer string, door int, prefixes ...string) *scriptedLink {
	s.t.Helper()
	var found *scriptedLink
	eventually(s.t, within, "link to the scripted node", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, l := range s.links {
			if (peer == "" || l.peer == peer) && (door < 0 || l.door == door) && l.has(prefixes) {
				found = l
			}
		}
		return found != nil
	})
	return found
}

func (l *scriptedLink) has(prefixes []string) bool {
	for _, p := range prefixes {
		if !slices.Contains(l.subs, p) {
			return false
		}
	}
	return true
}

// send sends messages of one frame each.
func (l *scriptedLink) send(t testing.TB, messages ...[]byte) {
	t.Helper()
	for _, f := range messages {
		l.write(t, f)
	}
}

// write sends one message. With a test, an error fails it.
func (l *scriptedLink) write(t testing.TB, frames ...[]byte) error {
	_, err := l.conn.Write(zmtp.AppendMessage(nil, frames...))
	if err != nil && t != nil {
		t.Helper()
		t.Fatal(err)
	}
	return err
}

func (s *scripted) close() {
	s.mu.Lock()
	s.closed = true
	for _, conn := range s.conns {
		conn.Close()
	}
	for _, l := range s.doors {
		l.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
}
