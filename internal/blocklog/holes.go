package blocklog

import (
	"errors"
	"fmt"
	"slices"
)

// maxHoles bounds what Holes returns.
const maxHoles = 1000

// holes is what was found missing in a partition; it stands while these numbers
// are the partition's, because appending without a gap leaves them alone.
type holes struct {
	changes, tail, missing uint64
	ranges                 []Range
}

// Holes returns the ranges within [Tail, Next) that a partition lacks, in
// order, the lowest 1,000: those that never came and those in quarantine. What
// cannot be read because Pebble's files are damaged is not among them. A damaged
// block that is met goes to the quarantine. A state that says that more is missing
// than is, which damage can lead to that was beside it and is gone, is corrected.
//
// It costs nothing if none is missing, which is when State's Records is Next -
// Tail, or if nothing was filled or lost since the last call. Otherwise it reads
// the blocks of those grains that are not complete.
func (l *Log) Holes(p Partition) ([]Range, error) {
	if err := l.enter(); err != nil {
		return nil, err
	}
	defer l.leave()
	counted := false
	for range maxAttempts {
		s, changes, known := l.look(p)
		if !known || s.dense() {
			return nil, nil
		}
		h := &holes{changes: changes, tail: s.Tail, missing: s.Next - s.Tail - s.Records}
		if old := l.knownHoles(p, h); old != nil {
			return slices.Clone(old.ranges), nil
		}
		damaged, err := h.find(l, p, &s)
		if err != nil {
			return nil, fmt.Errorf("blocklog: holes of %v: %w", p, err)
		}
		if damaged && l.setAsideAll(p, s.Tail, s.Next) {
			continue // they are holes now
		}
		if !damaged && !counted && len(h.ranges) < maxHoles && h.size() != h.missing {
			counted = true
			if err := l.countAgain(map[Partition][]Range{p: {{s.Tail, s.Next}}}); err != nil {
				return nil, fmt.Errorf("blocklog: count %v again: %w", p, err)
			}
			continue
		}
		l.leaveOutDamage(p, h)
		l.keepHoles(p, h)
		return slices.Clone(h.ranges), nil
	}
	return nil, fmt.Errorf("blocklog: holes of %v: %w", p, ErrCorrupt)
}

// maxAttempts bounds how often something is tried anew that was overtaken by a
// change to the partition.
const maxAttempts = 10

func (l *Log) knownHoles(p Partition, want *holes) *holes {
	l.mu.RLock()
	defer l.mu.RUnlock()
	q := l.parts[p]
	if q == nil || q.holes == nil || q.holes.changes != want.changes ||
		q.holes.tail != want.tail || q.holes.missing != want.missing {
		return nil
	}
	return q.holes
}

func (l *Log) keepHoles(p Partition, h *holes) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if q := l.parts[p]; q != nil {
		q.holes = h
	}
}

// find looks for what is missing in the grains that are not complete.
func (h *holes) find(l *Log, p Partition, s *state) (damaged bool, err error) {
	at := s.Tail // up to where it is known
	err = l.eachHeld(p, s, func(k uint64, g sums) error {
		if len(h.ranges) > maxHoles {
			return errEnough
		}
		from, to := max(k*GrainRecords, s.Tail), min(grainEnd(k), s.Next)
		h.add(at, from)
		at = to
		if g.records == to-from {
			return nil
		}
		bad, err := h.search(l, p, from, to)
		damaged = damaged || bad
		return err
	})
	h.add(at, s.Next)
	h.ranges = h.ranges[:min(len(h.ranges), maxHoles)]
	return damaged, err
}

// search looks for what is missing between the blocks within [from, to).
func (h *holes) search(l *Log, p Partition, from, to uint64) (damaged bool, err error) {
	damaged, err = l.walk(p, from, to, func(b block) bool {
		h.add(from, b.first)
		from = b.next()
		return true
	})
	h.add(from, to)
	return damaged, err
}

// size returns how many records are missing.
func (h *holes) size() (n uint64) {
	for _, r := range h.ranges {
		n += r.Next - r.First
	}
	return n
}

// add notes that [from, to) is missing.
func (h *holes) add(from, to uint64) {
	if from >= to {
		return
	}
	if n := len(h.ranges); n > 0 && h.ranges[n-1].Next == from {
		h.ranges[n-1].Next = to
		return
	}
	h.ranges = append(h.ranges, Range{from, to})
}

// setAsideAll reads everything within [from, to), so that damaged blocks go to
// the quarantine; it returns whether there was one.
func (l *Log) setAsideAll(p Partition, from, to uint64) (some bool) {
	_ = l.readThrough(p, Range{from, to}, func(bad *CorruptError) { some = some || bad.Quarantined })
	return some // what cannot be read for another reason is met again
}

// readThrough reads a range and tells of what cannot be read in it because it is
// damaged.
func (l *Log) readThrough(p Partition, r Range, damaged func(*CorruptError)) error {
	for r.First < r.Next {
		err := l.Read(p, r.First, 0, func(rec Record) bool { return rec.Seq < r.Next })
		bad := new(CorruptError)
		if !errors.As(err, &bad) {
			return err
		}
		damaged(bad)
		r.First = bad.Next
	}
	return nil
}

// leaveOutDamage takes out what cannot be filled, because damaged files are in
// the way.
func (l *Log) leaveOutDamage(p Partition, h *holes) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for _, bad := range l.damage[p] {
		var rest holes
		for _, r := range h.ranges {
			rest.add(r.First, min(r.Next, bad.First))
			rest.add(max(r.First, bad.Next), r.Next)
		}
		h.ranges = rest.ranges
	}
}
