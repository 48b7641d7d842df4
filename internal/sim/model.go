package sim

import (
	"slices"
	"strings"

	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/internal/mesh"
	"github.com/beckmesh/beck/protocol"
)

// model is what was published, and what became of it.
type model map[core.Partition]*partition

// partition is what is known of one partition, from the first record on.
type partition struct {
	core.Partition
	foreign  bool              // of a C producer: nothing is promised of it but its contents
	records  []string          // published
	acked    uint64            // acknowledged to the application
	known    uint64            // given to some consumer
	stores   map[string]uint64 // how far each store has told the producer, by UUID
	durable  uint64            // on some store's disk, now or before
	given    uint64            // to a consumer of what is stored
	purged   uint64            // somebody wanted what is below purged
	gone     uint64            // and so far it was
	freeable uint64            // what enough of them had when it was counted last
}

// reserved reports whether it is one in which consumers save their positions.
func (p *partition) reserved() bool { return strings.HasPrefix(p.Topic, protocol.ReservedTopics) }

// part returns a partition of the model, made when it is new.
func (m model) part(p core.Partition) *partition {
	part := m[p]
	if part == nil {
		part = &partition{Partition: p, stores: make(map[string]uint64)}
		m[p] = part
	}
	return part
}

// sorted returns all partitions, by topic and producer.
func (m model) sorted() []*partition {
	parts := make([]*partition, 0, len(m))
	for _, p := range m {
		parts = append(parts, p)
	}
	slices.SortFunc(parts, func(a, b *partition) int { return a.Compare(b.Partition) })
	return parts
}

// reached returns how far at least k different stores have told the producer.
func (p *partition) reached(k int) uint64 {
	if len(p.stores) < k {
		return 0
	}
	ends := make([]uint64, 0, len(p.stores))
	for _, end := range p.stores {
		ends = append(ends, end)
	}
	slices.Sort(ends)
	return ends[len(ends)-k]
}

// held returns the lowest sequence that the producer of a partition still has, the
// number of its records if it has none or is gone.
func (p *partition) held(w *World) uint64 {
	for _, h := range w.hosts {
		if n, ok := h.node.(*mesh.Node); ok && n.UUID() == p.Producer {
			n.Lock()
			defer n.Unlock()
			if l := n.Window().Lookup(p.Topic); l != nil {
				return l.Lowest()
			}
		}
	}
	return uint64(len(p.records))
}

// published returns how many records each partition has.
func (m model) published() map[core.Partition]uint64 {
	counts := make(map[core.Partition]uint64)
	for _, p := range m {
		counts[p.Partition] = uint64(len(p.records))
	}
	return counts
}

// visible returns how many records of each partition somebody has seen. More may
// have been published, and wait for their producer's journal.
func (m model) visible() map[core.Partition]uint64 {
	counts := make(map[core.Partition]uint64)
	for _, p := range m {
		counts[p.Partition] = max(p.acked, p.known)
	}
	return counts
}

// acknowledged notes what the application of a producer was told is stored.
func (w *World) acknowledged(p *partition, offset uint64, acks int) {
	switch reached := p.reached(acks); {
	case offset < p.acked:
		w.failf("%v@%d was acknowledged twice", p, offset)
	case offset >= reached:
		w.failf("%v@%d was acknowledged to the application, %d stores have acknowledged %d", p, offset, acks, reached)
	}
	p.acked = offset + 1
}
