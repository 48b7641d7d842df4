package sim

import (
	"fmt"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/internal/foreign/habit"
)

// A consumer of what is stored is given only what some store has on disk, or had.

// noteDurable notes how far some store has, or had, each partition on disk.
func (w *World) noteDurable() {
	for _, b := range w.stores {
		if b.store != nil {
			b.noteDurable()
		}
	}
	for _, p := range w.model {
		for _, b := range w.cStores {
			p.durable = max(p.durable, uint64(b.habit.Len(habit.Partition(p.Partition))))
		}
	}
}

func (b *storeBox) noteDurable() {
	for p, next := range b.state() {
		part := b.world.model.part(p)
		part.durable = max(part.durable, next)
	}
}

// checkStored checks that a consumer of what is stored is given nothing else.
func (b *consumerBox) checkStored(records []beck.Record) {
	if !b.stored || len(records) == 0 {
		return
	}
	w := b.world
	for _, rec := range records {
		p := w.model.part(core.Partition{Topic: rec.Topic, Producer: rec.Partition})
		if rec.Offset >= p.durable {
			w.noteDurable()
		}
		if rec.Offset >= p.durable {
			w.failf("%s wants what is stored, and got %v@%d; stores have %d", b.m.name, p, rec.Offset, p.durable)
			return
		}
		if !p.foreign { // of a C producer a store may have what is behind a hole
			p.given = max(p.given, rec.Offset+1)
		}
	}
}

// unmade names what was given to a consumer of what is stored, and is no more.
func (w *World) unmade(last *reader) (missing []string) {
	if w.lost > 0 {
		return nil // one store was enough
	}
	for _, p := range w.model.sorted() {
		if has := last.has(p.Partition); has < p.given {
			missing = append(missing, fmt.Sprintf("%v: has %d of %d", p, has, p.given))
		}
	}
	return missing
}
