package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/beckmesh/beck/internal/core"
)

// heal ends all faults, waits until everybody has what was acknowledged, and
// reads it all once more.
func (h *history) heal() {
	h.tracef("healing begins")
	h.repair()
	if h.run(0); h.failed != nil {
		return
	}
	h.count()
	began := h.elapsed
	if !h.await(healTime, h.healed) {
		h.failf("not healed after %v: %s", healTime, strings.Join(append(h.lagging(), h.unstored()...), "; "))
		return
	}
	h.Healed = h.elapsed - began
	h.checkLatest()
	if h.failed != nil {
		return
	}
	if !h.await(healTime, func() bool { return len(h.unequal()) == 0 }) {
		h.failf("stores differ after %v: %s", healTime, strings.Join(h.unequal(), "; "))
		return
	}
	if h.checkRetention(); h.failed != nil {
		return
	}
	if h.probe(); h.failed != nil {
		return
	}
	h.verify()
	h.run(100 * time.Millisecond) // for reports under way
	for _, b := range h.consumers {
		b.reader.explain()
	}
}

// repair ends every fault.
func (h *history) repair() {
	clear(h.blocked)
	h.releaseStuck()
	for _, t := range h.towers {
		if !t.up {
			t.start()
		}
	}
	for _, b := range h.boxes() {
		b.at().slow = false
		b.calm()
		if p := b.process(); p == nil {
			b.start()
		} else if p.stopped {
			p.resume()
		}
	}
	for _, b := range h.cStores { // a process of its own
		if b.read.stopped {
			b.read.resume()
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

// healed reports whether everything published is stored, and every consumer has
// what was acknowledged.
func (h *history) healed() bool {
	topics := h.topicSet()
	return !slices.ContainsFunc(h.producers, func(b *producerBox) bool { return b.left > 0 || b.unacked() > 0 }) &&
		!slices.ContainsFunc(h.consumers, func(b *consumerBox) bool { return !b.reader.complete(topics) }) &&
		!slices.ContainsFunc(h.cConsumers, func(b *cConsumer) bool { return len(b.behind(h.producers)) > 0 })
}

// probeTime is enough to meet a store and read all that it has.
const probeTime = 2 * time.Second

// probe has a consumer read all that the stores with damaged disks have, from
// them alone, so that they find out; and waits until they have it again.
func (h *history) probe() {
	for _, b := range h.stores {
		if !b.disk.damaged {
			continue
		}
		c := &consumerBox{frame: frame{world: h.World, m: &machine{name: "probe"}}, topics: h.topics}
		for _, host := range h.hosts {
			if host.machine != b.m {
				h.blocked[[2]*machine{c.m, host.machine}] = true
			}
		}
		c.start()
		h.run(probeTime)
		clear(h.blocked)
		h.releaseStuck()
		h.consumers = append(h.consumers, c)
		if !h.until(healTime, probeTime/4, func() bool { return b.lacks() == "" && c.reader.complete(h.topicSet()) }) {
			h.failf("%s has not repaired its disk after %v: %s; %v", b.m.name, healTime, b.lacks(), c.reader.behind(h.topicSet()))
			return
		}
	}
}

// verify has a new consumer read everything from the beginning.
func (h *history) verify() {
	last := h.newConsumer("verifier", true, h.topics)
	ended := func() bool { return last.ended }
	damaged := slices.ContainsFunc(h.stores, func(b *storeBox) bool { return b.disk.damaged })
	if damaged || len(h.cProducers) > 0 { // what nobody has any more has no end
		topics := h.topicSet()
		ended = func() bool { return last.ended || last.reader.complete(topics) && len(h.unmade(last.reader)) == 0 }
	}
	if !h.runUntil(healTime, ended) {
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
}

// count notes what cannot be seen to happen.
func (h *history) count() {
	for _, b := range h.stores {
		if b.store.Stats().Reopened > 0 {
			h.Faults["log opened again"]++
		}
	}
	for _, b := range h.consumers {
		if b.consumer == nil {
			continue // its name is in use
		}
		s := b.consumer.Stats()
		if s.NoRoom > 0 {
			h.Faults["record that did not fit"]++
		}
		if s.Duplicates > 0 {
			h.Faults["record that came again"]++
		}
	}
	for _, b := range h.cProducers {
		h.Faults["record of a C producer sent wrong"] += b.habit.Wrong()
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
		p.more(newRecords)
	}
	h.run(h.between(0, 500*time.Millisecond))
	before := h.model.visible()
	b := h.newLatest("latest", h.topics)
	b.reader.from = before
	if !h.runUntil(healTime, b.ready) {
		h.failf("the latest consumer is not ready after %v", healTime)
		return
	}
	b.reader.must = h.model.published()
	for _, p := range h.producers {
		p.more(newRecords / 10)
	}
	topics := h.topicSet()
	if !h.await(2*healTime, func() bool { return len(h.unstored()) == 0 && b.reader.complete(topics) }) {
		h.failf("the latest consumer or the stores lack new records: %s",
			strings.Join(append(h.unstored(), b.reader.behind(topics)...), "; "))
	}
	h.consumers = append(h.consumers, b)
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
		missing = append(missing, b.reader.behind(h.topicSet())...)
	}
	for _, b := range h.cConsumers {
		missing = append(missing, b.behind(h.producers)...)
	}
	return missing
}

func (h *history) unstored() (missing []string) {
	for _, b := range h.producers {
		if text := b.unstored(); text != "" {
			missing = append(missing, text)
		}
	}
	return missing
}

// unequal names what stores lack of what another has. A C producer may have told
// one store more than the others, and less of what came before: if that is gone,
// each stays with what it has. So it is with what only a damaged disk had.
func (h *history) unequal() (missing []string) {
	most := make(map[core.Partition]uint64)
	has := make([]map[core.Partition]uint64, len(h.stores))
	for i, b := range h.stores {
		has[i] = b.state()
		for p, next := range has[i] {
			switch part := h.model.part(p); {
			case part.foreign:
			case b.disk.damaged:
				most[p] = max(most[p], min(next, part.acked))
			default:
				most[p] = max(most[p], next)
			}
		}
	}
	for i, b := range h.stores {
		for p, next := range most {
			if has[i][p] < next {
				missing = append(missing, fmt.Sprintf("%s has %d of %d of %v", b.m.name, has[i][p], next, p))
			}
		}
	}
	return missing
}
