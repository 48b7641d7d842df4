package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/core"
)

const (
	chaosTime = 15 * time.Second
	healTime  = 20 * time.Second // by when everything that was acknowledged must have arrived
)

// history is a mesh and what happens to it.
type history struct {
	*World
	stores    []*storeBox
	producers []*producerBox
	consumers []*consumerBox
	topics    []string
	acks      int
	wipes     int // that may still happen
	calm      bool
}

// Run plays the history of a seed, and returns its world for a look at what
// happened; verbose traces what the nodes log as well. World.Err tells whether a promise was broken.
func Run(seed int64, verbose bool) *World {
	w := newWorld(seed)
	if verbose {
		w.verbose()
	}
	h := &history{World: w}
	h.build()
	h.chaos()
	if w.failed == nil {
		h.heal()
	}
	h.end()
	return w
}

func (h *history) build() {
	w := h.World
	h.newTower(false)
	if h.chance(0.5) {
		h.newTower(h.chance(0.5))
	}
	h.topics = []string{"alpha", "beta", "alphabet"}[:1+h.rng.Intn(3)]
	stores := 1 + h.rng.Intn(3)
	h.acks = 1 + h.rng.Intn(stores)
	h.wipes = h.acks - 1
	for i := range stores {
		h.stores = append(h.stores, w.newStore(fmt.Sprintf("store-%d", i)))
	}
	for i := range 1 + h.rng.Intn(3) {
		h.producers = append(h.producers, w.newProducer(fmt.Sprintf("producer-%d", i), h.acks, 50+h.rng.Intn(1000), h.topics))
	}
	for i := range 1 + h.rng.Intn(2) {
		h.consumers = append(h.consumers, w.newConsumer(fmt.Sprintf("consumer-%d", i), false, h.topics))
	}
}

// chaos lets faults happen for a while.
func (h *history) chaos() {
	end := h.now.Add(chaosTime)
	for h.now.Before(end) && h.failed == nil {
		h.run(h.between(10*time.Millisecond, 1500*time.Millisecond))
		h.fault()
	}
}

// heal ends all faults, waits until everybody has what was acknowledged, and
// reads it all once more.
func (h *history) heal() {
	h.calm = true
	h.tracef("healing begins")
	h.repair()
	h.run(0)
	healed := func() bool {
		return !slices.ContainsFunc(h.producers, func(b *producerBox) bool { return b.left > 0 || b.producer.Stats().Unstored > 0 }) && len(h.lagging()) == 0
	}
	h.count()
	began := h.now
	if !h.runUntil(healTime, healed) {
		h.failf("not healed after %v: %s", healTime, strings.Join(append(h.lagging(), h.unstored()...), "; "))
		return
	}
	h.Healed = h.now.Sub(began)
	h.checkLatest()
	if h.failed != nil {
		return
	}
	if !h.runUntil(healTime, func() bool { return len(h.unequal()) == 0 }) {
		h.failf("stores differ after %v: %s", healTime, strings.Join(h.unequal(), "; "))
		return
	}
	last := h.newConsumer("verifier", true, h.topics)
	if !h.runUntil(healTime, func() bool { return last.ended }) {
		h.failf("the verifier did not reach the end: %s", strings.Join(last.reader.behind(h.topicSet()), "; "))
		return
	}
	if missing := last.reader.behind(h.topicSet()); len(missing) > 0 {
		h.failf("acknowledged and lost: %s", strings.Join(missing, "; "))
	}
	if missing := h.unmade(last.reader); len(missing) > 0 {
		h.failf("delivered as stored, and unmade: %s", strings.Join(missing, "; "))
	}
	h.consumers = append(h.consumers, last)
	h.run(100 * time.Millisecond) // for reports under way
	for _, b := range h.consumers {
		b.reader.explain()
	}
}

// count notes what cannot be seen to happen.
func (h *history) count() {
	for _, b := range h.producers {
		if b.producer.Stats().Skipped > 0 {
			h.Faults["link overtaken by its window"]++
		}
	}
	for _, b := range h.consumers {
		s := b.consumer.Stats()
		if s.NoRoom > 0 {
			h.Faults["record that did not fit"]++
		}
		if s.Duplicates > 0 {
			h.Faults["record that came again"]++
		}
	}
}

// newRecords is how many records each producer publishes while a consumer that
// wants new ones only joins.
const newRecords = 100

// checkLatest starts a consumer that wants new records only, while some are
// published. It is given none from before its start, and all from when it is
// ready.
func (h *history) checkLatest() {
	for _, p := range h.producers {
		p.left = newRecords
	}
	h.run(h.between(0, 500*time.Millisecond))
	before := h.visible()
	b := h.newLatest("latest", h.topics)
	b.reader.from = before
	if !h.runUntil(healTime, b.ready) {
		h.failf("the latest consumer is not ready after %v", healTime)
		return
	}
	b.reader.must = h.published()
	for _, p := range h.producers {
		p.left += newRecords / 10
	}
	behind := func() []string { return append(h.unstored(), b.reader.behind(h.topicSet())...) }
	if !h.runUntil(2*healTime, func() bool { return len(behind()) == 0 }) {
		h.failf("the latest consumer or the stores lack new records: %s", strings.Join(behind(), "; "))
	}
	h.consumers = append(h.consumers, b)
}

// visible returns how many records of each partition somebody has seen. More may
// have been published, and wait for their producer's journal.
func (h *history) visible() map[core.Partition]uint64 {
	counts := make(map[core.Partition]uint64)
	for p := range h.model.records {
		counts[p] = max(h.model.acked[p], h.model.known[p])
	}
	return counts
}

// published returns how many records each partition has.
func (h *history) published() map[core.Partition]uint64 {
	counts := make(map[core.Partition]uint64)
	for p, records := range h.model.records {
		counts[p] = uint64(len(records))
	}
	return counts
}

func (h *history) topicSet() map[string]bool {
	set := make(map[string]bool)
	for _, t := range h.topics {
		set[t] = true
	}
	return set
}

// lagging names what consumers lack of what was acknowledged.
func (h *history) lagging() (missing []string) {
	for _, b := range h.consumers {
		for _, m := range b.reader.behind(h.topicSet()) {
			missing = append(missing, b.m.name+" "+m)
		}
	}
	return missing
}

func (h *history) unstored() (missing []string) {
	for _, b := range h.producers {
		if n := b.producer.Stats().Unstored; n > 0 || b.left > 0 {
			missing = append(missing, fmt.Sprintf("%s has %d unstored and %d to go", b.m.name, n, b.left))
		}
	}
	return missing
}

// unequal names what stores lack of what another has.
func (h *history) unequal() (missing []string) {
	most := make(map[core.Partition]uint64)
	for _, b := range h.stores {
		for p, next := range b.store.Heads() {
			q := core.Partition{Topic: p.Topic, Producer: p.Partition}
			most[q] = max(most[q], next)
		}
	}
	for _, b := range h.stores {
		heads := b.store.Heads()
		for p, next := range most {
			if has := heads[beck.Offset{Topic: p.Topic, Partition: p.Producer}]; has < next {
				missing = append(missing, fmt.Sprintf("%s has %d of %d of %v", b.m.name, has, next, p))
			}
		}
	}
	return missing
}

// repair ends every fault.
func (h *history) repair() {
	for pair := range h.blocked {
		delete(h.blocked, pair)
	}
	h.releaseStuck()
	for _, t := range h.towers {
		if !t.up {
			t.start()
		}
	}
	for _, b := range h.stores {
		b.m.slow = false
		if b.host == nil {
			b.start()
		} else if b.host.stopped {
			b.host.resume()
		}
	}
	for _, b := range h.producers {
		b.m.slow, b.paused = false, false
		if b.host == nil {
			b.start()
		} else if b.host.stopped {
			b.host.resume()
		}
	}
	for _, b := range h.consumers {
		b.m.slow, b.lazy = false, false
		if b.host == nil {
			b.start()
		} else if b.host.stopped {
			b.host.resume()
		}
	}
}

func (h *history) releaseStuck() {
	for _, host := range slices.Clone(h.hosts) {
		for _, c := range slices.Clone(host.conns) {
			c.release()
		}
	}
}

// end closes what holds memory outside the world.
func (h *history) end() {
	for _, b := range h.stores {
		if b.store != nil {
			b.host.crash()
			if err := b.store.Close(); err != nil {
				h.failf("%s: close: %v", b.m.name, err)
			}
		}
	}
	for _, host := range slices.Clone(h.hosts) {
		host.crash()
	}
}
