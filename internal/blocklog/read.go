package blocklog

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// Record is one record as [Log.Read] gives it. Content and Trailer are valid
// during the call only and must not be changed.
type Record struct {
	Seq     uint64
	Content []byte
	Trailer []byte // nil if there is none
	// FirstSeen is when a store saw it first, ms since 1970: what to give to
	// [Builder.Stamp] where the record is stored next. It is that of the record's
	// block; of blocks that were merged it is the latest one's.
	FirstSeen int64
	// Bare says that it may have lost its trailer: see [Builder.Bare].
	Bare bool
}

// Read calls visit with the records of a partition in ascending sequence, from
// the first one at or above from, until visit returns false, the content and
// trailers visited reach maxBytes (0 or less: no limit; at least one record is
// visited), or the committed records end. An unknown partition has no records. A
// sequence that jumps is a hole: nothing in between is held.
//
// Blocks are checked before any of their records is visited. At one that is
// damaged Read stops with a [*CorruptError], which says where to go on;
// [ErrClosed], [ErrFormat] and errors of the disk are the others.
func (l *Log) Read(p Partition, from uint64, maxBytes int, visit func(Record) bool) error {
	if err := l.enter(); err != nil {
		return err
	}
	defer l.leave()
	s, ok := l.state(p)
	if from = max(from, s.Tail); !ok || from >= s.Next {
		return nil
	}
	r := reader{log: l, partition: p, from: from, next: s.Next}
	err := r.known()
	if err == nil {
		err = r.open()
	}
	if err == nil {
		err = r.run(limit(maxBytes, visit))
	}
	if err = errors.Join(err, r.close()); err != nil {
		return fmt.Errorf("blocklog: read: %w", err)
	}
	return nil
}

// limit returns visit, ended by the record that reaches maxBytes.
func limit(maxBytes int, visit func(Record) bool) func(Record) bool {
	if maxBytes <= 0 {
		return visit
	}
	return func(r Record) bool {
		maxBytes -= len(r.Content) + len(r.Trailer)
		return visit(r) && maxBytes > 0
	}
}

// reader walks over the blocks of one partition.
type reader struct {
	log       *Log
	partition Partition
	from      uint64 // what is wanted next
	next      uint64 // end of what is committed; a block behind it may be there, but not on disk yet
	iter      *pebble.Iterator
	filling   []Range // blocks that may be seen already but are not on disk yet
	key       []byte
}

func (r *reader) open() (err error) {
	r.iter, err = r.log.db.NewIter(&pebble.IterOptions{
		LowerBound: blocks.appendKey(nil, r.partition, 0),
		UpperBound: blocks.appendEnd(nil, r.partition),
	})
	// Looked up after what the iterator sees was settled: what is not being
	// filled in any more is on disk.
	r.log.mu.RLock()
	defer r.log.mu.RUnlock()
	if q := r.log.parts[r.partition]; q != nil {
		r.filling = q.filling
	}
	return err
}

// hidden says whether the block at first is one that is being filled in.
func (r *reader) hidden(first uint64) bool {
	return slices.ContainsFunc(r.filling, func(f Range) bool { return f.First <= first && first < f.Next })
}

func (r *reader) close() error {
	if r.iter == nil {
		return nil
	}
	if err := r.iter.Close(); err != nil && !isDamage(err) {
		return err
	}
	return nil // damage was reported with its range
}

func (r *reader) run(visit func(Record) bool) error {
	for ok := r.seek(); ok; ok = r.from < r.next && r.iter.Next() {
		first := keySeq(r.iter.Key())
		if first >= r.next {
			return nil
		}
		if r.hidden(first) {
			continue
		}
		raw, err := r.iter.ValueAndErr()
		if err != nil {
			return r.unreadable(max(first, r.from), err)
		}
		b, err := parseBlock(raw)
		if err == nil && b.first != first {
			err = errKey
		}
		if err != nil {
			return r.damaged(first, raw, err)
		}
		if b.next() <= r.from {
			continue
		}
		if !b.visit(r.from, visit) {
			return nil
		}
		r.from = b.next()
		if err := r.known(); err != nil {
			return err
		}
	}
	if err := r.iter.Error(); err != nil && r.from < r.next {
		return r.unreadable(r.from, err)
	}
	return nil
}

// seek goes to the last block that begins at or below r.from, which may hold
// it, or to the first block of all.
func (r *reader) seek() bool {
	r.key = blocks.appendKey(r.key[:0], r.partition, r.from+1) // r.from < r.next
	return r.iter.SeekLT(r.key) || r.iter.Error() == nil && r.iter.First()
}

// seekGE goes to the first block that begins at or above seq.
func (r *reader) seekGE(seq uint64) bool {
	r.key = blocks.appendKey(r.key[:0], r.partition, seq)
	return r.iter.SeekGE(r.key)
}

// damaged handles a block whose bytes could be read but are not right.
func (r *reader) damaged(first uint64, raw []byte, cause error) error {
	if errors.Is(cause, ErrFormat) {
		return fmt.Errorf("records from %d of %v: %w", first, r.partition, cause)
	}
	raw = append([]byte(nil), raw...) // the iterator moves on
	next := r.next
	if r.iter.Next() {
		next = min(next, keySeq(r.iter.Key()))
	}
	return r.log.setAside(r.partition, first, next, raw, cause)
}

// unreadable handles a read that failed at a sequence, or above it. For damage found
// by Pebble's own checksums it looks for where reading can go on.
func (r *reader) unreadable(from uint64, cause error) error {
	if !isDamage(cause) {
		return fmt.Errorf("records from %d of %v: %w", from, r.partition, cause)
	}
	if bad := r.log.damageAt(r.partition, from); bad != nil {
		return bad
	}
	bad := &CorruptError{Partition: r.partition, First: from, Next: r.skip(from), Cause: cause}
	r.log.remember(bad)
	return bad
}

// known returns the damage at r.from if it was met before.
func (r *reader) known() error {
	if bad := r.log.damageAt(r.partition, r.from); bad != nil {
		return bad
	}
	return nil
}

// skip returns the lowest sequence above bad at which a block begins, or the end.
// Seeking fails while it lands in the damaged part and works behind it, which makes
// it a binary search.
func (r *reader) skip(bad uint64) uint64 {
	good := r.next
	for good-bad > 1 {
		mid := bad + (good-bad)/2
		if !r.seekGE(mid) && r.iter.Error() != nil {
			bad = mid
		} else {
			good = mid
		}
	}
	if good < r.next && r.seekGE(good) {
		good = keySeq(r.iter.Key())
	}
	return min(good, r.next)
}
