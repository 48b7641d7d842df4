package tower

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	beck "github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/zmtp"
	"github.com/beckmesh/beck/protocol"
)

func TestIntroducesNodes(t *testing.T) {
	tower := start(t, nil)
	a, b := listen(t, tower, "W", "B", "T"), listen(t, tower, "W", "B", "T")
	a.expect("T tower")
	b.expect("T tower")
	pubA, pubB := publish(t, tower), publish(t, tower)
	began := time.Now()
	pubA.announce(uuid("A"), 1001)
	pubB.announce(uuid("B"), 1002)
	for _, c := range []*client{a, b} {
		got := map[string]bool{c.next(): true, c.next(): true}
		if !got["B A tcp://127.0.0.1:1001"] || !got["B B tcp://127.0.0.1:1002"] {
			t.Errorf("told %v", got)
		}
	}
	if took := time.Since(began); took > 100*time.Millisecond {
		t.Errorf("introduced after %v", took)
	}
	nodes := tower.Nodes()
	if len(nodes) != 2 || nodes[0].UUID != uuid("A") || nodes[0].Endpoint != "tcp://127.0.0.1:1001" ||
		nodes[0].Address != "127.0.0.1" || nodes[0].Info.Name != "A" || nodes[0].Info.Age < time.Second {
		t.Errorf("nodes: %+v", nodes)
	}
	if s := tower.Stats(); s.Nodes != 2 || s.NodeLinks != 2 || s.SubscriberLinks != 2 || s.Beacons != 2 {
		t.Errorf("stats: %+v", s)
	}
}

func TestNewcomerGetsList(t *testing.T) {
	tower := start(t, nil)
	pub := publish(t, tower)
	for _, letter := range []string{"C", "A", "B"} {
		pub.announce(uuid(letter), 1000)
	}
	eventually(t, "three nodes known", func() bool { return tower.Stats().Nodes == 3 })
	list := []string{"B A tcp://127.0.0.1:1000", "B B tcp://127.0.0.1:1000", "B C tcp://127.0.0.1:1000"}
	end := append(list[:3:3], "T tower")

	listen(t, tower, "B", "T").expect(end...)
	listen(t, tower, "T", "B").expect(end...)
	listen(t, tower, "").expect(end...)

	late := listen(t, tower, "B")
	late.expect(list...)
	late.write(zmtp.AppendSubscription(nil, []byte("T"), true))
	for got := late.next(); got != "T tower"; got = late.next() {
		if !strings.HasPrefix(got, "B ") { // repeats may come in between
			t.Errorf("got %q", got)
		}
	}
	listen(t, tower, "T").quiet(50 * time.Millisecond) // no list, no end of it
}

// TestForeignListWaits: a subscriber that does not want to know the end of the
// list gets the list a little later, when its own beacon can be expected to
// arrive.
func TestForeignListWaits(t *testing.T) {
	tower := start(t, nil)
	publish(t, tower).announce(uuid("A"), 1)
	eventually(t, "the node known", func() bool { return tower.Stats().Nodes == 1 })
	began := time.Now()
	foreign := listen(t, tower, "B", "W")
	listen(t, tower, "B", "W", "T").expect("B A tcp://127.0.0.1:1", "T tower")
	ours := time.Since(began)
	foreign.expect("B A tcp://127.0.0.1:1")
	if theirs := time.Since(began); theirs < foreignPatience || ours >= foreignPatience {
		t.Errorf("ours has the list after %v, the foreign node after %v", ours, theirs)
	}
}

func TestListEndTellsAge(t *testing.T) {
	tower := start(t, func(c *Config) { c.Name, c.Version = "north", "v1" })
	tower.mu.Lock()
	tower.started = time.Now().Add(-time.Hour)
	tower.mu.Unlock()
	m, err := listen(t, tower, "B", "T").read(patience)
	if err != nil {
		t.Fatal(err)
	}
	end, err := protocol.ParseListEnd(m.Frames)
	if i := end.Info; err != nil || i.Age < time.Hour || i.Age > 2*time.Hour || i.Name != "north" || i.Version != "v1" {
		t.Errorf("mark %+v, %v", end, err)
	}
}

func TestRepeatsAreGathered(t *testing.T) {
	tower := start(t, nil)
	sub := listen(t, tower, "B", "T")
	sub.expect("T tower")
	pub := publish(t, tower)
	pub.announce(uuid("A"), 1)
	pub.announce(uuid("B"), 2)
	both := []string{"B A tcp://127.0.0.1:1", "B B tcp://127.0.0.1:2"}
	sub.expect(both...)
	began := time.Now()
	pub.announce(uuid("B"), 2)
	pub.announce(uuid("A"), 1)
	sub.expect(both...) // in order
	if took := time.Since(began); took < 300*time.Millisecond {
		t.Errorf("repeated after %v", took)
	}
	sub.quiet(100 * time.Millisecond)
	eventually(t, "silent nodes forgotten", func() bool { return tower.Stats().Nodes == 0 })
}

func TestSubscriptionsAreCounted(t *testing.T) {
	tower := start(t, nil)
	sub := listen(t, tower, "W", "W", "X", "Bee")
	pub := publish(t, tower)
	pub.announce(uuid("A"), 1)
	sub.quiet(50 * time.Millisecond)
	// The other encoding, as ZMTP 3.1 peers use it.
	sub.write(zmtp.AppendCommand(nil, zmtp.CommandSubscribe, []byte("B")))
	sub.expect("B A tcp://127.0.0.1:1")
	sub.write(zmtp.AppendCommand(nil, zmtp.CommandSubscribe, []byte("B")))
	sub.write(zmtp.AppendCommand(nil, zmtp.CommandCancel, []byte("B")))
	pub.announce(uuid("B"), 2)
	for got := sub.next(); got != "B B tcp://127.0.0.1:2"; got = sub.next() {
	}
	sub.write(zmtp.AppendCommand(nil, zmtp.CommandCancel, []byte("B")))
	sub.write(zmtp.AppendCommand(nil, zmtp.CommandPing, []byte("\x00\x00after")))
	for m, err := sub.read(patience); !m.Command; m, err = sub.read(patience) {
		if err != nil {
			t.Fatal(err)
		}
	}
	pub.announce(uuid("C"), 3)
	sub.quiet(50 * time.Millisecond)
}

func TestSecondHolderIsRefused(t *testing.T) {
	tower := start(t, nil)
	sub := listen(t, tower, "B")
	first, second := publish(t, tower), publish(t, tower)
	first.announce(uuid("A"), 1)
	sub.expect("B A tcp://127.0.0.1:1")
	second.announce(uuid("A"), 2)
	eventually(t, "second refused", func() bool { return tower.Stats().Refused["duplicate"] == 1 })
	sub.quiet(50 * time.Millisecond)
	first.conn.Close()
	eventually(t, "first gone", func() bool { return tower.Stats().NodeLinks == 1 })
	second.announce(uuid("A"), 2)
	got := sub.next()
	for got == "B A tcp://127.0.0.1:1" { // repeated before it went
		got = sub.next()
	}
	if want := "B A tcp://127.0.0.1:2"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRestart(t *testing.T) {
	first := start(t, nil)
	pub, sub := publish(t, first), listen(t, first, "W")
	pub.announce(uuid("A"), 1)
	if err := errors.Join(first.Close(), first.Close()); err != nil {
		t.Fatal(err)
	}
	pub.closed()
	sub.closed()
	second := start(t, func(c *Config) { c.Sub, c.Pub = first.Sub(), first.Pub() })
	if second.Sub() != first.Sub() || second.Pub() != first.Pub() {
		t.Errorf("endpoints changed: %s %s", second.Sub(), second.Pub())
	}
	if n := len(second.Nodes()); n != 0 {
		t.Errorf("%d nodes after the restart", n)
	}
	pub = publish(t, second)
	pub.announce(uuid("A"), 1)
	listen(t, second, "B").expect("B A tcp://127.0.0.1:1")
}

func TestStartRefuses(t *testing.T) {
	busy := start(t, nil)
	for _, test := range []struct {
		cfg  Config
		want string
	}{
		{Config{Sub: "127.0.0.1:0"}, "Sub"},
		{Config{Pub: "tcp://127.0.0.1:http"}, "Pub"},
		{Config{Name: strings.Repeat("x", 256)}, "Name"},
		{Config{MaxNodes: -1}, "MaxNodes"},
		{Config{MaxPerAddress: -1}, "MaxPerAddress"},
		{Config{QueueBytes: 1}, "QueueBytes"},
	} {
		tower, err := Start(test.cfg)
		if !errors.Is(err, beck.ErrConfig) || !strings.Contains(fmt.Sprint(err), test.want) {
			t.Errorf("%+v: %v, %v", test.cfg, tower, err)
		}
	}
	for _, cfg := range []Config{
		{Sub: busy.Sub(), Pub: "tcp://127.0.0.1:0"},
		{Sub: "tcp://127.0.0.1:0", Pub: busy.Pub()},
	} {
		if _, err := Start(cfg); err == nil || !strings.Contains(err.Error(), "bind") {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
}

func TestIPv6AndWildcard(t *testing.T) {
	if l, err := net.Listen("tcp", "[::1]:0"); err != nil {
		t.Skip("no IPv6 loopback")
	} else {
		l.Close()
	}
	tower := start(t, func(c *Config) { c.Sub, c.Pub = "tcp://*:0", "tcp://[::1]:0" })
	if !strings.HasPrefix(tower.Sub(), "tcp://127.0.0.1:") || !strings.HasPrefix(tower.Pub(), "tcp://[::1]:") {
		t.Errorf("endpoints %s %s", tower.Sub(), tower.Pub())
	}
	publish(t, tower).announce(uuid("A"), 1)
	dial(t, strings.Replace(tower.Sub(), "127.0.0.1", "[::1]", 1), zmtp.Pub).announce(uuid("B"), 2)
	eventually(t, "both known", func() bool { return tower.Stats().Nodes == 2 })
	listen(t, tower, "B").expect("B A tcp://127.0.0.1:1", "B B tcp://[::1]:2")
}

// TestMarkWaitsForList: a list that is due a moment after the clock was read is
// still sent before its end.
func TestMarkWaitsForList(t *testing.T) {
	tower := start(t, nil)
	now := time.Now()
	s := &subscriber{tower: tower, mark: true, listDue: now.Add(time.Microsecond)}
	if out := s.next(now); out != nil {
		t.Errorf("sent %q before the list was due", out)
	}
	if out := s.next(now.Add(time.Millisecond)); out == nil {
		t.Error("the end of the list was not sent after it")
	}
}
