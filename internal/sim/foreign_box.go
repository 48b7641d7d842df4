package sim

import (
	"fmt"
	"time"

	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/internal/foreign/habit"
	"github.com/beckmesh/beck/protocol"
)

// cProducer is a machine on which one C producer after the other runs.
type cProducer struct {
	frame
	topic string
	habit *habit.Producer
	left  int
}

func (w *World) newCProducer(name, topic string, records int) *cProducer {
	b := &cProducer{frame: frame{world: w, m: &machine{name: name}}, topic: topic, left: records}
	b.start()
	return b
}

func (b *cProducer) start() {
	w := b.world
	f := w.newForeign(b.m, protocol.RoleProducer)
	p := &habit.Producer{UUID: f.uuid, Topic: b.topic, Send: f.publish}
	f.wants = p.Wants()
	f.receive = func(_ *host, m *protocol.Message, _ []byte) { p.Receive(m) }
	b.host, b.habit = f.host, p
	w.model.part(core.Partition{Topic: b.topic, Producer: f.uuid}).foreign = true
	w.tracef("%s starts as %.8s", b.m.name, f.uuid)
	f.host.after(w.between(0, time.Second), b.publish)
	f.host.after(time.Second, b.head)
}

// publish publishes a few records and plans to go on.
func (b *cProducer) publish() {
	w := b.world
	p := w.model.part(core.Partition{Topic: b.topic, Producer: b.habit.UUID})
	for n := 1 + w.rng.Intn(20); n > 0 && b.left > 0; n-- {
		value := fmt.Sprintf("%s@%d:%0*d", p, len(p.records), 1+w.rng.Intn(100), w.rng.Intn(1000))
		p.records = append(p.records, value)
		b.habit.Publish([]byte(value))
		b.left--
	}
	if b.left > 0 {
		b.host.after(w.between(time.Millisecond, 400*time.Millisecond), b.publish)
	}
}

func (b *cProducer) head() {
	b.habit.Head()
	b.host.after(time.Second, b.head)
}

func (b *cProducer) crash() {
	b.host.crash()
	b.world.Faults["record of a C producer sent wrong"] += b.habit.Wrong()
	b.world.tracef("%s crashes", b.m.name)
	b.host, b.habit = nil, nil
}

// cConsumer is a machine on which one C consumer after the other runs.
type cConsumer struct {
	frame
	topics []string
	habit  *habit.Consumer
	asked  map[core.Partition]core.Range // all that it ever asked for
}

func (w *World) newCConsumer(name string, topics []string) *cConsumer {
	b := &cConsumer{frame: frame{world: w, m: &machine{name: name}}, topics: topics}
	b.start()
	return b
}

func (b *cConsumer) start() {
	w := b.world
	f := w.newForeign(b.m, protocol.RoleConsumer)
	b.asked = make(map[core.Partition]core.Range)
	b.habit = &habit.Consumer{UUID: f.uuid, Topics: b.topics, Send: b.send(f), Deliver: b.deliver}
	b.host = f.host
	f.wants, f.subscribed = b.habit.Wants(), b.habit.Subscribed
	f.receive = b.receive
	w.tracef("%s starts as %.8s", b.m.name, f.uuid)
}

// send notes what the consumer asks for.
func (b *cConsumer) send(f *foreign) habit.Send {
	return func(frames ...[]byte) {
		if m, err := protocol.Parse(frames[0]); err == nil && m.Kind == protocol.KindFetch {
			p := core.Partition{Topic: string(m.Subject), Producer: string(m.To)}
			r, again := b.asked[p]
			if end := m.Sequence + uint64(m.Count); again {
				r = core.Range{First: min(r.First, m.Sequence), End: max(r.End, end)}
			} else {
				r = core.Range{First: m.Sequence, End: end}
			}
			b.asked[p] = r
		}
		f.publish(frames...)
	}
}

// receive checks that our nodes answer what was asked, and with what was
// published: the tap compares the contents.
func (b *cConsumer) receive(from *host, m *protocol.Message, content []byte) {
	if m.Kind == protocol.KindDirectRecord && !from.foreign {
		b.world.Faults["record served to a C consumer"]++
		if r := b.asked[partitionOf(m)]; m.Sequence < r.First || m.Sequence >= r.End {
			b.world.failf("%s was sent %v@%d by %s and asked for %v", b.m.name, partitionOf(m), m.Sequence, from.machine.name, r)
		}
	}
	b.habit.Receive(m, content, b.world.now)
}

// deliver checks one record: it comes from one of our producers, or by one of
// our nodes, as it was published. What C nodes tell each other is their own.
func (b *cConsumer) deliver(p habit.Partition, seq uint64, content []byte) {
	part := b.world.model.part(core.Partition(p))
	switch {
	case part.foreign:
	case seq >= uint64(len(part.records)) || string(content) != part.records[seq]:
		b.world.failf("%s got %v@%d with content %q", b.m.name, part, seq, content)
	default:
		part.known = max(part.known, seq+1)
	}
}

// behind names what the consumer lacks of what producers of ours that live have
// had acknowledged. Of others it asks once, and if nobody that can answer listens
// to it by then, never again.
func (b *cConsumer) behind(producers []*producerBox) (missing []string) {
	for _, p := range producers {
		for _, topic := range b.topics {
			part := b.world.model.part(core.Partition{Topic: topic, Producer: p.producer.Address()})
			if next := b.habit.Next(habit.Partition(part.Partition)); next < part.acked {
				missing = append(missing, fmt.Sprintf("%s lacks %v: has %d of %d", b.m.name, part, next, part.acked))
			}
		}
	}
	return missing
}

func (b *cConsumer) crash() {
	b.host.crash()
	b.world.tracef("%s crashes", b.m.name)
	b.host, b.habit = nil, nil
}

// cStore is a machine on which a C store runs, with a disk that loses nothing:
// what it acknowledges it has not synced.
type cStore struct {
	frame // of the writer
	habit habit.Store
	read  *host
}

func (w *World) newCStore(name string) *cStore {
	b := &cStore{frame: frame{world: w, m: &machine{name: name}}}
	w.cStores = append(w.cStores, b)
	b.start()
	return b
}

// start starts writer and reader: each has a new address every time.
func (b *cStore) start() {
	w := b.world
	writer, reader := w.newForeign(b.m, protocol.RoleStore), w.newForeign(b.m, protocol.RoleStore)
	b.habit.Writer = habit.Node{UUID: writer.uuid, Send: writer.publish}
	b.habit.Reader = habit.Node{UUID: reader.uuid, Send: reader.publish}
	writer.wants, reader.wants = b.habit.Wants()
	writer.receive = func(_ *host, m *protocol.Message, content []byte) { b.habit.Write(m, content) }
	reader.receive = func(_ *host, m *protocol.Message, _ []byte) { b.habit.Read(m) }
	reader.subscribed = b.habit.Subscribed
	b.host, b.read = writer.host, reader.host
	w.tracef("%s starts as %.8s and %.8s", b.m.name, writer.uuid, reader.uuid)
}

func (b *cStore) crash() {
	b.host.crash()
	b.read.crash()
	b.world.tracef("%s crashes", b.m.name)
	b.host, b.read = nil, nil
}
