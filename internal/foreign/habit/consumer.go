package habit

import (
	"slices"
	"time"

	"github.com/beckmesh/beck/protocol"
)

// askAgain is how soon a Consumer asks for the same records again when it hears
// of what is behind them.
const askAgain = time.Second

// Consumer delivers from the first record on what comes next, and drops the
// rest. It asks for what is missing only when it hears of something beyond it:
// once, to everybody who listens for FETCH, and not again because no answer
// came. A store that it sees it tells its topics.
type Consumer struct {
	UUID   string
	Topics []string
	Send   Send
	// Deliver is given the records in order. content is valid during the call.
	Deliver func(p Partition, seq uint64, content []byte)

	parts map[Partition]*reading
}

// reading is how far a partition was delivered, and what was asked for.
type reading struct {
	next  uint64
	asked time.Time
	from  uint64
}

// Wants returns what the consumer subscribes to.
func (c *Consumer) Wants() []string {
	wants := []string{
		To(protocol.KindDirectRecord, c.UUID), To(protocol.KindDirectHead, c.UUID), To(protocol.KindStoreHello, c.UUID),
	}
	for _, t := range c.Topics {
		wants = append(wants, "M"+t, "H"+t)
	}
	return wants
}

// Next returns how far a partition was delivered.
func (c *Consumer) Next(p Partition) uint64 {
	if r := c.parts[p]; r != nil {
		return r.next
	}
	return 0
}

// Receive takes a message, with the content of a record.
func (c *Consumer) Receive(m *protocol.Message, content []byte, now time.Time) {
	switch m.Kind {
	case protocol.KindStoreHello:
		c.hello(string(m.Sender))
	case protocol.KindRecord, protocol.KindDirectRecord, protocol.KindHead, protocol.KindDirectHead:
		if slices.Contains(c.Topics, string(m.Subject)) {
			c.hear(m, content, now)
		}
	}
}

func (c *Consumer) hear(m *protocol.Message, content []byte, now time.Time) {
	p := partitionOf(m)
	r := c.parts[p]
	if r == nil {
		if c.parts == nil {
			c.parts = make(map[Partition]*reading)
		}
		r = new(reading)
		c.parts[p] = r
	}
	record := m.Kind.HasContent()
	switch {
	case record && m.Sequence == r.next:
		r.next++
		c.Deliver(p, m.Sequence, content)
	case m.Sequence >= r.next && (r.asked.IsZero() || r.from != r.next || now.Sub(r.asked) >= askAgain):
		r.asked, r.from = now, r.next
		c.Send(protocol.AppendFetch(nil, p.Producer, c.UUID, p.Topic, r.next, fetchCount(r.next)))
	}
}

// Subscribed has the consumer tell its topics to a store that subscribed to be
// told.
func (c *Consumer) Subscribed(prefix string) {
	k, to, _ := protocol.SplitSubscription([]byte(prefix))
	if k == protocol.KindConsumerHello && len(to) > 0 {
		c.hello(string(to))
	}
}

func (c *Consumer) hello(store string) {
	c.Send(protocol.AppendConsumerHello(nil, store, c.UUID, c.Topics))
}
