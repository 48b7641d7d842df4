package sim

import (
	"fmt"
	"slices"
	"strings"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/blocklog"
	"github.com/beckmesh/beck/internal/core"
)

// Some histories have stores that keep the last records of a topic only, and
// purges. Then what has gone is told to consumers as expired, and never comes
// back; what nobody dropped is told to none.

// retaining is what stores drop in a history. The zero value is nothing.
type retaining struct {
	topic string         // whose last records some stores keep only
	least uint64         // of these rules, the strictest
	rules map[string]int // by store's name; 0 or missing: it keeps everything
}

// drops reports whether anything is dropped in this history.
func (r *retaining) drops() bool { return r.topic != "" }

// chooseRetention decides about rules before the stores start.
func (h *history) chooseRetention(stores int) {
	if !h.chance(1. / 5) {
		return
	}
	h.Faults["history with retention"]++
	r := &h.retain
	r.topic, r.rules = pick(h.World, h.topics), make(map[string]int)
	for i := range stores {
		if h.chance(0.6) {
			n := 1 + h.rng.Intn(300)
			r.rules[storeName(i)] = n
			if r.least == 0 || uint64(n) < r.least {
				r.least = uint64(n)
			}
		}
	}
}

// retained returns the rules of a store.
func (b *storeBox) retained() (rules []string) {
	if n := b.world.retain.rules[b.m.name]; n > 0 {
		rules = append(rules, fmt.Sprintf("%s=records:%d", b.world.retain.topic, n))
	}
	return rules
}

// expirable returns the sequence below which stores may have dropped records of a
// partition.
func (p *partition) expirable(w *World) uint64 {
	low := p.purged
	if has := max(uint64(len(p.records)), p.durable); p.Topic == w.retain.topic && w.retain.least > 0 && has > w.retain.least {
		low = max(low, has-w.retain.least)
	}
	return low
}

// checkExpired checks what a consumer is told has expired.
func (w *World) checkExpired(name string, p core.Partition, end uint64) {
	part := w.model.part(p)
	if low := part.expirable(w); end > low && !part.foreign && !part.reserved() {
		w.failf("%s is told that %v has expired below %d, of which nothing above %d was dropped", name, p, end, low)
	}
}

// purge has a store purge a part of a partition.
func (h *history) purge() bool {
	b := pick(h.World, h.stores)
	parts := slices.DeleteFunc(h.model.sorted(), func(p *partition) bool { return p.foreign || p.reserved() || len(p.records) == 0 })
	if b.store == nil || !h.retain.drops() || len(parts) == 0 {
		return false
	}
	p := pick(h.World, parts)
	before := uint64(h.rng.Intn(len(p.records) + 1))
	p.purged = max(p.purged, before)
	s := b.store
	s.PurgeFunc(p.Topic, p.Producer, before, func(err error) {
		if err != nil {
			return
		}
		has := s.Heads()[beck.Offset{Topic: p.Topic, Partition: p.Producer}]
		p.gone = max(p.gone, min(before, has))
		h.tracef("%s has purged %v below %d", b.m.name, p, min(before, has))
	})
	return true
}

// holding is what a store has of a partition.
type holding struct {
	state blocklog.State
	has   []bool // by sequence
}

// holdings returns what a crash now would leave of all partitions.
func (b *storeBox) holdings() map[core.Partition]*holding {
	all := make(map[core.Partition]*holding)
	b.afterCrash(func(log *blocklog.Log) {
		for p, state := range log.Partitions() {
			h := &holding{state: state, has: make([]bool, state.Next)}
			all[core.Partition(p)] = h
			if err := log.Read(p, 0, 0, func(r blocklog.Record) bool {
				h.has[r.Seq] = true
				return true
			}); err != nil {
				b.world.failf("%s: %v", b.m.name, err)
			}
		}
	})
	return all
}

// unretained names where stores have not what they should have: less than they
// keep and others have, or more than they keep.
func (h *history) unretained() (wrong []string) {
	all := make([]map[core.Partition]*holding, len(h.stores))
	for i, b := range h.stores {
		all[i] = b.holdings()
	}
	for _, p := range h.model.sorted() {
		if p.foreign || p.reserved() {
			continue
		}
		for i, b := range h.stores {
			if text := h.judge(b, p, i, all); text != "" {
				wrong = append(wrong, fmt.Sprintf("%s of %v: %s", b.m.name, p, text))
			}
		}
	}
	return wrong
}

func (h *history) judge(b *storeBox, p *partition, i int, all []map[core.Partition]*holding) string {
	ours := all[i][p.Partition]
	if ours == nil {
		ours = new(holding)
	}
	keeps := h.retain.rules[b.m.name]
	switch {
	case keeps > 0 && p.Topic == h.retain.topic && ours.state.Records > uint64(keeps):
		return fmt.Sprintf("has %d records, and is to keep %d", ours.state.Records, keeps)
	case h.lost == 0 && ours.state.Next > 0 && ours.state.Tail < p.gone:
		return fmt.Sprintf("begins at %d, purged was up to %d", ours.state.Tail, p.gone)
	}
	for j := range all {
		theirs := all[j][p.Partition]
		for seq := ours.state.Tail; theirs != nil && seq < theirs.state.Next; seq++ {
			if theirs.has[seq] && (seq >= ours.state.Next || !ours.has[seq]) {
				return fmt.Sprintf("lacks %d, which %s has", seq, h.stores[j].m.name)
			}
		}
	}
	return ""
}

// checkRetention waits until every store has what it should have, and no more.
func (h *history) checkRetention() {
	damaged := slices.ContainsFunc(h.stores, func(b *storeBox) bool { return b.disk.damaged })
	if damaged || len(h.foreign()) > 0 || !h.retain.drops() && !h.chance(0.05) {
		return // what was lost to them is another check's concern
	}
	if !h.until(healTime, healTime/10, func() bool { return len(h.unretained()) == 0 }) {
		h.failf("stores have other records than they should after %v: %s", healTime, strings.Join(h.unretained(), "; "))
	}
}
