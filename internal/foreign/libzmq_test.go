//go:build libzmq

package foreign_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pebbe/zmq4"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/consumer"
	"github.com/beckmesh/beck/internal/foreign"
	"github.com/beckmesh/beck/internal/testmesh"
	"github.com/beckmesh/beck/protocol"
)

// zsocket returns a socket of the C library, which one goroutine uses.
func zsocket(t *testing.T, typ zmq4.Type) *zmq4.Socket {
	t.Helper()
	s, err := zmq4.NewSocket(typ)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	for _, err := range []error{s.SetLinger(0), s.SetRcvtimeo(100 * time.Millisecond), s.SetSndtimeo(foreign.Patience), s.SetSndhwm(1_000_000)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// bound binds a socket to a free port of loopback.
func bound(t *testing.T, s *zmq4.Socket) (endpoint, port string) {
	t.Helper()
	if err := s.Bind("tcp://127.0.0.1:*"); err != nil {
		t.Fatal(err)
	}
	endpoint, err := s.GetLastEndpoint()
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ = net.SplitHostPort(strings.TrimPrefix(endpoint, "tcp://"))
	return endpoint, port
}

// znode is a node of C sockets: what it publishes by, and what it joins the
// tower with.
type znode struct {
	uuid, port string
	out        *zmq4.Socket // PUB or XPUB, bound
	sub        *zmq4.Socket // SUB, connected to nodes
	toTower    *zmq4.Socket // PUB
	fromTower  *zmq4.Socket // SUB
	beaconed   time.Time
}

func newZnode(t *testing.T, typ zmq4.Type, sub, pub string) *znode {
	t.Helper()
	n := &znode{uuid: protocol.NewAddress(), out: zsocket(t, typ), sub: zsocket(t, zmq4.SUB), toTower: zsocket(t, zmq4.PUB), fromTower: zsocket(t, zmq4.SUB)}
	_, n.port = bound(t, n.out)
	for _, err := range []error{
		n.fromTower.SetSubscribe("W"), n.fromTower.SetSubscribe("B"),
		n.fromTower.Connect(pub), n.toTower.Connect(sub),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return n
}

// beacon announces the node when that is due.
func (n *znode) beacon(t *testing.T) {
	t.Helper()
	if time.Since(n.beaconed) < 100*time.Millisecond {
		return
	}
	n.beaconed = time.Now()
	if _, err := n.toTower.SendMessage("B", n.uuid, "127.0.0.1", n.port); err != nil {
		t.Fatal(err)
	}
}

// until takes messages from a socket, beaconing meanwhile, until one satisfies.
func (n *znode) until(t *testing.T, what string, s *zmq4.Socket, satisfies func(frames [][]byte) bool) [][]byte {
	t.Helper()
	for deadline := time.Now().Add(foreign.Patience); time.Now().Before(deadline); {
		n.beacon(t)
		if frames, err := s.RecvMessageBytes(0); err == nil && satisfies(frames) {
			return frames
		}
	}
	t.Fatalf("gave up waiting for: %s", what)
	return nil
}

// TestLibzmqPublishers: PUB and XPUB of libzmq to our dialling side, introduced
// by our tower, which welcomes and names nodes to libzmq.
func TestLibzmqPublishers(t *testing.T) {
	for _, typ := range []zmq4.Type{zmq4.PUB, zmq4.XPUB} {
		t.Run(typ.String(), func(t *testing.T) {
			const n = 2000
			m := testmesh.New(t)
			z := newZnode(t, typ, m.Tower.Sub(), m.Tower.Pub())
			frames := z.until(t, "welcome", z.fromTower, func([][]byte) bool { return true })
			if len(frames) != 1 || string(frames[0]) != "W" {
				t.Fatalf("the tower's first message is %q", frames)
			}
			c := m.Consumer(nil, topic)
			own := func(f [][]byte) bool { return string(f[0]) == "B" && string(f[1]) == c.Address() }
			z.until(t, "the consumer's beacon", z.fromTower, own)
			next := 0
			send := func() {
				f := protocol.AppendRecord(nil, topic, z.uuid, uint64(next))
				if _, err := z.out.SendMessage(f, numbered(next)); err != nil {
					t.Fatal(err)
				}
				next++
			}
			if typ == zmq4.XPUB { // it sees the subscription; PUB has to try
				z.until(t, "subscription", z.out, func(f [][]byte) bool { return string(f[0]) == "\x01M"+topic+"\x00" })
			}
			var got []beck.Record
			for len(got) == 0 {
				z.beacon(t)
				if next == 0 || typ == zmq4.PUB {
					next = 0 // nothing came: nobody heard it
					send()
				}
				ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
				got, _ = c.Poll(ctx, n)
				cancel()
			}
			for next < n {
				send()
			}
			got = append(got, testmesh.Take(t, c, n-len(got))...)
			testmesh.InOrder(t, got, 0, "value ")
		})
	}
}

// TestLibzmqSubscriber: SUB of libzmq to our publisher.
func TestLibzmqSubscriber(t *testing.T) {
	const n = 2000
	m := testmesh.New(t)
	p := m.Producer(nil)
	z := newZnode(t, zmq4.XPUB, m.Tower.Sub(), m.Tower.Pub())
	beacon := z.until(t, "the producer's beacon", z.fromTower, func(f [][]byte) bool { return string(f[0]) == "B" && string(f[1]) == p.Address() })
	for _, err := range []error{z.sub.SetSubscribe("M" + topic), z.sub.SetSubscribe("H" + topic), z.sub.Connect(string(beacon[2]))} {
		if err != nil {
			t.Fatal(err)
		}
	}
	testmesh.Until(t, "a link", func() bool { return p.Stats().Links > 0 })
	publish(t, p, topic, 0, 0)
	z.until(t, "the head", z.sub, func(f [][]byte) bool { return f[0][0] == 'H' })
	publish(t, p, topic, 1, n-1)
	for i := 1; i < n; i++ {
		frames := z.until(t, "a record", z.sub, func(f [][]byte) bool { return f[0][0] == 'M' })
		record, err := protocol.Parse(frames[0])
		if err != nil || len(frames) != 2 {
			t.Fatalf("%d frames: %v", len(frames), err)
		}
		if i == 1 && record.Sequence == 0 {
			i = 0 // the link was there before the first
			continue
		}
		if record.Sequence != uint64(i) || string(frames[1]) != numbered(i) {
			t.Fatalf("got %d %q, want %d", record.Sequence, frames[1], i)
		}
	}
}

// libzmqTower is a tower of C sockets as the C tower is one: XPUB and XSUB, the
// beacon's host and port turned into an endpoint, nothing else passed on.
func libzmqTower(t *testing.T) (sub, pub string) {
	t.Helper()
	in, out := zsocket(t, zmq4.XSUB), zsocket(t, zmq4.XPUB)
	if err := out.SetXpubWelcomeMsg("W"); err != nil {
		t.Fatal(err)
	}
	sub, _ = bound(t, in)
	pub, _ = bound(t, out)
	var stop atomic.Bool
	done := make(chan struct{})
	t.Cleanup(func() {
		stop.Store(true)
		<-done
	})
	go func() {
		defer close(done)
		poller := zmq4.NewPoller()
		poller.Add(in, zmq4.POLLIN)
		poller.Add(out, zmq4.POLLIN)
		for !stop.Load() {
			polled, _ := poller.Poll(50 * time.Millisecond)
			for _, p := range polled {
				frames, err := p.Socket.RecvMessageBytes(0)
				if err != nil {
					continue
				}
				if p.Socket == out { // a subscription
					in.SendMessage(frames)
				} else if len(frames) >= 4 {
					out.SendMessage(frames[0], frames[1], fmt.Sprintf("tcp://%s:%s", frames[2], frames[3]))
				}
			}
		}
	}()
	return sub, pub
}

// TestLibzmqTower introduces our nodes, which then know each other only by their
// links.
func TestLibzmqTower(t *testing.T) {
	const n = 2000
	sub, pub := libzmqTower(t)
	m := testmesh.New(t)
	m.Node.Sub, m.Node.Pub, m.Node.Host = []string{sub}, []string{pub}, "127.0.0.1"
	s := m.Store("")
	live := m.Consumer(nil, topic)
	p := m.Producer(nil)
	publish(t, p, topic, 0, n-1)
	if err := p.Flush(testmesh.Context(t)); err != nil {
		t.Fatal(err)
	}
	testmesh.InOrder(t, testmesh.Take(t, live, n), 0, "value ")
	p.Close()
	if have := s.Stats().Records; have != n {
		t.Errorf("the store has %d records, want %d", have, n)
	}
	all := testmesh.Drain(t, m.Consumer(func(c *consumer.Config) { c.StopAtEnd = true }, topic))
	if len(all) != n {
		t.Errorf("%d records, want %d", len(all), n)
	}
	testmesh.InOrder(t, all, 0, "value ")
}
