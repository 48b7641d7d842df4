package store

import (
	"slices"

	"github.com/beckmesh/beck/internal/core"
)

// roundBytes is about how much goes to disk in one commit when more has gathered.
// From a few MiB on, a larger one is not faster; it only takes memory, and its
// records are acknowledged later.
const roundBytes = 4 << 20

// round is what goes to disk in one commit.
type round map[core.Partition]*gather

// rounds are those that wait for the committer, the oldest first. What a partition
// has in one of them comes before what it has in a later one.
type rounds struct {
	list    []round
	bytes   int64 // of the intake's room, in the last of list
	writing round // what is being written
}

// last returns the round that is filled.
func (r *rounds) last() round {
	if len(r.list) == 0 || r.bytes >= roundBytes {
		r.list = append(r.list, make(round))
		r.bytes = 0
	}
	return r.list[len(r.list)-1]
}

// next takes the oldest round; nil if there is none.
func (r *rounds) next() (oldest round) {
	if len(r.list) > 0 {
		oldest = r.list[0]
		r.list = slices.Delete(r.list, 0, 1)
	}
	return oldest
}

// holds reports whether something of a partition waits.
func (r *rounds) holds(p core.Partition) bool {
	return slices.ContainsFunc(r.list, func(o round) bool { return o[p] != nil })
}

// drop gives up what waits of a partition if any of it is not all at or above
// next. It returns the intake's room that it took; false if it stays.
func (r *rounds) drop(p core.Partition, next uint64) (bytes int64, dropped bool) {
	for _, o := range r.list {
		g := o[p]
		dropped = dropped || g != nil && (g.records.Count() == 0 || g.records.First() < next)
	}
	if !dropped {
		return 0, false
	}
	for _, o := range r.list {
		if g := o[p]; g != nil {
			bytes += g.bytes
			delete(o, p)
		}
	}
	r.list = slices.DeleteFunc(r.list, func(o round) bool { return len(o) == 0 })
	return bytes, true
}

// filling reports whether something that was missing of a partition is on its way
// to the disk.
func (r *rounds) filling(p core.Partition) bool {
	fills := func(o round) bool { return o[p] != nil && o[p].fills != nil }
	return fills(r.writing) || slices.ContainsFunc(r.list, fills)
}
