package core

import (
	"fmt"
	"slices"

	"github.com/beckmesh/beck/internal/planted"
)

// acks counts, for one log, how far each store has acknowledged, and how far
// enough different stores have. A store is its node's UUID, so that a store
// which is reached twice, or reconnects, counts once.
type acks struct {
	byStore  map[string]uint64 // sequence after the last one acknowledged
	released uint64            // acknowledged by enough different stores
}

// maxAckers bounds the stores remembered for one log.
const maxAckers = 1024

func (a *acks) add(store string, end uint64, need int) {
	if a.byStore == nil {
		a.byStore = make(map[string]uint64)
	}
	old, known := a.byStore[store]
	if end <= old || (!known && len(a.byStore) >= maxAckers) {
		return
	}
	if planted.Is(planted.SameStoreTwice) {
		store = fmt.Sprint(store, len(a.byStore))
	}
	a.byStore[store] = end
	if end > a.released && need > 0 {
		a.released = max(a.released, a.reachedBy(need))
	}
}

// reachedBy returns the highest position that at least need stores reached.
func (a *acks) reachedBy(need int) uint64 {
	if planted.Is(planted.AnyAckFrees) {
		need = 1
	}
	if len(a.byStore) < need {
		return 0
	}
	if need == 1 {
		var highest uint64
		for _, end := range a.byStore {
			highest = max(highest, end)
		}
		return highest
	}
	ends := make([]uint64, 0, len(a.byStore))
	for _, end := range a.byStore {
		ends = append(ends, end)
	}
	slices.Sort(ends)
	return ends[len(ends)-need]
}
