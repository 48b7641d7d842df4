package blocklog

import (
	"fmt"
	"math"
	"time"
)

// Builder gathers records of one partition, encoded, for [Batch.Add]. It
// belongs to one goroutine at a time.
//
// A block ends where the next record would make it larger than the block size,
// before a sequence that does not follow, before a multiple of [GrainRecords],
// and where the stamp or Bare changes.
type Builder struct {
	blockBytes int
	stamp      int64 // time of the records to come, ms; 0: when they are added
	bare       bool  // the records to come are bare
	memory     arena
	spans      []span
	bytes      int // of all spans' records
	next       uint64
	count      int
}

// span is one block of a builder.
type span struct {
	records []byte // in the builder's memory
	first   uint64
	count   uint32
	stamp   int64 // as of the builder
	bare    bool
}

// NewBuilder returns an empty builder for blocks of blockBytes encoded bytes;
// 0 or less means [DefaultBlockBytes].
func NewBuilder(blockBytes int) *Builder {
	if blockBytes <= 0 {
		blockBytes = DefaultBlockBytes
	}
	return &Builder{blockBytes: blockBytes}
}

// Append copies one record. Sequences must ascend and may leave holes. trailer
// may be empty, which is the same as none. Errors, after which the builder is
// as before: [ErrOverlap] (not above the last one), [ErrSequence],
// [ErrTooLarge].
func (b *Builder) Append(seq uint64, content, trailer []byte) error {
	if err := b.check(seq, content, trailer); err != nil {
		return err
	}
	n := recordLen(content, trailer)
	if !b.fits(seq, n) {
		b.begin(seq, n)
	}
	open := &b.spans[len(b.spans)-1]
	if b.memory.room() < n {
		b.move(open, n)
	}
	open.records = appendRecord(open.records, content, trailer)
	open.count++
	b.memory.open = b.memory.open[:len(b.memory.open)+n]
	b.bytes += n
	b.count++
	b.next = seq + 1
	return nil
}

// begin begins a block with a record of n bytes. In a chunk of full size it has
// room to grow to its own.
func (b *Builder) begin(seq uint64, n int) {
	m := &b.memory
	if whole := max(n, b.blockBytes-blockOverhead); cap(m.open) >= chunkBytes && m.room() < whole {
		m.next(whole)
	}
	at := len(m.open)
	b.spans = append(b.spans, span{records: m.open[at:at], first: seq, stamp: b.stamp, bare: b.bare})
}

// move gives a block room for n more bytes in another chunk.
func (b *Builder) move(open *span, n int) {
	if n += len(open.records); n > chunkBytes {
		n = max(n, b.blockBytes) // not once more for the next record
	}
	b.memory.next(n)
	b.memory.open = append(b.memory.open, open.records...)
	open.records = b.memory.open
}

func (b *Builder) check(seq uint64, content, trailer []byte) error {
	switch {
	case seq == math.MaxUint64:
		return fmt.Errorf("blocklog: append %d: %w", seq, ErrSequence)
	case b.count > 0 && seq < b.next:
		return fmt.Errorf("blocklog: append %d behind %d: %w", seq, b.next-1, ErrOverlap)
	case len(content) > MaxRecord || len(trailer) > MaxRecord-len(content):
		return fmt.Errorf("blocklog: append %d with %d bytes: %w", seq, len(content)+len(trailer), ErrTooLarge)
	}
	return nil
}

// fits says whether a record of n encoded bytes belongs to the open block.
func (b *Builder) fits(seq uint64, n int) bool {
	if b.count == 0 || seq != b.next || seq%GrainRecords == 0 {
		return false
	}
	open := &b.spans[len(b.spans)-1]
	return open.stamp == b.stamp && open.bare == b.bare && len(open.records)+n+blockOverhead <= b.blockBytes && open.count < math.MaxUint32
}

// First returns the sequence of the first record, 0 if there is none.
func (b *Builder) First() uint64 {
	if b.count == 0 {
		return 0
	}
	return b.spans[0].first
}

// Next returns the sequence behind the last record, 0 if there is none.
func (b *Builder) Next() uint64 { return b.next }

// Count returns the number of records.
func (b *Builder) Count() int { return b.count }

// Bytes returns the encoded length of all blocks.
func (b *Builder) Bytes() int { return b.bytes + len(b.spans)*blockOverhead }

// Stamp sets when the records appended from now on were first seen by a store,
// from which on their age counts: for records that are taken over from another
// store ([Record].FirstSeen). Without it, and for a time to come, that is when
// they are added to a batch; the zero time and 1970 take it back.
func (b *Builder) Stamp(first time.Time) {
	b.stamp = 0
	if !first.IsZero() {
		b.stamp = first.UnixMilli()
	}
}

// Bare sets whether the records appended from now on are bare: taken over from a
// store that keeps no trailers, so that they may have lost some. They are stored,
// served and compared as any others; [Log.BareRanges] finds them, for
// [Batch.Complete].
func (b *Builder) Bare(bare bool) { b.bare = bare }

// Reset empties the builder, takes its stamp and Bare back, and keeps up to 256 KiB
// of its memory; other builders may use the rest.
func (b *Builder) Reset() {
	b.memory.reset()
	clear(b.spans)
	b.spans, b.bytes, b.next, b.count, b.stamp, b.bare = b.spans[:0], 0, 0, 0, 0, false
}

// block returns block i, which is added to a batch now, ms.
func (b *Builder) block(i int, now int64) block {
	s := b.spans[i]
	if s.stamp == 0 || s.stamp > now {
		s.stamp = now
	}
	return block{first: s.first, count: s.count, time: s.stamp, bare: s.bare, records: s.records}
}

// blocks returns all blocks, which are added to a batch now, ms.
func (b *Builder) blocks(now int64) []block {
	all := make([]block, len(b.spans))
	for i := range all {
		all[i] = b.block(i, now)
	}
	return all
}
