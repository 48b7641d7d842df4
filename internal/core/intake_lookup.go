package core

import (
	"maps"
	"slices"
	"time"
)

// A lookup asks every store of our own where a time begins in the partitions of
// some topics. A store answers with the heads of a list, and says of each the
// first sequence that it has seen at that time or later.
type lookup struct {
	at     uint64                     // ms since 1970
	open   map[string]map[string]bool // by source: the lists that have not ended
	places map[Partition]found
}

// found is where a time begins in a partition, as far as stores have said.
type found struct {
	first uint64 // the lowest sequence seen at the time or later; if there is one
	some  bool
	end   uint64 // behind the last record of who has only earlier ones
}

// maxLookups is up to how many topics are asked for one by one; of more, all.
const maxLookups = 64

// LookUp asks the stores that are linked where a time, in ms since 1970, begins in
// the partitions of what is wanted. It replaces the lookup before.
func (in *Intake) LookUp(at uint64, wants []Want, now time.Time) {
	l := &lookup{at: max(at, 1), open: make(map[string]map[string]bool), places: make(map[Partition]found)}
	in.lookup = l
	lists := make(map[string]bool)
	for _, w := range wants {
		lists[w.list()] = true
	}
	if len(lists) > maxLookups {
		lists = map[string]bool{"": true}
	}
	for _, s := range in.sorted {
		if !s.All || s.Foreign || len(lists) == 0 {
			continue
		}
		l.open[s.ID] = maps.Clone(lists)
		for _, list := range slices.Sorted(maps.Keys(lists)) {
			in.out.Ask = append(in.out.Ask, AskOrder{Source: s.ID, Topic: list, Time: l.at})
		}
	}
}

// LookingUp returns the stores that have not told all of the lookup, sorted.
func (in *Intake) LookingUp() []string {
	if in.lookup == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(in.lookup.open))
}

// Found returns where the time that was looked up begins in a partition: at a
// record, or behind the last one that stores have. It is false if no store said.
func (in *Intake) Found(p Partition) (at uint64, known bool) {
	if in.lookup == nil {
		return 0, false
	}
	f, known := in.lookup.places[p]
	if f.some {
		return f.first, true
	}
	return f.end, known
}

// found notes where a store says that the time begins. Of several the lowest
// counts, so that nothing is left out; one whose records are all older may lack
// those that another has.
func (in *Intake) found(s *source, q *part, st Statement) {
	l := in.lookup
	if l == nil || st.Time != l.at || l.open[s.ID] == nil {
		return
	}
	f := l.places[q.Partition]
	switch {
	case st.From > st.Head:
		f.end = max(f.end, st.Head+1)
	case !f.some:
		f.first, f.some = st.From, true
	default:
		f.first = min(f.first, st.From)
	}
	l.places[q.Partition] = f
}

// LookedUp notes that a store has told all of a list that a lookup asked for.
func (in *Intake) LookedUp(id, list string, at uint64) {
	l := in.lookup
	if l == nil || l.at != at || l.open[id] == nil {
		return
	}
	if delete(l.open[id], list); len(l.open[id]) == 0 {
		delete(l.open, id)
	}
}
