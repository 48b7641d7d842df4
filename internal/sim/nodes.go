package sim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/consumer"
	"github.com/beckmesh/beck/internal/blocklog"
	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/internal/journal"
	"github.com/beckmesh/beck/producer"
	"github.com/beckmesh/beck/store"
)

// storeBox is a machine with a disk, on which a store runs most of the time.
type storeBox struct {
	world *World
	m     *machine
	fs    *vfs.MemFS
	host  *host
	store *store.Store
}

func (w *World) newStore(name string) *storeBox {
	b := &storeBox{world: w, m: &machine{name: name}, fs: vfs.NewCrashableMem()}
	w.stores = append(w.stores, b)
	b.start()
	return b
}

func (b *storeBox) start() {
	w := b.world
	h := w.newHost(b.m, "store")
	h.disk = func(o *blocklog.Options) {
		o.FS, o.NewUUID, o.Now = b.fs, h.NewAddress, h.Now
		o.CacheBytes, o.MemTableBytes = 1<<20, 1<<20
	}
	c := store.DefaultConfig()
	c.NodeConfig, c.Dir = h.config(), "store"
	c.GatherBytes = 1 << 20
	s, err := store.Start(c)
	if err != nil {
		w.failf("%s does not start: %v", b.m.name, err)
		return
	}
	b.host, b.store = h, s
	w.tracef("%s starts as %.8s", b.m.name, s.Address())
}

// crash ends the store and forgets what its disk had not synced; wipe forgets
// everything.
func (b *storeBox) crash(wipe bool) {
	w := b.world
	percent := pick(w, []int{0, 0, 50, 100})
	fs := b.fs.CrashClone(vfs.CrashCloneCfg{
		UnsyncedDataPercent: percent, RNG: rand.New(rand.NewPCG(w.rng.Uint64(), 1)),
	})
	b.noteDurable()
	b.host.crash()
	if err := b.store.Close(); err != nil && !errors.Is(err, blocklog.ErrSync) {
		w.failf("%s: close after a crash: %v", b.m.name, err)
	}
	w.tracef("%s crashes, %d%% of what was not synced survives, wiped %v", b.m.name, percent, wipe)
	if b.fs = fs; wipe {
		b.fs = vfs.NewCrashableMem()
		w.model.wiped++
	}
	b.host, b.store = nil, nil
}

// producerBox is a machine on which one producer after the other runs: without
// a journal, each is a new one.
type producerBox struct {
	world    *World
	m        *machine
	topics   []string
	acks     int
	host     *host
	producer *producer.Producer
	left     int // records still to publish
	paused   bool
	fs       *vfs.MemFS // with a journal
}

func (w *World) newProducer(name string, acks, records int, topics []string) *producerBox {
	b := &producerBox{world: w, m: &machine{name: name}, acks: acks, left: records, topics: topics}
	if w.chance(0.5) {
		b.fs = vfs.NewCrashableMem()
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
		p := core.Partition{Topic: topic, Producer: b.producer.Address()}
		next, published := b.producer.NextOffset(topic), w.model.records[p]
		if next > uint64(len(published)) {
			w.failf("%s goes on with %v@%d, of which %d were published", b.m.name, p, next, len(published))
			return
		}
		if acked := w.model.acked[p]; acked > next {
			w.failf("%s goes on with %v@%d, of which %d were acknowledged", b.m.name, p, next, acked)
		}
		if known := w.model.known[p]; known > next {
			w.failf("%s goes on with %v@%d, of which a consumer has had %d", b.m.name, p, next, known)
		}
		if published != nil {
			w.model.records[p] = published[:next]
		}
	}
}

// publish publishes a few records and plans to go on.
func (b *producerBox) publish() {
	w := b.world
	for n := 1 + w.rng.Intn(20); n > 0 && b.left > 0 && !b.paused; n-- {
		if !b.publishOne(pick(w, b.topics)) {
			break
		}
	}
	b.host.after(w.between(time.Millisecond, 200*time.Millisecond), b.publish)
}

func (b *producerBox) publishOne(topic string) bool {
	w := b.world
	p := core.Partition{Topic: topic, Producer: b.producer.Address()}
	seq := uint64(len(w.model.records[p]))
	value := fmt.Sprintf("%s@%d:%0*d", p, seq, 1+w.rng.Intn(400), w.rng.Intn(1000))
	before := b.producer.Stats().Published
	b.producer.PublishFunc(never, beck.Record{Topic: topic, Value: []byte(value)}, func(o beck.Offset, err error) {
		if err == nil && b.acks > 0 {
			w.acknowledged(p, o.Offset, b.acks)
		}
	})
	if b.producer.Stats().Published == before {
		w.Faults["window full"]++
		return false
	}
	w.model.records[p] = append(w.model.records[p], value)
	b.left--
	return true
}

// acknowledged notes what the application was told is stored.
func (w *World) acknowledged(p core.Partition, offset uint64, acks int) {
	if offset < w.model.acked[p] {
		w.failf("%v@%d was acknowledged twice", p, offset)
	}
	w.model.acked[p] = offset + 1
}

func (b *producerBox) crash() {
	b.host.crash()
	if b.fs != nil {
		b.fs = b.fs.CrashClone(vfs.CrashCloneCfg{
			UnsyncedDataPercent: pick(b.world, []int{0, 0, 50, 100}), RNG: rand.New(rand.NewPCG(b.world.rng.Uint64(), 1)),
		})
		b.world.Faults["producer crash with a journal"]++
	}
	b.world.tracef("%s crashes", b.m.name)
	b.host, b.producer = nil, nil
}

// consumerBox is a machine on which one consumer after the other runs.
type consumerBox struct {
	world    *World
	m        *machine
	topics   []string
	host     *host
	consumer *consumer.Consumer
	reader   *reader
	atEnd    bool
	latest   bool
	ended    bool
	lazy     bool // polls rarely
	stored   bool // wants what is stored only
	named    *named
}

func (w *World) newConsumer(name string, atEnd bool, topics []string) *consumerBox {
	b := &consumerBox{world: w, m: &machine{name: name}, topics: topics, atEnd: atEnd}
	b.nameSome(len(w.stores))
	b.start()
	return b
}

// newLatest starts a consumer that wants new records only.
func (w *World) newLatest(name string, topics []string) *consumerBox {
	b := &consumerBox{world: w, m: &machine{name: name}, topics: topics, latest: true}
	b.start()
	return b
}

// ready reports whether the consumer knows all that is there.
func (b *consumerBox) ready() bool { return b.consumer.Ready(never) == nil }

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
	r := w.newReader(b.m.name)
	c.OnGap = func(g consumer.Gap) {
		w.tracef("%s is told: %v", b.m.name, g)
		if g.Kind == consumer.Skipped || g.Kind == consumer.Expired {
			p := core.Partition{Topic: g.Topic, Producer: g.Partition}
			r.told[p] = append(r.told[p], core.Range{First: g.First, End: g.Last + 1})
		}
	}
	con, err := consumer.Start(c)
	if err != nil {
		w.failf("%s does not start: %v", b.m.name, err)
		return
	}
	b.host, b.consumer, b.reader = h, con, r
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
		b.reader.take(rec)
	}
	if errors.Is(err, beck.ErrNameInUse) {
		b.lostName()
		return
	}
	if b.named != nil {
		b.named.commit(b.reader, b.consumer)
	}
	if q := b.consumer.Stats().Queued; q > 64<<10<<3+(1<<20) {
		w.failf("%s queues %d bytes", b.m.name, q)
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
	b.host.crash()
	b.reader.explain()
	if b.named != nil {
		b.named.crash()
	}
	b.world.tracef("%s crashes", b.m.name)
	b.host, b.consumer = nil, nil
}
