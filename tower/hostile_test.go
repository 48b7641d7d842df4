package tower

import (
	"crypto/rand"
	"fmt"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/internal/zmtp"
	"github.com/beckmesh/beck/protocol"
)

// TestMalformedIsCounted sends what no node sends to both ports.
func TestMalformedIsCounted(t *testing.T) {
	tower := start(t, nil)
	pub, sub := publish(t, tower), listen(t, tower, "W")
	beacon := func(uuid, host, port string) [][]byte {
		return [][]byte{[]byte("B"), []byte(uuid), []byte(host), []byte(port)}
	}
	for _, test := range []struct {
		kind string
		from *client
		send [][]byte
	}{
		{"address", pub, beacon("nobody", "", "1")},
		{"endpoint", pub, beacon(uuid("A"), "", "0")},
		{"endpoint", pub, beacon(uuid("A"), "", "65536")},
		{"endpoint", pub, beacon(uuid("A"), "", "0x10")},
		{"endpoint", pub, beacon(uuid("A"), "two hosts", "10")},
		{"beacon", pub, [][]byte{[]byte("B"), []byte(uuid("A"))}},
		{"beacon", pub, [][]byte{[]byte("C"), nil, nil, nil}},
		{"subscription", sub, [][]byte{[]byte("hello")}},
		{"subscription", sub, [][]byte{[]byte("\x01B"), []byte("more")}},
	} {
		before := tower.Stats().Refused[test.kind]
		test.from.send(test.send...)
		eventually(t, test.kind+" counted", func() bool { return tower.Stats().Refused[test.kind] == before+1 })
	}
	if n := tower.Stats().Nodes; n != 0 {
		t.Errorf("%d nodes believed", n)
	}
	var many []byte
	for range maxMalformed {
		many = zmtp.AppendMessage(many, []byte("hello"))
	}
	pub.write(many)
	sub.write(many)
	pub.closed()
	sub.closed()

	broken := publish(t, tower)
	broken.write([]byte{0xff})
	broken.closed()
	large := publish(t, tower)
	large.write(zmtp.AppendFrameHeader(nil, 0, 1<<40))
	large.closed()
	eventually(t, "broken frames counted", func() bool {
		r := tower.Stats().Refused
		return r["frame"] == 1 && r["size"] == 1
	})
}

// TestHostileConnections: silent peers and peers that send noise, all of them
// redialling, keep nobody out and cost little.
func TestHostileConnections(t *testing.T) {
	tower, quiet := start(t, nil), start(t, nil)
	stop := make(chan struct{})
	var flood sync.WaitGroup
	for i := range 200 {
		flood.Go(func() { pester(tower, i, stop) })
	}
	defer flood.Wait()
	defer close(stop)
	eventually(t, "flood runs", func() bool { return tower.Stats().Refused["handshake"] > 1000 })

	// The pesterers have this machine's cores as well, and others may: so it is held
	// against what a tower that is left alone takes beside.
	var joins, beside []time.Duration
	for i, name := range []string{"A", "B", "C", "D", "E"} {
		joins = append(joins, join(t, tower, name, uint16(i+1)))
		beside = append(beside, join(t, quiet, name, uint16(i+1)))
	}
	slices.Sort(joins)
	slices.Sort(beside)
	if most := 2*beside[len(beside)/2] + time.Second; joins[len(joins)/2] > most {
		t.Errorf("joined after %v, where nobody pesters after %v", joins, beside)
	}
	if n := runtime.NumGoroutine(); n > 2000 {
		t.Errorf("%d goroutines", n)
	}
}

// join announces a node as it would itself, once a second, and returns how long it
// takes until a subscriber that came with it hears of it.
func join(t *testing.T, tower *Tower, name string, port uint16) time.Duration {
	t.Helper()
	began := time.Now()
	sub := listen(t, tower, "W", "B")
	for announced := false; !announced; {
		publish(t, tower).announce(uuid(name), port)
		announced = sub.hears(name, time.Second)
	}
	return time.Since(began)
}

// hears reports whether a node is announced within the time given.
func (c *client) hears(name string, within time.Duration) bool {
	for deadline := time.Now().Add(within); ; {
		m, err := c.read(time.Until(deadline))
		if err != nil {
			return false
		}
		if strings.HasPrefix(describe(m), "B "+name+" ") {
			return true
		}
	}
}

// pester dials either port again and again; every second peer stays silent on
// ten connections at a time.
func pester(tower *Tower, i int, stop chan struct{}) {
	endpoint := []string{tower.Sub(), tower.Pub()}[i/2%2]
	noise := make([]byte, 256)
	rand.Read(noise)
	var open []net.Conn
	defer func() {
		for _, c := range open {
			c.Close()
		}
	}()
	for {
		select {
		case <-stop:
			return
		default:
		}
		conn, err := net.Dial("tcp", strings.TrimPrefix(endpoint, "tcp://"))
		if err != nil {
			continue
		}
		if i%2 == 0 {
			conn.Write(noise)
			conn.Close()
			continue
		}
		if open = append(open, conn); len(open) > 10 {
			open[0].Close()
			open = open[1:]
		}
		// Wait to be thrown out, so that the dialling itself is no flood.
		conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		conn.Read(make([]byte, 1024))
	}
}

func TestConnectionsPerAddress(t *testing.T) {
	tower := start(t, func(c *Config) { c.MaxPerAddress = 3 })
	var subs []*client
	for range 3 {
		sub := listen(t, tower, "W")
		subs = append(subs, sub)
	}
	dial(t, tower.Pub(), zmtp.Sub).closed()
	if n := tower.Stats().Refused["connections"]; n != 1 {
		t.Errorf("%d connections refused", n)
	}
	subs[0].conn.Close()
	eventually(t, "one gone", func() bool { return tower.Stats().SubscriberLinks == 2 })
	listen(t, tower, "W")
}

func TestBeaconRate(t *testing.T) {
	tower := start(t, nil)
	pub := publish(t, tower)
	var flood []byte
	for range 3000 {
		flood = zmtp.AppendMessage(flood, protocol.NodeBeacon{UUID: uuid("A"), Port: 1}.Frames()...)
	}
	pub.write(flood)
	eventually(t, "flood refused", func() bool { return tower.Stats().Refused["rate"] > 0 })
	if n := tower.Stats().Beacons; n > 1500 {
		t.Errorf("%d beacons believed", n)
	}
}

// slowSubscriber serves a subscriber over a pipe, which buffers nothing. The
// test has read its "W" and then reads no more.
func slowSubscriber(t *testing.T, tower *Tower) (*client, chan struct{}) {
	t.Helper()
	ours, theirs := net.Pipe()
	t.Cleanup(func() { ours.Close(); theirs.Close() })
	served := make(chan struct{})
	go func() {
		defer close(served)
		tower.serveSubscriber(&link{conn: theirs})
	}()
	c := &client{t: t, conn: ours, reader: zmtp.NewReader(ours, zmtp.Limits{})}
	c.write(zmtp.AppendSubscription(nil, []byte("B"), true))
	c.write(zmtp.AppendSubscription(nil, []byte("W"), true))
	c.expect("W")
	return c, served
}

func announceMany(t *testing.T, tower *Tower, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		conn := core.NodeConn{ID: uint64(1<<40 + i), Address: fmt.Sprint("192.0.2.", i%250)}
		b := protocol.NodeBeacon{UUID: fmt.Sprintf("%032X", i), Port: 1}
		if err := tower.announce(conn, b); err != nil {
			t.Fatal(err)
		}
	}
}

// TestSlowSubscriberIsCutOff: what waits for one that does not read is bounded,
// and costs the others nothing.
func TestSlowSubscriberIsCutOff(t *testing.T) {
	tower := start(t, func(c *Config) { c.QueueBytes = 4 << 10 })
	slow, served := slowSubscriber(t, tower)
	announceMany(t, tower, 0, 20)
	if n := tower.Stats().Overflows; n != 0 {
		t.Fatalf("cut off too early: %d", n)
	}
	announceMany(t, tower, 20, 200)
	if n := tower.Stats().Overflows; n != 1 {
		t.Errorf("%d overflows", n)
	}
	slow.closed()
	<-served
	tower.mu.Lock()
	defer tower.mu.Unlock()
	if len(tower.subs) != 0 {
		t.Errorf("%d subscribers left", len(tower.subs))
	}
}

// TestSlowSubscriberSkipsRepeats: repeats do not pile up behind one that does
// not read, and do not count against it.
func TestSlowSubscriberSkipsRepeats(t *testing.T) {
	tower := start(t, func(c *Config) { c.QueueBytes = 4 << 10 })
	slow, served := slowSubscriber(t, tower)
	for round := range 4 {
		announceMany(t, tower, 0, 20)
		if round > 0 {
			tower.mu.Lock()
			now := time.Now().Add(time.Duration(round) * time.Second)
			tower.repeats = tower.relay(now, tower.dir.List(), (*subscriber).gathered)
			tower.mu.Unlock()
		}
	}
	if s := tower.Stats(); s.Skipped == 0 || s.Overflows != 0 {
		t.Errorf("stats: %+v", s)
	}
	for range 40 { // the news, then the repeats once
		if got := slow.next(); !strings.HasPrefix(got, "B ") {
			t.Fatalf("got %q", got)
		}
	}
	slow.conn.Close()
	<-served
}

// TestLargeList: a list larger than any queue reaches its newcomer.
func TestLargeList(t *testing.T) {
	tower := start(t, func(c *Config) { c.QueueBytes = 4 << 10 })
	announceMany(t, tower, 0, 5000)
	sub := listen(t, tower, "B", "T")
	began := time.Now()
	for i := range 5000 {
		if got := sub.next(); !strings.HasSuffix(got, fmt.Sprintf("tcp://192.0.2.%d:1", i%250)) {
			t.Fatalf("node %d: %q", i, got)
		}
	}
	sub.expect("T tower")
	t.Logf("5,000 nodes in %v", time.Since(began))
}
