package sim

import (
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/internal/journal"
	"github.com/beckmesh/beck/internal/mesh"
	"github.com/beckmesh/beck/producer"
)

// producerBox is a machine on which one producer after the other runs: without
// a journal, each is a new one.
type producerBox struct {
	frame
	topics   []string
	acks     int
	producer *producer.Producer
	window   int64 // what its window may take
	left     int   // records still to publish
	idle     bool  // publish is not planned
	// overtaken is the process of which a link was.
	overtaken *host
	fs        *vfs.MemFS
}

func (w *World) newProducer(name string, acks, records int, topics []string) *producerBox {
	b := &producerBox{frame: frame{world: w, m: &machine{name: name}}, acks: acks, left: records, topics: topics}
	if w.chance(0.5) {
		b.fs = vfs.NewCrashableMem() // for a journal
	}
	b.start()
	return b
}

func (b *producerBox) start() {
	w := b.world
	h := w.newHost(b.m, "producer")
	c := producer.DefaultConfig()
	c.NodeConfig, c.MinStoreAcks, c.Linger = h.config(), b.acks, 0
	c.MessageBytes, c.WindowBytes = 4<<10, int64(8<<10<<w.rng.Intn(5))
	if b.fs != nil {
		c.Journal = "journal"
		h.journal = func(o *journal.Options) { o.FS, o.NewUUID, o.SegmentBytes = b.fs, h.NewAddress, 64<<10 }
	}
	p, err := producer.Start(c)
	if err != nil {
		w.failf("%s does not start: %v", b.m.name, err)
		return
	}
	b.host, b.producer = h, p
	w.tracef("%s starts as %.8s, %d acks, window %d", b.m.name, p.Address(), b.acks, c.WindowBytes)
	b.recover()
	b.window = max(c.WindowBytes, b.producer.Stats().WindowBytes)
	h.checks = b.checkFreed
	b.idle = false
	h.after(w.between(0, 100*time.Millisecond), b.publish)
}

// recover compares what the journal kept with what was published. What it did
// not keep had not left the machine.
func (b *producerBox) recover() {
	w := b.world
	if b.fs == nil {
		return
	}
	for _, topic := range b.topics {
		p := w.model.part(core.Partition{Topic: topic, Producer: b.producer.Address()})
		next := b.producer.NextOffset(topic)
		switch {
		case next > uint64(len(p.records)):
			w.failf("%s goes on with %v@%d, of which %d were published", b.m.name, p, next, len(p.records))
			return
		case p.acked > next:
			w.failf("%s goes on with %v@%d, of which %d were acknowledged", b.m.name, p, next, p.acked)
		case p.known > next:
			w.failf("%s goes on with %v@%d, of which a consumer has had %d", b.m.name, p, next, p.known)
		}
		p.records = p.records[:next]
	}
	b.checkFreed()
}

// more has the producer publish so many records more.
func (b *producerBox) more(n int) {
	if b.left += n; b.idle {
		b.idle = false
		b.host.after(b.world.between(0, 200*time.Millisecond), b.publish)
	}
}

// publish publishes a few records and plans to go on.
func (b *producerBox) publish() {
	w := b.world
	for n := 1 + w.rng.Intn(20); n > 0 && b.left > 0; n-- {
		if !b.publishOne(pick(w, b.topics)) {
			break
		}
	}
	b.checkFreed()
	if b.idle = b.left == 0; !b.idle {
		b.host.after(w.between(time.Millisecond, 200*time.Millisecond), b.publish)
	}
}

func (b *producerBox) publishOne(topic string) bool {
	w := b.world
	p := w.model.part(core.Partition{Topic: topic, Producer: b.producer.Address()})
	seq := uint64(len(p.records))
	value := fmt.Sprintf("%s@%d:%0*d", p, seq, 1+w.rng.Intn(400), w.rng.Intn(1000))
	p.records = append(p.records, value) // a link may have it at once
	b.producer.PublishFunc(never, withNotes(beck.Record{Topic: topic, Value: []byte(value)}), func(o beck.Offset, err error) {
		if err == nil {
			w.acknowledged(p, o.Offset, b.acks)
		}
	})
	if b.producer.NextOffset(topic) == seq {
		w.Faults["window full"]++
		p.records = p.records[:seq]
		return false
	}
	b.left--
	return true
}

// withNotes gives some records a key, headers and a time, which follow from their
// value.
func withNotes(r beck.Record) beck.Record {
	switch v := r.Value; len(v) % 4 {
	case 0:
		r.Key = v[:len(v)/8]
	case 1:
		r.Key, r.Time = []byte{}, epoch.Add(time.Duration(len(v))*time.Hour).UTC()
		r.Headers = []beck.Header{{Name: "length", Value: fmt.Append(nil, len(v))}, {Name: "length", Value: []byte{}}}
	}
	return r
}

// checkFreed checks that the producer counts as acknowledged, and has dropped,
// only what enough different stores acknowledged.
func (b *producerBox) checkFreed() {
	n := b.host.node.(*mesh.Node)
	n.Lock()
	defer n.Unlock()
	for _, l := range n.Window().Logs() {
		p := b.world.model.part(core.Partition{Topic: l.Topic, Producer: n.UUID()})
		if lowest, acked := l.Lowest(), l.Acked(); max(lowest, acked) > p.freeable {
			if p.freeable = p.reached(b.acks); lowest > p.freeable {
				b.world.failf("%s dropped %v up to %d; %d stores have acknowledged %d", b.m.name, p, lowest, b.acks, p.freeable)
			} else if acked > p.freeable {
				b.world.failf("%s counts %d of %v as acknowledged; %d stores have acknowledged %d", b.m.name, acked, p, b.acks, p.freeable)
			}
		}
	}
}

func (b *producerBox) crash() {
	b.host.crash()
	if b.fs != nil {
		b.fs = b.world.crashed(b.fs, pick(b.world, []int{0, 0, 50, 100}))
		b.world.Faults["producer crash with a journal"]++
	}
	b.world.tracef("%s crashes", b.m.name)
	b.host, b.producer = nil, nil
}

// unstored says what of the producer's is not stored yet, "" for nothing.
func (b *producerBox) unstored() string {
	if n := b.unacked(); n > 0 || b.left > 0 {
		return fmt.Sprintf("%s has %d unstored and %d to go", b.m.name, n, b.left)
	}
	return ""
}

// unacked returns how many records lack their acknowledgements.
func (b *producerBox) unacked() uint64 {
	n := b.host.node.(*mesh.Node)
	n.Lock()
	defer n.Unlock()
	return n.Window().Unacked()
}
