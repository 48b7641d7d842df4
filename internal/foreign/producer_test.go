package foreign_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/foreign"
	"github.com/beckmesh/beck/internal/testmesh"
	"github.com/beckmesh/beck/producer"
	"github.com/beckmesh/beck/protocol"
)

func publish(t *testing.T, p *producer.Producer, name string, first, last int) {
	t.Helper()
	for i := first; i <= last; i++ {
		if err := p.Publish(context.Background(), beck.Record{Topic: name, Value: []byte(numbered(i))}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestProducerPublishes: RECORD and HEAD to who subscribed to them. A new
// subscriber gets the head at once and the records behind it.
func TestProducerPublishes(t *testing.T) {
	m := testmesh.New(t)
	p := m.Producer(nil)
	publish(t, p, topic, 0, 9)
	c := consumerOf(t, topic)
	join(m, c)
	checkMessages(t, c.Take("the head", foreign.Is(protocol.KindHead, 9)), "H hello 9")
	publish(t, p, topic, 10, 14)
	got := c.Take("the new head", foreign.Is(protocol.KindHead, 14))
	got = slices.DeleteFunc(got, foreign.Is(protocol.KindHead, 9)) // it may come again before
	checkMessages(t, got, append(records('M', 10, 14), "H hello 14")...)
	for _, r := range got {
		if r.From != p.Address() || string(r.Sender) != p.Address() || string(r.To) != topic {
			t.Errorf("%v is from %s, sender %s, to %s", r, r.From, r.Sender, r.To)
		}
	}
}

// TestProducerPrefix: a subscription without NUL is a prefix, one with NUL is a
// topic.
func TestProducerPrefix(t *testing.T) {
	m := testmesh.New(t)
	p := m.Producer(nil)
	prefix, exact := foreign.New(t), foreign.New(t)
	prefix.Want("M" + topic)
	exact.Want("M"+topic+"\x00", "Mmark\x00")
	join(m, prefix, exact)
	prefix.AwaitLink(p.Address())
	exact.AwaitLink(p.Address())
	testmesh.Until(t, "both subscriptions", func() bool {
		publish(t, p, topic, 0, 0)
		return prefix.Has(foreign.Of(protocol.KindRecord)) && exact.Has(foreign.Of(protocol.KindRecord))
	})
	publish(t, p, topic+"2", 7, 7)
	publish(t, p, "mark", 8, 8)
	isMark := func(r foreign.Message) bool { return string(r.Subject) == "mark" }
	isOther := func(r foreign.Message) bool { return string(r.Subject) == topic+"2" }
	prefix.Take("hello2", isOther)
	if got := exact.Take("the mark", isMark); slices.ContainsFunc(got, isOther) {
		t.Errorf("%s came to a subscriber of %s alone: %v", topic+"2", topic, got)
	}
}

// TestProducerCountsSubscriptions: two subscriptions need two cancels.
func TestProducerCountsSubscriptions(t *testing.T) {
	m := testmesh.New(t)
	p := m.Producer(nil)
	c := foreign.New(t)
	c.Want("M"+topic, "M"+topic)
	join(m, c)
	barriers := 0
	barrier := func() []foreign.Message { // what was subscribed before is in force when it returns
		barriers++
		mark := fmt.Sprint("mark", barriers)
		publish(t, p, mark, 0, 0)
		c.Subscription(p.Address(), "H"+mark, true)
		got := c.Take("the head of a mark", func(r foreign.Message) bool { return string(r.Subject) == mark })
		return without(got, protocol.KindHead)
	}
	c.Subscription(p.Address(), "M"+topic, false)
	barrier()
	publish(t, p, topic, 0, 0)
	checkMessages(t, without(c.Take("a record", foreign.Of(protocol.KindRecord)), protocol.KindHead), records('M', 0, 0)...)
	c.Subscription(p.Address(), "M"+topic, false)
	barrier()
	publish(t, p, topic, 1, 1)
	checkMessages(t, barrier())
}

// TestProducerAnswers: FETCH by DIRECT-RECORD, GET-HEADS by DIRECT-HEAD, and what
// cannot be answered by nothing, since C nodes would ask again at once.
func TestProducerAnswers(t *testing.T) {
	m := testmesh.New(t)
	p := m.Producer(nil)
	publish(t, p, topic, 0, 299)
	publish(t, p, "other", 0, 0)
	c := consumerOf(t)
	join(m, c)
	c.AwaitSubscription(foreign.To(protocol.KindFetch, p.Address()))
	c.AwaitSubscription("G")
	fetch := func(first uint64, count uint32) {
		c.Publish(protocol.AppendFetch(nil, p.Address(), c.UUID, topic, first, count))
	}
	fetch(3, 4)
	checkMessages(t, c.Take("the answer", foreign.Is(protocol.KindDirectRecord, 6)), records('D', 3, 6)...)
	fetch(250, 20)
	checkMessages(t, c.Take("the answer", foreign.Is(protocol.KindDirectRecord, 269)), records('D', 250, 269)...)
	fetch(298, 100)
	checkMessages(t, c.Take("the answer", foreign.Is(protocol.KindDirectRecord, 299)), records('D', 298, 299)...)
	fetch(300, 10)
	c.Publish(protocol.AppendFetch(nil, p.Address(), c.UUID, "unknown", 0, 10))
	c.Publish(protocol.AppendFetch(nil, c.UUID, c.UUID, topic, 0, 10)) // not its own
	fetch(1, 1)
	checkMessages(t, c.Take("the answer", foreign.Is(protocol.KindDirectRecord, 1)), records('D', 1, 1)...)

	heads := func(name string) { c.Publish(protocol.AppendGetHeads(nil, name, c.UUID)) }
	heads("unknown")
	heads(topic)
	checkMessages(t, c.Take("the head", foreign.Of(protocol.KindDirectHead)), "E hello 299")
	heads("")
	checkMessages(t, c.Take("all heads", foreign.Is(protocol.KindDirectHead, 0)), "E hello 299", "E other 0")
	fetch(2, 1)
	checkMessages(t, c.Take("the answer", foreign.Is(protocol.KindDirectRecord, 2)), records('D', 2, 2)...)
}

// TestProducerTakesAcks: in both forms, of its own topics, once a store.
func TestProducerTakesAcks(t *testing.T) {
	m := testmesh.New(t)
	p := m.Producer(func(c *producer.Config) { c.MinStoreAcks = 2 })
	publish(t, p, topic, 0, 9)
	a, b := foreign.New(t), foreign.New(t)
	join(m, a, b)
	stored := func(n uint64) {
		t.Helper()
		testmesh.Until(t, "acknowledgements", func() bool { return p.Stats().Stored == n })
	}
	for _, s := range []*foreign.Node{a, b} {
		s.AwaitSubscription(foreign.To(protocol.KindAck, p.Address()))
	}
	a.Publish(protocol.AppendAck(nil, p.Address(), topic, 4))
	a.Publish(protocol.AppendAck(nil, p.Address(), topic, 9))
	b.Publish(protocol.AppendAck(nil, p.Address(), "other", 3))
	b.Publish(protocol.AppendAck(nil, p.Address(), topic, 2))
	stored(3)
	b.Publish(rfcAck(p.Address(), b.UUID, topic, 6))
	stored(7)
}

// rfcAck is an ACK in the form of the RFC, with the sender's address.
func rfcAck(producer, sender, subject string, seq byte) []byte {
	f := append([]byte("K"+producer), 0, 1, byte(len(sender)))
	f = append(append(f, sender...), byte(len(subject)))
	return append(append(f, subject...), 0, 0, 0, 0, 0, 0, 0, seq)
}
