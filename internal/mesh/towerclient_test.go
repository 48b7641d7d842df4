package mesh

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/beckmesh/beck/internal/network"
	"github.com/beckmesh/beck/internal/zmtp"
	"github.com/beckmesh/beck/protocol"
	"github.com/beckmesh/beck/tower"
)

const (
	selfUUID  = "0000000000000000000000000000000A"
	otherUUID = "0000000000000000000000000000000B"
	patience  = 10 * time.Second
)

// recorder is a node that writes down what its tower client tells it.
type recorder struct {
	mu     sync.Mutex
	events []string
}

func (r *recorder) add(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, fmt.Sprintf(format, args...))
}

func (r *recorder) OwnBeacon() protocol.NodeBeacon {
	return protocol.NodeBeacon{UUID: selfUUID, Port: 4242, Info: &protocol.NodeInfo{Role: protocol.RoleStore}}
}
func (r *recorder) TowerUp(i int)   { r.add("up %d", i) }
func (r *recorder) TowerDown(i int) { r.add("down %d", i) }
func (r *recorder) TowerBeacon(i int, b protocol.TowerBeacon) {
	r.add("beacon %d %s %s", i, b.UUID[31:], b.Endpoint)
}
func (r *recorder) TowerListed(i int, info protocol.NodeInfo) { r.add("end %d %v", i, info.Age) }

// wait polls until the events are those wanted.
func (r *recorder) wait(t *testing.T, want ...string) {
	t.Helper()
	eventually(t, func() error {
		r.mu.Lock()
		defer r.mu.Unlock()
		if !slices.Equal(r.events, want) {
			return fmt.Errorf("events %q, want %q", r.events, want)
		}
		return nil
	})
}

func eventually(t *testing.T, check func() error) {
	t.Helper()
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); <-time.After(2 * time.Millisecond) {
		if err = check(); err == nil {
			return
		}
	}
	t.Fatal(err)
}

// fakeTower is the test's own end of the two ports.
type fakeTower struct {
	t        *testing.T
	sub, pub net.Listener
}

func newFakeTower(t *testing.T) *fakeTower {
	f := &fakeTower{t: t, sub: listenOn(t, "127.0.0.1:0"), pub: listenOn(t, "127.0.0.1:0")}
	t.Cleanup(func() { f.sub.Close(); f.pub.Close() })
	return f
}

func listenOn(t *testing.T, addr string) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (f *fakeTower) addr() protocol.TowerAddr {
	return protocol.TowerAddr{Sub: "tcp://" + f.sub.Addr().String(), Pub: "tcp://" + f.pub.Addr().String()}
}

// start runs a client of the tower until the test ends.
func (f *fakeTower) start() (*towerClient, *recorder, context.CancelFunc) {
	events := &recorder{}
	c := newTowerClient(3, f.addr(), selfUUID, network.Sockets{}, events, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { c.run(ctx) })
	stop := func() { cancel(); wg.Wait() }
	f.t.Cleanup(stop)
	return c, events, stop
}

// fakeLink is an accepted connection with its handshake done.
type fakeLink struct {
	t      *testing.T
	conn   net.Conn
	reader *zmtp.Reader
	peer   zmtp.Peer
}

func accept(t *testing.T, l net.Listener, as zmtp.SocketType) *fakeLink {
	t.Helper()
	l.(*net.TCPListener).SetDeadline(time.Now().Add(patience))
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	peer, err := zmtp.Handshake(conn, zmtp.Options{Type: as}, true)
	if err != nil {
		t.Fatal(err)
	}
	conn.SetDeadline(time.Now().Add(patience))
	return &fakeLink{t: t, conn: conn, reader: zmtp.NewReader(conn, zmtp.Limits{}), peer: peer}
}

func (l *fakeLink) next() zmtp.Msg {
	l.t.Helper()
	for {
		m, ok, err := l.reader.Next()
		if err == nil && ok {
			return m
		}
		if err == nil {
			err = l.reader.Fill()
		}
		if err != nil {
			l.t.Fatal(err)
		}
	}
}

func (l *fakeLink) send(frames ...[]byte) {
	l.t.Helper()
	if _, err := l.conn.Write(zmtp.AppendMessage(nil, frames...)); err != nil {
		l.t.Fatal(err)
	}
}

// subscribed reads the client's subscriptions.
func (l *fakeLink) subscribed() {
	l.t.Helper()
	for _, want := range []string{"W", "B", "T"} {
		topic, on, ok := zmtp.ParseSubscription(l.next())
		if !ok || !on || string(topic) != want {
			l.t.Fatalf("subscription %q %v %v, want %q", topic, on, ok, want)
		}
	}
}

func (l *fakeLink) beacon() {
	l.t.Helper()
	b, err := protocol.ParseNodeBeacon(l.next().Frames)
	if err != nil || b.UUID != selfUUID || b.Port != 4242 || b.Info == nil {
		l.t.Fatalf("beacon %+v, %v", b, err)
	}
}

func TestTowerClientTalksToTower(t *testing.T) {
	defer goleak.VerifyNone(t)
	tower := newFakeTower(t)
	client, events, stop := tower.start()

	sub := accept(t, tower.sub, zmtp.XSub)
	if sub.peer.Type != zmtp.Pub || sub.peer.Identity != selfUUID {
		t.Errorf("peer of the sub port is %+v", sub.peer)
	}
	began := time.Now()
	sub.beacon() // at once
	sub.beacon() // when due
	if took := time.Since(began); took < beaconEvery/2 || took > 2*beaconEvery {
		t.Errorf("second beacon after %v", took)
	}
	began = time.Now()
	client.announce()
	client.announce()
	sub.beacon()
	if took := time.Since(began); took > beaconEvery/2 {
		t.Errorf("announced after %v", took)
	}

	pub := accept(t, tower.pub, zmtp.XPub)
	if pub.peer.Type != zmtp.Sub {
		t.Errorf("peer of the pub port is %+v", pub.peer)
	}
	pub.subscribed()
	events.wait(t)
	pub.send([]byte("W"))
	pub.send(protocol.TowerBeacon{UUID: otherUUID, Endpoint: "tcp://127.0.0.1:99"}.Frames()...)
	pub.send(protocol.ListEnd{Info: protocol.NodeInfo{Age: 3 * time.Second}}.Frames()...)
	pub.send([]byte("W"))
	seen := []string{"up 3", "beacon 3 B tcp://127.0.0.1:99", "end 3 3s"}
	events.wait(t, seen...)

	for _, link := range []*fakeLink{sub, pub} {
		pong(t, link)
	}
	stop()
	events.wait(t, append(seen, "down 3")...)
}

// pong checks that a PING comes back, beacons in between aside.
func pong(t *testing.T, l *fakeLink) {
	t.Helper()
	if _, err := l.conn.Write(zmtp.AppendCommand(nil, zmtp.CommandPing, []byte("\x00\x0acontext"))); err != nil {
		t.Fatal(err)
	}
	for {
		m := l.next()
		if !m.Command {
			continue
		}
		name, data, err := zmtp.ParseCommand(m.Frames[0])
		if err != nil || string(name) != zmtp.CommandPong || string(data) != "context" {
			t.Fatalf("PING answered with %q %q, %v", name, data, err)
		}
		return
	}
}

func TestTowerClientRedials(t *testing.T) {
	defer goleak.VerifyNone(t)
	tower := newFakeTower(t)
	_, events, stop := tower.start()
	defer stop()
	for range 2 {
		sub, pub := accept(t, tower.sub, zmtp.XSub), accept(t, tower.pub, zmtp.XPub)
		sub.beacon()
		pub.subscribed()
		pub.send([]byte("W"))
		sub.conn.Close()
		pub.conn.Close()
	}
	events.wait(t, "up 3", "down 3", "up 3", "down 3")

	// Both ports go away and come back.
	addr := tower.addr()
	tower.sub.Close()
	tower.pub.Close()
	tower.sub, tower.pub = listenOn(t, addr.Sub[len("tcp://"):]), listenOn(t, addr.Pub[len("tcp://"):])
	accept(t, tower.sub, zmtp.XSub).beacon()
	accept(t, tower.pub, zmtp.XPub).subscribed()
}

func TestTowerClientLeavesBadTower(t *testing.T) {
	defer goleak.VerifyNone(t)
	tower := newFakeTower(t)
	client, events, stop := tower.start()
	defer stop()
	pub := accept(t, tower.pub, zmtp.XPub)
	pub.subscribed()
	pub.send([]byte("W"))
	bad := [][][]byte{
		{[]byte("B"), []byte("short"), []byte("tcp://127.0.0.1:1")},
		{[]byte("B"), []byte(otherUUID), []byte("udp://127.0.0.1:1")},
		{[]byte("B")},
		{[]byte("T"), []byte{0xc1}},
		{[]byte("X")},
		{nil},
	}
	for i := range towerMalformedMax {
		pub.send(bad[i%len(bad)]...)
	}
	if _, err := io.Copy(io.Discard, pub.conn); err != nil {
		t.Fatalf("link was not closed: %v", err)
	}
	events.wait(t, "up 3", "down 3")
	if n := client.malformedCount(); n != towerMalformedMax {
		t.Errorf("counted %d malformed messages", n)
	}
	accept(t, tower.pub, zmtp.XPub).subscribed()
}

func TestTowerClientLeavesSilentTower(t *testing.T) {
	t.Parallel()
	tower := newFakeTower(t)
	_, events, stop := tower.start()
	defer stop()
	pub := accept(t, tower.pub, zmtp.XPub)
	pub.subscribed()
	pub.send([]byte("W"))
	pub.send(protocol.TowerBeacon{UUID: otherUUID, Endpoint: "tcp://127.0.0.1:99"}.Frames()...)
	if _, err := io.Copy(io.Discard, pub.conn); err != nil {
		t.Fatalf("link was not closed: %v", err)
	}
	events.wait(t, "up 3", "beacon 3 B tcp://127.0.0.1:99", "down 3")
	accept(t, tower.pub, zmtp.XPub).subscribed()
}

// TestTowerClientWithTower: the first client of our own tower, which has just
// started, learns of itself and of the end of the list.
func TestTowerClientWithTower(t *testing.T) {
	defer goleak.VerifyNone(t)
	quiet := slog.New(slog.DiscardHandler)
	started, err := tower.Start(tower.Config{Sub: "tcp://127.0.0.1:0", Pub: "tcp://127.0.0.1:0", Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	defer started.Close()
	events := &recorder{}
	c := newTowerClient(0, protocol.TowerAddr{Sub: started.Sub(), Pub: started.Pub()}, selfUUID, network.Sockets{}, events, quiet)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { c.run(ctx) })
	eventually(t, func() error {
		events.mu.Lock()
		defer events.mu.Unlock()
		got := fmt.Sprint(events.events)
		for _, want := range []string{"[up 0 ", "beacon 0 A tcp://127.0.0.1:4242", "end 0 "} {
			if !strings.Contains(got, want) {
				return fmt.Errorf("no %q in %s", want, got)
			}
		}
		return nil
	})
	cancel()
	wg.Wait()
}

// A beacon that is nearly due goes out with what the tower relays, once for all of
// it.
func TestTowerClientBeaconsWithTheTower(t *testing.T) {
	defer goleak.VerifyNone(t)
	tower := newFakeTower(t)
	client, events, stop := tower.start()
	sub, pub := accept(t, tower.sub, zmtp.XSub), accept(t, tower.pub, zmtp.XPub)
	sub.beacon()
	pub.subscribed()
	pub.send([]byte("W"))
	events.wait(t, "up 3")

	began := time.Now()
	client.sender.Load().sent.Store(began.Add(beaconSlack - beaconEvery).UnixNano())
	for range 3 {
		pub.send(protocol.TowerBeacon{UUID: otherUUID, Endpoint: "tcp://127.0.0.1:99"}.Frames()...)
	}
	sub.beacon()
	if took := time.Since(began); took > beaconEvery/2 {
		t.Errorf("the beacon came after %v", took)
	}
	sub.beacon()
	if took := time.Since(began); took < beaconLate-beaconEvery/4 {
		t.Errorf("another after %v, though the tower relayed nothing more", took)
	}
	sub.conn.Close()
	pub.conn.Close()
	stop()
}
