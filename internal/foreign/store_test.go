package foreign_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/beckmesh/beck/consumer"
	"github.com/beckmesh/beck/internal/foreign"
	"github.com/beckmesh/beck/internal/testmesh"
	"github.com/beckmesh/beck/protocol"
	"github.com/beckmesh/beck/store"
)

// feed publishes records first to last by a producer whose acknowledgements it
// then awaits.
func feed(t *testing.T, p *foreign.Producer, first, last int) {
	t.Helper()
	for i := first; i <= last; i++ {
		p.Publish(numbered(i))
	}
	p.Until("acknowledgements", func() bool { return p.Acked() == uint64(last)+1 })
}

// fed starts a store and a producer that it listens to, and feeds n records.
func fed(t *testing.T, m *testmesh.Mesh, n int) (*store.Store, *foreign.Producer) {
	t.Helper()
	s := m.Store("")
	p := foreign.NewProducer(t, topic)
	join(m, p)
	listens(p, s)
	feed(t, p, 0, n-1)
	return s, p
}

// listens waits until a store hears a producer and can be heard by it.
func listens(p *foreign.Producer, s *store.Store) {
	p.AwaitSubscription("M")
	p.AwaitLink(s.Address())
}

// TestStoreAcknowledges what is on disk, in the C form, and again when a head
// says nothing new.
func TestStoreAcknowledges(t *testing.T) {
	m := testmesh.New(t)
	s, p := fed(t, m, 10)
	if have := s.Stats().Records; have != 10 {
		t.Errorf("all are acknowledged and %d are on disk", have)
	}
	got := p.Take("an ACK", foreign.Is(protocol.KindAck, 9))
	want := protocol.AppendAck(nil, p.UUID, topic, 9)
	if last := got[len(got)-1]; !bytes.Equal(last.Frame, want) || last.From != s.Address() {
		t.Errorf("ACK from %s is %x, want %x", last.From, last.Frame, want)
	}
	for _, k := range got[:len(got)-1] {
		if k.Kind != protocol.KindAck && k.Kind != protocol.KindFetch {
			t.Errorf("the store sent its producer %v", k)
		}
	}
	p.Head()
	checkMessages(t, p.Take("an ACK again", foreign.Of(protocol.KindAck)), "K hello 9")
}

// TestStoreFetches what it missed, from where it is on.
func TestStoreFetches(t *testing.T) {
	m := testmesh.New(t)
	s := m.Store("")
	p := foreign.NewProducer(t, topic)
	p.OnMessage = nil // it does not answer
	join(m, p)
	listens(p, s)
	for i := range 5 {
		p.Keep(numbered(i))
	}
	p.Head()
	got := p.Take("a FETCH", foreign.Of(protocol.KindFetch))
	checkMessages(t, got, "F hello 0+5")
	if f := got[0]; string(f.To) != p.UUID || string(f.Sender) != s.Address() {
		t.Errorf("FETCH to %s from %s", f.To, f.Sender)
	}
}

// TestStoreAnswers C consumers: FETCH by DIRECT-RECORD, GET-HEADS and hellos by
// DIRECT-HEAD, the subscription to hellos by one, and the rest by nothing.
func TestStoreAnswers(t *testing.T) {
	m := testmesh.New(t)
	s, p := fed(t, m, 20)
	p.Leave()
	c := consumerOf(t)
	join(m, c)
	got := c.Take("a hello", foreign.Of(protocol.KindStoreHello))
	checkMessages(t, got, "L")
	if l := got[0]; string(l.To) != c.UUID || string(l.Sender) != s.Address() {
		t.Errorf("hello to %s from %s", l.To, l.Sender)
	}
	for _, prefix := range []string{"F", "G", "M", "H", foreign.To(protocol.KindConsumerHello, s.Address())} {
		c.AwaitSubscription(prefix)
	}
	fetch := func(producer, name string, first uint64, count uint32) {
		c.Publish(protocol.AppendFetch(nil, producer, c.UUID, name, first, count))
	}
	fetch(p.UUID, topic, 3, 5)
	checkMessages(t, c.Take("the answer", foreign.Is(protocol.KindDirectRecord, 7)), records('D', 3, 7)...)
	fetch(p.UUID, topic, 18, 100_000-18)
	checkMessages(t, c.Take("the answer", foreign.Is(protocol.KindDirectRecord, 19)), records('D', 18, 19)...)
	fetch(p.UUID, topic, 20, 5)
	fetch(p.UUID, "unknown", 0, 5)
	fetch(c.UUID, topic, 0, 5)
	c.Publish(protocol.AppendGetHeads(nil, "unknown", c.UUID))
	c.Publish(protocol.AppendGetHeads(nil, topic, c.UUID))
	checkMessages(t, c.Take("a head", foreign.Of(protocol.KindDirectHead)), "E hello 19")
	c.Publish(protocol.AppendGetHeads(nil, "", c.UUID))
	checkMessages(t, c.Take("all heads", foreign.Of(protocol.KindDirectHead)), "E hello 19")
	c.Publish(protocol.AppendConsumerHello(nil, c.UUID, c.UUID, []string{topic})) // to another
	c.Publish(protocol.AppendConsumerHello(nil, s.Address(), c.UUID, []string{"unknown", topic}))
	checkMessages(t, c.Take("a head", foreign.Of(protocol.KindDirectHead)), "E hello 19")
	fetch(p.UUID, topic, 0, 1)
	checkMessages(t, c.Take("the answer", foreign.Is(protocol.KindDirectRecord, 0)), records('D', 0, 0)...)
}

// TestStoreLeadsOn a C consumer that asks up to a multiple of 100,000 and then
// waits for a head.
func TestStoreLeadsOn(t *testing.T) {
	const n = 100_010
	m := testmesh.New(t)
	s := m.Store("")
	theirs := foreign.NewStore(t)
	gone := protocol.NewAddress()
	values := make([]string, n)
	for i := range values {
		values[i] = fmt.Sprint("v", i)
	}
	theirs.Fill(topic, gone, values...)
	join(m, theirs)
	theirs.Reader.AwaitSubscription(foreign.To(protocol.KindDirectRecord, s.Address()))
	theirs.Reader.AwaitLink(s.Address())
	theirs.Reader.Publish(protocol.AppendHead(nil, topic, gone, n-1)) // our store then fetches it
	testmesh.Until(t, "our store to have all", func() bool { return s.Stats().Records == n })
	theirs.Leave()
	c := consumerOf(t)
	join(m, c)
	c.AwaitSubscription("F")
	for _, test := range []struct {
		first uint64
		count uint32
		want  []string
	}{
		{99_990, 3, []string{`D hello 99990 "v99990"`, `D hello 99991 "v99991"`, `D hello 99992 "v99992"`}},
		{99_998, 2, []string{`D hello 99998 "v99998"`, `D hello 99999 "v99999"`, "E hello 100009"}},
		{100_009, 99_991, []string{`D hello 100009 "v100009"`}},
	} {
		c.Publish(protocol.AppendFetch(nil, gone, c.UUID, topic, test.first, test.count))
		c.Publish(protocol.AppendGetHeads(nil, "", c.UUID)) // its answer follows the other
		got := c.Take("the first answer", foreign.Of(protocol.KindDirectHead))
		if len(got) == len(test.want) && got[len(got)-1].String() == test.want[len(got)-1] {
			got = append(got, c.Take("the second answer", foreign.Of(protocol.KindDirectHead))...)
		}
		checkMessages(t, without(got, protocol.KindStoreHello), append(test.want, "E hello 100009")...)
	}
}

// lossy is what a C producer of a topic of its own publishes: 500 records, some
// of which are lost on their way.
type lossy struct {
	topic   string
	acked   int // so many go first and are acknowledged
	from    int // the first that is lost
	to      int // the first behind it that is not
	records int // how many of them a store can have
}

var lossyTopics = []lossy{
	{"the first 256, nothing acknowledged", 0, 0, 200, 500},
	{"beyond the first 256", 0, 0, 400, 356},
	{"after an acknowledgement", 100, 100, 150, 450},
	{"after an acknowledgement, beyond the first 256", 300, 300, 400, 400},
}

func (l lossy) publish(t *testing.T, m *testmesh.Mesh, s *store.Store) {
	t.Helper()
	p := foreign.NewProducer(t, l.topic)
	join(m, p)
	listens(p, s)
	if l.acked > 0 {
		feed(t, p, 0, l.acked-1)
	}
	for i := l.acked; i < 500; i++ {
		if l.from <= i && i < l.to {
			p.Keep(numbered(i))
		} else {
			p.Publish(numbered(i))
		}
	}
}

// TestStoreKeepsNoWrongContent: a C producer that answers with the contents of
// other records, for it was acknowledged or is beyond its first 256. What only
// it could serve is lost, and the store says so.
func TestStoreKeepsNoWrongContent(t *testing.T) {
	t.Parallel()
	m := testmesh.New(t)
	s := m.Store("")
	var topics []string
	records, lost := 0, 0
	for _, l := range lossyTopics {
		l.publish(t, m, s)
		topics = append(topics, l.topic)
		records, lost = records+l.records, lost+500-l.records
	}
	testmesh.Until(t, "records stored and lost", func() bool {
		st := s.Stats()
		return st.Records == uint64(records) && st.Lost == uint64(lost)
	})
	c := m.Consumer(func(c *consumer.Config) { c.SkipMissingAfter = 100 * time.Millisecond }, topics...)
	have := make(map[string]int)
	for _, r := range testmesh.Take(t, c, records) {
		if want := numbered(int(r.Offset)); string(r.Value) != want {
			t.Errorf("%s: offset %d is %q, want %q", r.Topic, r.Offset, r.Value, want)
		}
		have[r.Topic]++
	}
	for _, l := range lossyTopics {
		if have[l.topic] != l.records {
			t.Errorf("%s: %d records, want %d", l.topic, have[l.topic], l.records)
		}
	}
}

// TestStoreRefusesAnswers of a C producer that was acknowledged, and what lies
// beyond its first 256 records: these have the contents of others.
func TestStoreRefusesAnswers(t *testing.T) {
	for _, have := range []int{10, 256} {
		t.Run(fmt.Sprint(have, " acknowledged"), func(t *testing.T) {
			m := testmesh.New(t)
			s, p := fed(t, m, have)
			wrong := protocol.AppendDirectRecord(nil, s.Address(), p.UUID, topic, uint64(have))
			if p.Node.Publish(wrong, []byte("wrong")) != 1 {
				t.Fatal("the store does not listen")
			}
			feed(t, p, have, have)
			testmesh.InOrder(t, testmesh.Take(t, m.Consumer(nil, topic), have+1), 0, "value ")
		})
	}
}
