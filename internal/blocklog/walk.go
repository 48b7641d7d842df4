package blocklog

import (
	"errors"
	"fmt"
)

// walk calls f with the blocks of a partition that hold sequences within
// [from, to), in order, until f returns false. Damaged blocks are left out, for
// Read to find and put aside; damaged says that there were some.
func (l *Log) walk(p Partition, from, to uint64, f func(block) bool) (damaged bool, err error) {
	r := reader{log: l, partition: p, from: from, next: to}
	defer func() { err = errors.Join(err, r.close()) }()
	for r.from < r.next {
		if bad := l.damageAt(p, r.from); bad != nil {
			r.from, damaged = bad.Next, true
			continue
		}
		if r.iter == nil {
			if err := r.open(); err != nil {
				return damaged, err
			}
		}
		again, bad, err := r.walk(f)
		damaged = damaged || bad
		if err != nil || !again {
			return damaged, err
		}
	}
	return damaged, nil
}

// walk is one pass over the blocks from r.from on. again says to go on at
// r.from, behind damage that was found.
func (r *reader) walk(f func(block) bool) (again, damaged bool, err error) {
	for ok := r.seek(); ok; ok = r.from < r.next && r.iter.Next() {
		first := keySeq(r.iter.Key())
		if first >= r.next {
			return false, damaged, nil
		}
		raw, err := r.iter.ValueAndErr()
		if err != nil {
			return r.passBy(max(first, r.from), err)
		}
		b, err := parseBlock(raw)
		if errors.Is(err, ErrFormat) {
			return false, damaged, fmt.Errorf("records from %d of %v: %w", first, r.partition, err)
		}
		if err != nil || b.first != first {
			damaged = true
			continue
		}
		if b.next() <= r.from || r.hidden(first) {
			continue
		}
		if !f(b) {
			return false, damaged, nil
		}
		r.from = b.next()
	}
	if err := r.iter.Error(); err != nil && r.from < r.next {
		return r.passBy(r.from, err)
	}
	return false, damaged, nil
}

// passBy goes on behind what Pebble cannot read, which is at a sequence or above it.
func (r *reader) passBy(from uint64, cause error) (again, damaged bool, err error) {
	err = r.unreadable(from, cause)
	if bad := new(CorruptError); isDamage(cause) && errors.As(err, &bad) {
		r.from = bad.Next
		return true, true, nil
	}
	return false, true, err
}
