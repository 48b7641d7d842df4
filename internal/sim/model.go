package sim

import (
	"fmt"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/core"
)

// model is what was published, and what the application was told of it.
type model struct {
	records map[core.Partition][]string
	acked   map[core.Partition]uint64 // acknowledged to the application, from the first on
	known   map[core.Partition]uint64 // given to some consumer
	wiped   int                       // stores whose disk was lost
	durable map[core.Partition]uint64 // on some store's disk, now or before
	given   map[core.Partition]uint64 // to a consumer of what is stored
}

func newModel() model {
	return model{records: make(map[core.Partition][]string), acked: make(map[core.Partition]uint64), known: make(map[core.Partition]uint64), durable: make(map[core.Partition]uint64), given: make(map[core.Partition]uint64)}
}

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
	published := r.world.model.records[p]
	next := r.due(p, rec.Offset)
	switch {
	case rec.Offset >= uint64(len(published)):
		r.world.failf("%s got %v@%d, which was never published (%d were)", r.name, p, rec.Offset, len(published))
	case string(rec.Value) != published[rec.Offset]:
		r.world.failf("%s got %v@%d with content %q, published was %q", r.name, p, rec.Offset, rec.Value, published[rec.Offset])
	case rec.Offset < next:
		r.world.failf("%s got %v@%d again or late: %d was due", r.name, p, rec.Offset, next)
	case rec.Offset > next:
		r.gaps[p] = append(r.gaps[p], core.Range{First: next, End: rec.Offset})
	}
	r.next[p] = rec.Offset + 1
	r.world.model.known[p] = max(r.world.model.known[p], rec.Offset+1)
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

// behind returns what the reader still lacks of what was acknowledged.
func (r *reader) behind(topics map[string]bool) (missing []string) {
	wanted := make(map[core.Partition]uint64)
	for p, acked := range r.world.model.acked {
		if topics[p.Topic] {
			wanted[p] = acked
		}
	}
	return r.lacks(wanted)
}

func (r *reader) lacks(wanted map[core.Partition]uint64) (missing []string) {
	for p, end := range wanted {
		has := max(r.next[p], r.must[p])
		if r.saved != nil {
			has = max(has, r.saved(p))
		}
		if has < end {
			missing = append(missing, fmt.Sprintf("%v: has %d of %d", p, has, end))
		}
	}
	return missing
}
