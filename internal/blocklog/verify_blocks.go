package blocklog

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// ledger is what an auditor has counted of a partition.
type ledger struct {
	Partition
	state
	known   bool
	at      uint64 // behind the last block
	torn    bool   // the last block is damaged: where it ends is not known
	damaged bool   // some blocks cannot be counted
	grains  map[uint64]sums
}

// partitions returns those that have a state or a block.
func (a *auditor) partitions() (all []Partition, err error) {
	found := maps.Clone(a.log.parts)
	lower, upper := blocks.bounds()
	it, err := a.log.db.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return nil, err
	}
	for ok := it.First(); ok; {
		p, _, valid := blocks.parseKey(it.Key())
		if !valid {
			return nil, errors.Join(fmt.Errorf("unknown key %q", it.Key()), it.Close())
		}
		found[p] = nil
		ok = it.SeekGE(blocks.appendEnd(nil, p))
	}
	if err := errors.Join(it.Error(), it.Close()); isDamage(err) {
		a.fault(Fault{Kind: FaultFile, Err: err})
	} else if err != nil {
		return nil, err
	}
	return slices.SortedFunc(maps.Keys(found), Partition.compare), nil
}

// audit reads a partition and compares it with its state.
func (a *auditor) audit(p Partition) (err error) {
	s, known := a.log.state(p)
	l := &ledger{Partition: p, state: s, known: known, at: s.Tail, grains: map[uint64]sums{}}
	r := &reader{log: a.log, partition: p, from: s.Tail, next: s.Next}
	if err := r.open(); err != nil {
		return err
	}
	for again := true; again && err == nil; {
		again, err = a.pass(r, l)
	}
	if err = errors.Join(err, r.close()); err != nil {
		return err
	}
	return a.compare(l)
}

// pass looks at the blocks from r.from on. again says to go on at r.from, behind
// what Pebble cannot read.
func (a *auditor) pass(r *reader, l *ledger) (again bool, err error) {
	for ok := r.seek(); ok; ok = r.iter.Next() {
		raw, err := r.iter.ValueAndErr()
		if err != nil {
			return a.unreadable(r, l, max(keySeq(r.iter.Key()), r.from), err)
		}
		if err := a.block(l, keySeq(r.iter.Key()), raw); err != nil {
			return false, err
		}
		r.from = max(r.from, l.at)
		if err := a.pace.add(len(raw)); err != nil {
			return false, err
		}
	}
	if err := r.iter.Error(); err != nil {
		return a.unreadable(r, l, r.from, err)
	}
	return false, nil
}

// unreadable notes what lies in a file that Pebble cannot read, at a sequence or above
// it.
func (a *auditor) unreadable(r *reader, l *ledger, from uint64, cause error) (again bool, err error) {
	err = r.unreadable(from, cause)
	bad := new(CorruptError)
	if !errors.As(err, &bad) {
		return false, err
	}
	a.hole(l, from)
	l.damaged = true
	a.fault(Fault{FaultFile, l.Partition, Range{bad.First, bad.Next}, cause})
	r.from, l.at = bad.Next, max(l.at, bad.Next)
	return r.from < r.next, nil
}

// block looks at the block under the key of sequence first. An error is of a
// block that is newer than this program.
func (a *auditor) block(l *ledger, first uint64, raw []byte) error {
	a.limit(l.Partition, first)
	b, err := parseBlock(raw)
	if errors.Is(err, ErrFormat) {
		return fmt.Errorf("records from %d: %w", first, err)
	}
	if err == nil && b.first != first {
		err = errKey
	}
	if err != nil {
		l.damaged, l.torn = true, true
		a.fault(Fault{FaultBlock, l.Partition, Range{max(first, l.Tail), max(l.Next, first+1)}, err})
		return nil
	}
	if b.next() <= l.Tail { // expired, to be deleted
		return nil
	}
	a.follow(l, b)
	a.Blocks, a.Bytes = a.Blocks+1, a.Bytes+uint64(b.len())
	for k := grainOf(max(b.first, l.Tail)); k <= grainOf(b.next()-1); k++ {
		g := l.grains[k]
		g.add(b.sum(max(k*GrainRecords, l.Tail), grainEnd(k)))
		l.grains[k] = g
	}
	return nil
}

// limit ends the range of a damaged block where the next block begins.
func (a *auditor) limit(p Partition, first uint64) {
	if n := len(a.Faults); n > 0 {
		if f := &a.Faults[n-1]; f.Kind == FaultBlock && f.Partition == p && f.First < first {
			f.Next = min(f.Next, first)
		}
	}
}

// follow checks that a block begins where the last one ended, or notes the hole.
func (a *auditor) follow(l *ledger, b block) {
	if b.first < l.at && l.at > l.Tail {
		a.fault(Fault{FaultOverlap, l.Partition, Range{b.first, min(l.at, b.next())}, errTwice})
	}
	from := max(b.first, l.Tail)
	a.hole(l, from)
	l.at = max(l.at, b.next())
	a.Records += b.next() - from
}

// hole notes what is missing between the last block and sequence to; nothing if
// the last block is damaged, because it may have been in there.
func (a *auditor) hole(l *ledger, to uint64) {
	if torn := l.torn; torn || to <= l.at {
		l.torn = false
		return
	}
	a.Missing += to - l.at
	if len(a.Holes) < maxFaults {
		a.Holes = append(a.Holes, Hole{l.Partition, Range{l.at, to}})
	}
}
