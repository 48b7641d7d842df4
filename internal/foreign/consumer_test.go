package foreign_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/beckmesh/beck/consumer"
	"github.com/beckmesh/beck/internal/foreign"
	"github.com/beckmesh/beck/internal/testmesh"
	"github.com/beckmesh/beck/protocol"
)

func stopAtEnd(c *consumer.Config) { c.StopAtEnd = true }

// TestConsumerSubscribes: to messages to itself, and to each topic exactly.
func TestConsumerSubscribes(t *testing.T) {
	m := testmesh.New(t)
	p := foreign.New(t)
	join(m, p)
	c := m.Consumer(nil, topic)
	for _, prefix := range []string{
		foreign.To(protocol.KindDirectRecord, c.Address()), foreign.To(protocol.KindDirectHead, c.Address()),
		foreign.To(protocol.KindStoreHello, c.Address()), "M" + topic + "\x00", "H" + topic + "\x00",
	} {
		p.AwaitSubscription(prefix)
	}
	for _, prefix := range []string{"", "M", "H", "M" + topic} {
		if p.Heard(prefix) {
			t.Errorf("the consumer subscribed to %q", prefix)
		}
	}
}

// TestConsumerGreets: it answers a store's subscription to hellos with one, and
// a STORE-HELLO with another, and asks for heads and records by the link that
// the store reads.
func TestConsumerGreets(t *testing.T) {
	m := testmesh.New(t)
	reader := foreign.New(t)
	reader.Want(reader.Self(protocol.KindConsumerHello))
	join(m, reader)
	c := m.Consumer(nil, topic, "other")
	hello := fmt.Sprintf("W [%q %q]", topic, "other")
	check := func(got []foreign.Message) {
		t.Helper()
		checkMessages(t, got, hello)
		if w := got[0]; w.From != c.Address() || string(w.Sender) != c.Address() || string(w.To) != reader.UUID {
			t.Errorf("hello from %s, sender %s, to %s", w.From, w.Sender, w.To)
		}
	}
	check(reader.Take("a hello for the subscription", foreign.Of(protocol.KindConsumerHello)))
	reader.AwaitSubscription(foreign.To(protocol.KindStoreHello, c.Address()))
	reader.Publish(protocol.AppendStoreHello(nil, c.Address(), reader.UUID))
	check(reader.Take("a hello for the hello", foreign.Of(protocol.KindConsumerHello)))
}

// TestConsumerFetches: a head makes it ask the node that can answer, and what it
// asked for it delivers.
func TestConsumerFetches(t *testing.T) {
	m := testmesh.New(t)
	reader := foreign.New(t)
	reader.Want("F", "G", reader.Self(protocol.KindConsumerHello))
	join(m, reader)
	c := m.Consumer(nil, topic)
	got := without(reader.Take("GET-HEADS", foreign.Of(protocol.KindGetHeads)), protocol.KindConsumerHello)
	checkMessages(t, got, fmt.Sprintf("G %q", topic))
	reader.AwaitSubscription(foreign.To(protocol.KindDirectRecord, c.Address()))
	gone := protocol.NewAddress()
	reader.Publish(protocol.AppendDirectHead(nil, c.Address(), gone, topic, 2))
	got = without(reader.Take("FETCH", foreign.Of(protocol.KindFetch)), protocol.KindGetHeads, protocol.KindConsumerHello)
	checkMessages(t, got, "F hello 0+3")
	if f := got[0]; string(f.To) != gone || string(f.Sender) != c.Address() {
		t.Errorf("FETCH to %s from %s, want to %s from %s", f.To, f.Sender, gone, c.Address())
	}
	for i := range 4 { // one more than asked for
		reader.Publish(protocol.AppendDirectRecord(nil, c.Address(), gone, topic, uint64(i)), []byte(numbered(i)))
	}
	reader.Publish(protocol.AppendDirectRecord(nil, gone, gone, topic, 4), []byte("to another"))
	reader.Publish(protocol.AppendDirectRecord(nil, c.Address(), gone, topic+"2", 0), []byte("not asked for"))
	reader.Publish(protocol.AppendDirectRecord(nil, c.Address(), gone, topic, 4), []byte(numbered(4)))
	records := testmesh.Take(t, c, 5)
	testmesh.InOrder(t, records, 0, "value ")
}

// TestConsumerReplays from C stores: one record more than asked for each time,
// and silence from the one that lacks the first.
func TestConsumerReplays(t *testing.T) {
	t.Parallel()
	const n = 700
	m := testmesh.New(t)
	whole, holed := foreign.NewStore(t), foreign.NewStore(t)
	gone := protocol.NewAddress()
	for i := range n {
		whole.Fill(topic, gone, numbered(i))
		holed.Fill(topic, gone, numbered(i))
	}
	whole.Fill(topic+"2", gone, "another topic, listed because its name begins so")
	holed.Lose(topic, gone, n/2)
	join(m, whole, holed)
	records := testmesh.Drain(t, m.Consumer(stopAtEnd, topic))
	if len(records) != n {
		t.Errorf("%d records, want %d", len(records), n)
	}
	testmesh.InOrder(t, records, 0, "value ")
}

// TestConsumerLive: records of a C producer as they come. What was lost before
// is served by the producer, right as long as nothing was acknowledged.
func TestConsumerLive(t *testing.T) {
	m := testmesh.New(t)
	p := foreign.NewProducer(t, topic)
	for i := range 50 {
		p.Keep(numbered(i))
	}
	join(m, p)
	c := m.Consumer(nil, topic)
	p.AwaitSubscription("M" + topic + "\x00")
	p.AwaitLink(c.Address())
	for i := 50; i < 100; i++ {
		p.Publish(numbered(i))
	}
	testmesh.InOrder(t, testmesh.Take(t, c, 100), 0, "value ")
}

// TestConsumerOfAPattern takes from C nodes what matches and no more: they are asked
// for all heads, never where a time begins, and greeted without the pattern.
func TestConsumerOfAPattern(t *testing.T) {
	m := testmesh.New(t)
	s := foreign.NewStore(t)
	gone := protocol.NewAddress()
	for i := range 300 {
		for _, name := range []string{"a.b", "a.c", "a.b.c", "ab", "b"} {
			s.Fill(name, gone, numbered(i))
		}
	}
	reader := foreign.New(t)
	reader.Want("F", "G", reader.Self(protocol.KindConsumerHello))
	p := foreign.NewProducer(t, "a.live")
	join(m, s, reader, p)
	c := m.Consumer(func(c *consumer.Config) { c.Start = consumer.AtTime(time.Now()) }, "a.*", "x")
	records := testmesh.Take(t, c, 600)
	testmesh.InOrder(t, records, 0, "value ")
	for _, r := range records {
		if r.Topic != "a.b" && r.Topic != "a.c" {
			t.Fatalf("got %v", r.Place())
		}
	}
	p.AwaitSubscription("Ma.")
	p.AwaitLink(c.Address())
	p.Publish(numbered(0))
	if r := testmesh.Take(t, c, 1)[0]; r.Topic != "a.live" {
		t.Errorf("got %v", r.Place())
	}
	got := reader.Take("GET-HEADS of all", func(m foreign.Message) bool {
		return m.Kind == protocol.KindGetHeads && len(m.To) == 0
	})
	for _, g := range got {
		switch {
		case g.Kind == protocol.KindGetHeads && len(g.Trailer) > 0:
			t.Errorf("asked with a trailer: % x", g.Trailer)
		case g.Kind == protocol.KindConsumerHello && (len(g.Topics) != 1 || string(g.Topics[0]) != "x"):
			t.Errorf("greeted with %q", g.Topics)
		}
	}
}
