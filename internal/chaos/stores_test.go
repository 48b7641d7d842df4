//go:build unix

package chaos

import (
	"time"

	"github.com/beckmesh/beck/protocol"
)

// span is what a store has of a partition.
type span struct{ tail, next uint64 }

// listing is what a store says that it has.
type listing struct {
	at            time.Time // when the last list was complete
	heads, coming map[place]span
}

// refill is what a store that lost its disk has to get back.
type refill struct {
	store string         // UUID; "" until it has started
	until map[place]span // what the others had then
}

// ready takes the address under which a store has started. It is a new one if
// its disk is, and only then: what was acknowledged under an address counts.
func (l *ledger) ready(node, address string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	was := l.storeAt[node]
	l.storeAt[node] = address
	switch {
	case l.wiped[address]:
		l.note(headBack, 1, "%s lost its disk and goes on under its address %s", node, address)
	case l.wiped[was]:
		l.refill = &refill{store: address, until: make(map[place]span)}
		for _, of := range l.stores {
			for p, s := range of.heads {
				l.refill.until[p] = span{next: max(s.next, l.refill.until[p].next)}
			}
		}
	case was != "" && was != address:
		l.note(headBack, 1, "%s was %s and is now %s", node, was, address)
	}
}

// wipe notes that a store has lost its disk.
func (l *ledger) wipe(node string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wiped[l.storeAt[node]] = true
	delete(l.stores, l.storeAt[node])
	l.refill = new(refill)
}

// ends returns where the partitions end, as far as was acknowledged.
func (l *ledger) ends() map[place]span {
	l.mu.Lock()
	defer l.mu.Unlock()
	ends := make(map[place]span)
	for p, of := range l.partitions {
		ends[p] = span{next: uint64(len(of.acked))}
	}
	return ends
}

// others reports whether all stores but one said, since a time, that they have
// what is before ends.
func (l *ledger) others(one string, since time.Time, ends map[place]span) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for name, uuid := range l.storeAt {
		of := l.stores[uuid]
		if name != one && (of == nil || !of.at.After(since) || !of.cover(ends)) {
			return false
		}
	}
	return len(l.storeAt) == stores
}

// cover reports whether a store said that it has what is before ends.
func (of *listing) cover(ends map[place]span) bool {
	for p, s := range ends {
		if of.heads[p].next < s.next {
			return false
		}
	}
	return true
}

// head takes an entry of a store's list.
func (l *ledger) head(store string, p place, s span) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.wiped[store] {
		return // it was said before
	}
	if l.stores[store] == nil {
		l.stores[store] = &listing{}
	}
	of := l.stores[store]
	if of.coming == nil {
		of.coming = make(map[place]span)
	}
	of.coming[p] = s
	part := l.at(p)
	part.seen = max(part.seen, s.next)
	if was := of.heads[p]; s.next < was.next {
		l.note(headBack, 1, "store %s had %d of %s/%s and has %d", store, was.next, p.topic, p.partition, s.next)
	}
}

// listed takes the end of a store's list.
func (l *ledger) listed(store string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	of := l.stores[store]
	if of == nil {
		return // it has nothing yet
	}
	for p := range of.heads {
		if _, has := of.coming[p]; !has {
			l.note(headBack, 1, "store %s had %d of %s/%s and has nothing", store, of.heads[p].next, p.topic, p.partition)
		}
	}
	of.heads, of.coming, of.at = of.coming, nil, time.Now()
	if l.refill != nil && l.refill.store == store && of.cover(l.refill.until) {
		l.refill = nil
	}
}

// storesEqual reports whether all stores, asked since a time, said that they
// have everything that was published, and the same.
func (l *ledger) storesEqual(since time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	var first *listing
	for _, s := range l.stores {
		if first == nil {
			first = s
		}
		if s.at.Before(since) || len(s.heads) != len(l.partitions) {
			return false
		}
		for p, of := range l.partitions {
			want := span{0, of.end}
			if p.topic == protocol.PositionsTopic {
				want = first.heads[p] // of which stores keep the newest records
			}
			if s.heads[p] != want {
				return false
			}
		}
	}
	return len(l.stores) == stores
}
