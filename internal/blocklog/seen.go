package blocklog

import (
	"errors"
	"fmt"
)

// SeenAt returns where a time, in ms since 1970, begins in a partition: the first
// sequence of a block that a store saw at that time or later ([Record].FirstSeen),
// of which the blocks before are earlier ones; the sequence behind the last record
// if there is none. It reads a few blocks, of a number that grows with the
// logarithm of the records, and takes their times to rise. Where they do not (a
// clock was set back, records were filled in late) it returns one of the places at
// which they pass the time. Damaged blocks are left out.
func (l *Log) SeenAt(p Partition, ms int64) (seq uint64, err error) {
	if err := l.enter(); err != nil {
		return 0, err
	}
	defer l.leave()
	s, known := l.state(p)
	if !known || s.Tail == s.Next {
		return s.Next, nil
	}
	r := reader{log: l, partition: p, from: s.Tail, next: s.Next}
	if err := r.open(); err != nil {
		return 0, fmt.Errorf("blocklog: look for a time: %w", errors.Join(err, r.close()))
	}
	seq, err = r.seenAt(ms)
	if err = errors.Join(err, r.close()); err != nil {
		return 0, fmt.Errorf("blocklog: look for a time: %w", err)
	}
	return seq, nil
}

// seenAt searches [r.from, r.next): all blocks below low are earlier than ms, found
// and what is behind it is not.
func (r *reader) seenAt(ms int64) (found uint64, err error) {
	low, high, found := r.from, r.next, r.next
	for low < high {
		mid := low + (high-low)/2
		b, ok, err := r.near(mid, high)
		switch {
		case err != nil:
			return 0, err
		case !ok:
			high = mid
		case b.time < ms:
			low = b.next()
		default:
			found = max(b.first, r.from)
			high = min(mid, max(b.first, low))
		}
	}
	return found, nil
}

// near returns the block that holds a sequence, or the first one behind it that
// begins below end.
func (r *reader) near(seq, end uint64) (b block, ok bool, err error) {
	r.key = blocks.appendKey(r.key[:0], r.partition, seq+1)
	for ok := r.iter.SeekLT(r.key) || r.iter.Error() == nil && r.iter.First(); ok; ok = r.iter.Next() {
		first := keySeq(r.iter.Key())
		if first >= end {
			return block{}, false, nil
		}
		raw, err := r.iter.ValueAndErr()
		if err != nil {
			return block{}, false, err
		}
		b, err := parseBlock(raw)
		if errors.Is(err, ErrFormat) {
			return block{}, false, fmt.Errorf("records from %d of %v: %w", first, r.partition, err)
		}
		if err == nil && b.first == first && b.next() > seq && !r.hidden(first) {
			return b, true, nil
		}
	}
	return block{}, false, r.iter.Error()
}
