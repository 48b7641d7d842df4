package sim

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/consumer"
	"github.com/beckmesh/beck/internal/core"
)

// consumerBox is a machine on which one consumer after the other runs.
type consumerBox struct {
	frame
	topics   []string
	consumer *consumer.Consumer
	reader   *reader
	queue    int64 // what its queue may take
	atEnd    bool
	latest   bool
	ended    bool
	lazy     bool // polls rarely
	stored   bool // wants what is stored only
	named    *named
	paused   map[core.Partition]bool
}

func (w *World) newConsumer(name string, atEnd bool, topics []string) *consumerBox {
	b := &consumerBox{frame: frame{world: w, m: &machine{name: name}}, topics: topics, atEnd: atEnd}
	b.nameSome(len(w.stores))
	b.start()
	return b
}

// newLatest starts a consumer that wants new records only.
func (w *World) newLatest(name string, topics []string) *consumerBox {
	b := &consumerBox{frame: frame{world: w, m: &machine{name: name}}, topics: topics, latest: true}
	b.start()
	return b
}

// ready reports whether the consumer knows all that is there.
func (b *consumerBox) ready() bool { return b.consumer.Ready(never) == nil }

func (b *consumerBox) calm() {
	b.lazy = false
	b.resumeAll()
}

func (b *consumerBox) start() {
	w := b.world
	h := w.newHost(b.m, "consumer")
	c := consumer.DefaultConfig()
	c.NodeConfig, c.Topics, c.Start, c.StopAtEnd = h.config(), b.topics, consumer.Earliest, b.atEnd
	if b.latest {
		c.Start = consumer.Latest
	}
	c.QueueBytes = int64(64 << 10 << w.rng.Intn(4))
	if b.stored {
		c.Deliver = consumer.Stored
	}
	if b.named != nil {
		b.named.configure(&c, h)
	}
	b.paused = make(map[core.Partition]bool)
	r := w.newReader(b.m.name)
	c.OnGap = func(g consumer.Gap) {
		w.tracef("%s is told: %v", b.m.name, g)
		if g.Kind == consumer.Skipped || g.Kind == consumer.Expired {
			p := core.Partition{Topic: g.Topic, Producer: g.Partition}
			if g.Kind == consumer.Expired {
				w.checkExpired(b.m.name, p, g.Last+1)
			}
			r.told[p] = append(r.told[p], core.Range{First: g.First, End: g.Last + 1})
		}
	}
	con, err := consumer.Start(c)
	if err != nil {
		w.failf("%s does not start: %v", b.m.name, err)
		return
	}
	b.host, b.consumer, b.reader, b.queue = h, con, r, c.QueueBytes
	if b.named != nil {
		b.named.resume(r, con)
	}
	w.tracef("%s starts as %.8s, queue %d", b.m.name, con.Address(), c.QueueBytes)
	h.after(w.between(0, 10*time.Millisecond), b.poll)
}

func (b *consumerBox) poll() {
	w := b.world
	records, err := b.consumer.Poll(never, 1+w.rng.Intn(200))
	b.checkStored(records)
	for _, rec := range records {
		if b.paused[core.Partition{Topic: rec.Topic, Producer: rec.Partition}] {
			w.failf("%s got %v, which it has paused", b.m.name, rec.Place())
		}
		b.reader.take(rec)
	}
	if errors.Is(err, beck.ErrNameInUse) {
		b.lostName()
		return
	}
	if b.named != nil {
		b.named.commit(b.reader, b.consumer)
	}
	if errors.Is(err, io.EOF) {
		b.ended = true
		w.tracef("%s is at the end", b.m.name)
		return
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		w.failf("%s: poll: %v", b.m.name, err)
	}
	pause := 50 * time.Millisecond
	if b.lazy {
		pause = 2 * time.Second
	}
	b.host.after(w.between(0, pause), b.poll)
}

func (b *consumerBox) crash() {
	// What the hook was to be told may have waited for a slow machine: it is the
	// hook of an application that ends here, too.
	for b.host.node.Workers() {
	}
	b.host.crash()
	b.reader.explain()
	if b.named != nil {
		b.named.crash()
	}
	b.world.tracef("%s crashes", b.m.name)
	b.host, b.consumer = nil, nil
}
