package blocklog

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/beckmesh/beck/protocol"
)

// maxConflicts bounds how many marks are kept of a partition.
const maxConflicts = 64

// Conflict is the mark of a range in which another store holds other contents.
type Conflict struct {
	Range
	With  string // the other store's UUID
	Found int64  // when it was found first, ms since 1970
}

// marks are the conflicts of a partition.
type marks struct {
	kept    []Conflict // in order; replaced, never changed
	further uint64     // found since the log was opened, with no room for them
}

// MarkConflict notes that within r the store with the UUID with holds contents
// that differ from those held here. The mark is on disk when MarkConflict
// returns. Marks of one store that touch become one; one that says nothing new
// changes nothing, nor does what lies outside of the partition's tail and head.
// fresh says that something was marked. A mark goes when the tail passes its end,
// or the partition is forgotten.
//
// A partition has at most 64 marks; those that are found further are only counted,
// once each time. Errors are those of the address and of the disk.
func (l *Log) MarkConflict(p Partition, r Range, with string, now time.Time) (fresh bool, err error) {
	if err := protocol.ValidAddress(with); err != nil {
		return false, fmt.Errorf("blocklog: mark conflict of %v: other store: %w", p, err)
	}
	if err := l.enter(); err != nil {
		return false, err
	}
	defer l.leave()
	l.writing.Lock()
	defer l.writing.Unlock()
	s, _ := l.state(p)
	r = Range{max(r.First, s.Tail), min(r.Next, s.Next)}
	if r.First >= r.Next {
		return false, nil
	}
	m := l.marks(p)
	kept, fresh := m.with(Conflict{r, with, now.UnixMilli()})
	if len(kept) > maxConflicts {
		l.setMarks(p, marks{m.kept, m.further + 1})
		return false, nil
	}
	if !fresh {
		return false, nil
	}
	b := l.db.NewBatch()
	if err = putMarks(b, p, kept); err != nil {
		err = errors.Join(err, b.Close())
	} else {
		err = l.write(b)
	}
	if err != nil {
		return false, fmt.Errorf("blocklog: mark conflict of %v: %w", p, err)
	}
	l.setMarks(p, marks{kept, m.further})
	return true, nil
}

// Conflicts returns the marks of a partition, in order, and how often one more
// was found since the log was opened that there was no room for.
func (l *Log) Conflicts(p Partition) (kept []Conflict, further uint64) {
	m := l.marks(p)
	return slices.Clone(m.kept), m.further
}

// AllConflicts yields the marks of all partitions, in order.
func (l *Log) AllConflicts() iter.Seq2[Partition, Conflict] {
	return func(yield func(Partition, Conflict) bool) {
		l.mu.RLock()
		ps := slices.SortedFunc(maps.Keys(l.conflicts), Partition.compare)
		l.mu.RUnlock()
		for _, p := range ps {
			for _, c := range l.marks(p).kept {
				if !yield(p, c) {
					return
				}
			}
		}
	}
}

// ConflictCount returns how many marks there are in all partitions, and how often
// further ones were found since the log was opened. It takes as long as there are
// partitions that have some.
func (l *Log) ConflictCount() (kept, further uint64) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for _, m := range l.conflicts {
		kept += uint64(len(m.kept))
		further += m.further
	}
	return kept, further
}

func (l *Log) marks(p Partition) marks {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.conflicts[p]
}

func (l *Log) setMarks(p Partition, m marks) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conflicts[p] = m
}

// with returns the marks with one more, and whether that says anything new.
func (m marks) with(c Conflict) (kept []Conflict, fresh bool) {
	for _, old := range m.kept {
		switch {
		case old.With != c.With || old.First > c.Next || c.First > old.Next:
			kept = append(kept, old)
		case old.First <= c.First && c.Next <= old.Next:
			return m.kept, false
		default:
			c = Conflict{Range{min(old.First, c.First), max(old.Next, c.Next)}, c.With, min(old.Found, c.Found)}
		}
	}
	kept = append(kept, c)
	slices.SortFunc(kept, func(a, b Conflict) int {
		return cmp.Or(cmp.Compare(a.First, b.First), cmp.Compare(a.With, b.With))
	})
	return kept, true
}

// above returns the marks that reach above a tail.
func (m marks) above(tail uint64) []Conflict {
	return slices.DeleteFunc(slices.Clone(m.kept), func(c Conflict) bool { return c.Next <= tail })
}
