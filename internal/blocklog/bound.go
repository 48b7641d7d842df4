package blocklog

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sort"

	"github.com/cockroachdb/pebble/v2"
)

var (
	// errUnbounded: where damage begins or ends cannot be found out.
	errUnbounded = errors.New("what cannot be read has no bounds")
	// errReadable: there is no damage.
	errReadable = errors.New("it can be read now")
)

// prober finds out where keys of blocks can be read. Seeking fails while it lands in
// a damaged part of a file, so where that begins and ends is found by binary search,
// over partitions and over offsets. Each seek that fails takes up to seconds.
type prober struct {
	log   *Log
	parts []Partition // in the order of their keys
	err   error       // one that is no damage
}

// bound returns the keys around what cannot be read at bad: the last one before it
// that can be read and the first one behind it.
func (l *Log) bound(bad *CorruptError) (x excision, err error) {
	l.mu.RLock()
	pr := prober{log: l, parts: l.order}
	l.mu.RUnlock()
	at, known := slices.BinarySearchFunc(pr.parts, bad.Partition, Partition.compare)
	if !known {
		return x, fmt.Errorf("%w: its partition is gone", errUnbounded)
	}
	if !pr.fails(pr.below(at, bad.Next)) {
		return x, errors.Join(pr.err, errReadable)
	}
	x.Start, x.End = pr.before(at, bad.Next), pr.behind(at, bad.Next)
	lost := blocks.appendKey(nil, bad.Partition, bad.Next)
	if pr.err == nil && (bytes.Compare(x.Start, lost) >= 0 || bytes.Compare(lost, x.End) > 0) {
		return x, fmt.Errorf("%w: %q to %q", errUnbounded, x.Start, x.End)
	}
	return x, pr.err
}

// before returns the last key below the damage that a seek to below an offset of a
// partition lands in, or the lowest one that there may be.
func (pr *prober) before(at int, seq uint64) []byte {
	lower, _ := blocks.bounds()
	low := down(seq, func(seq uint64) bool { return pr.fails(pr.below(at, seq)) })
	if low == 0 { // from an earlier partition on
		at = int(down(uint64(at), func(i uint64) bool { return pr.fails(pr.below(int(i), 0)) })) - 1
		if at < 0 {
			return lower
		}
		low = down(pr.end(at)+1, func(seq uint64) bool { return pr.fails(pr.below(at, seq)) })
	}
	edge := blocks.appendKey(nil, pr.parts[at], low-1)
	if key, err := pr.above(at, low-1)(); err == nil && bytes.Equal(key, edge) {
		return edge
	}
	return pr.found(pr.below(at, low-1), lower)
}

// behind returns the first key above the damage that may lie at an offset of a
// partition, or the end of all blocks.
func (pr *prober) behind(at int, seq uint64) []byte {
	_, end := blocks.bounds()
	if seq, ok := pr.readable(at, seq); ok {
		return pr.found(pr.above(at, seq), end)
	}
	all := uint64(len(pr.parts))
	next := int(up(uint64(at)+1, all, func(i uint64) bool { return pr.fails(pr.above(int(i), 0)) }))
	if next-1 > at {
		if seq, ok := pr.readable(next-1, 0); ok {
			return pr.found(pr.above(next-1, seq), end)
		}
	}
	if next < len(pr.parts) {
		return pr.found(pr.above(next, 0), end)
	}
	return end
}

// readable returns the lowest offset of a partition, from one on, from which on it can
// be read.
func (pr *prober) readable(at int, from uint64) (seq uint64, ok bool) {
	end := pr.end(at) + 1
	seq = up(from, end, func(seq uint64) bool { return pr.fails(pr.above(at, seq)) })
	return seq, seq < end
}

// found returns the key of a seek that does not fail, or what it is if there is none.
func (pr *prober) found(s seek, none []byte) []byte {
	key, err := s()
	if err != nil {
		pr.err = errors.Join(pr.err, errUnbounded, err)
	}
	if key == nil {
		return none
	}
	return key
}

// down returns the lowest of the numbers below from for which fails says yes without
// a break; from itself is taken for the first one. It leaps ever further, so that it
// calls fails few times and hardly ever goes past what is not broken.
func down(from uint64, fails func(uint64) bool) uint64 {
	for step := uint64(1); from > 0; step *= 2 {
		next := from - min(step, from)
		if !fails(next) {
			return next + 1 + uint64(sort.Search(int(from-next-1), func(i int) bool { return fails(next + 1 + uint64(i)) }))
		}
		from = next
	}
	return 0
}

// up returns the lowest number from from on below end for which fails says no, or
// end.
func up(from, end uint64, fails func(uint64) bool) uint64 {
	if from >= end || !fails(from) {
		return min(from, end)
	}
	for step := uint64(1); from < end-1; step *= 2 {
		next := from + min(step, end-1-from)
		if !fails(next) {
			return from + 1 + uint64(sort.Search(int(next-from-1), func(i int) bool { return !fails(from + 1 + uint64(i)) }))
		}
		from = next
	}
	return end
}

// end returns where a partition ends.
func (pr *prober) end(at int) uint64 {
	s, _ := pr.log.state(pr.parts[at])
	return s.Next
}

// seek goes somewhere and returns the key that is there, nil if there is none.
type seek func() ([]byte, error)

// fails says whether a seek lands in damage.
func (pr *prober) fails(s seek) bool {
	_, err := s()
	if err != nil && !isDamage(err) {
		pr.err = errors.Join(pr.err, err)
	}
	return err != nil
}

// below seeks the last key below an offset of a partition.
func (pr *prober) below(at int, seq uint64) seek {
	return pr.seek(at, seq, (*pebble.Iterator).SeekLT)
}

// above seeks the first key at or above an offset of a partition.
func (pr *prober) above(at int, seq uint64) seek {
	return pr.seek(at, seq, (*pebble.Iterator).SeekGE)
}

func (pr *prober) seek(at int, seq uint64, to func(*pebble.Iterator, []byte) bool) seek {
	return func() (key []byte, err error) {
		lower, upper := blocks.bounds()
		it, err := pr.log.db.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, it.Close()) }()
		if to(it, blocks.appendKey(nil, pr.parts[at], seq)) {
			key = bytes.Clone(it.Key())
		}
		return key, it.Error()
	}
}
