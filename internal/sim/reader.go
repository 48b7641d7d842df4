package sim

import (
	"bytes"
	"fmt"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/core"
)

// reader checks what one consumer is given during its life.
type reader struct {
	world *World
	name  string
	next  map[core.Partition]uint64
	gaps  map[core.Partition][]core.Range // seen, to be explained by a report
	told  map[core.Partition][]core.Range // reported
	from  map[core.Partition]uint64       // for one that wants new records: how many there were when it started
	must  map[core.Partition]uint64       // and when it was ready
	saved func(core.Partition) uint64     // for one with a name: see named.go
	tried map[core.Partition]uint64
	floor map[core.Partition]uint64
}

func (w *World) newReader(name string) *reader {
	return &reader{
		world: w, name: name, next: make(map[core.Partition]uint64),
		gaps: make(map[core.Partition][]core.Range), told: make(map[core.Partition][]core.Range),
	}
}

// take checks one record: the content that was published, in order, once.
func (r *reader) take(rec beck.Record) {
	p := core.Partition{Topic: rec.Topic, Producer: rec.Partition}
	part := r.world.model.part(p)
	next := r.due(p, rec.Offset)
	switch {
	case rec.Offset >= uint64(len(part.records)):
		r.world.failf("%s got %v@%d, which was never published (%d were)", r.name, p, rec.Offset, len(part.records))
	case string(rec.Value) != part.records[rec.Offset] && !(part.foreign && r.world.misled):
		r.world.failf("%s got %v@%d with content %q, published was %q", r.name, p, rec.Offset, rec.Value, part.records[rec.Offset])
	case rec.Offset < next:
		r.world.failf("%s got %v@%d again or late: %d was due", r.name, p, rec.Offset, next)
	case rec.Offset > next:
		r.gaps[p] = append(r.gaps[p], core.Range{First: next, End: rec.Offset})
	}
	r.checkNotes(rec, part)
	r.next[p] = rec.Offset + 1
	part.known = max(part.known, rec.Offset+1)
}

// checkNotes checks what a record has besides its value: what it was published
// with, or nothing if it may have come through a C node.
func (r *reader) checkNotes(rec beck.Record, part *partition) {
	want := withNotes(beck.Record{Value: rec.Value})
	if want.Time.IsZero() {
		want.Time = rec.Time // when it was published
	}
	same := bytes.Equal(rec.Key, want.Key) && (rec.Key == nil) == (want.Key == nil) && rec.Time.Equal(want.Time) && len(rec.Headers) == len(want.Headers)
	for i := 0; same && i < len(want.Headers); i++ {
		same = rec.Headers[i].Name == want.Headers[i].Name && bytes.Equal(rec.Headers[i].Value, want.Headers[i].Value)
	}
	lost := rec.Time.IsZero() && rec.Key == nil && rec.Headers == nil
	if lost && (part.foreign || len(r.world.cStores) > 0) {
		return
	}
	if !same || lost {
		r.world.failf("%s got %v with key %q, headers %q and time %v; published were %q, %q and %v",
			r.name, rec.Place(), rec.Key, rec.Headers, rec.Time, want.Key, want.Headers, want.Time)
	}
}

// due returns the offset that is to come next. One that wants new records may
// begin anywhere between its start and when it was ready.
func (r *reader) due(p core.Partition, offset uint64) uint64 {
	next, begun := r.next[p]
	if !begun && r.saved != nil {
		return r.begins(p, offset)
	}
	if begun || r.from == nil {
		return next
	}
	if r.must == nil {
		return max(offset, r.from[p])
	}
	return min(max(offset, r.from[p]), r.must[p])
}

// explain checks that each gap was reported.
func (r *reader) explain() {
	for p, gaps := range r.gaps {
		for _, g := range gaps {
			if !covered(r.told[p], g) {
				r.world.failf("%s was not given %v of %v, and not told (told: %v)", r.name, g, p, r.told[p])
			}
		}
	}
}

func covered(told []core.Range, g core.Range) bool {
	for at := g.First; at < g.End; {
		from := at
		for _, t := range told {
			if t.First <= at && t.End > at {
				at = t.End
			}
		}
		if at == from {
			return false
		}
	}
	return true
}

// has returns up to where the reader needs nothing more of a partition.
func (r *reader) has(p core.Partition) uint64 {
	has := max(r.next[p], r.must[p])
	if r.saved != nil {
		has = max(has, r.saved(p))
	}
	for _, t := range r.told[p] { // in the order in which it was told
		if t.First <= has {
			has = max(has, t.End)
		}
	}
	return has
}

// complete reports whether the reader has all of a set of topics that was
// acknowledged.
func (r *reader) complete(topics map[string]bool) bool {
	for p, part := range r.world.model {
		if topics[p.Topic] && r.has(p) < part.acked {
			return false
		}
	}
	return true
}

// behind names what the reader still lacks of what was acknowledged.
func (r *reader) behind(topics map[string]bool) (missing []string) {
	for _, part := range r.world.model.sorted() {
		p := part.Partition
		if has := r.has(p); topics[p.Topic] && has < part.acked {
			missing = append(missing, fmt.Sprintf("%s lacks %v: has %d of %d", r.name, p, has, part.acked))
		}
	}
	return missing
}
