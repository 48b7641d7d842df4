package blocklog

import (
	"bytes"
	"fmt"
	"slices"
)

// belated are records below the head of a partition, kept until Commit, when it is
// sure what is there.
type belated struct {
	entry  int
	blocks []block // with bytes of their own
}

// refuseTwice returns ErrOverlap if list has any of the sequences of given already.
func (b *Batch) refuseTwice(list []belated, p Partition, given []block) error {
	for _, there := range list {
		for _, g := range given {
			if b.entries[there.entry].Partition == p && slices.ContainsFunc(there.blocks, g.overlaps) {
				return fmt.Errorf("%w: %d to %d are in the batch already", ErrOverlap, g.first, g.next()-1)
			}
		}
	}
	return nil
}

// cloned gives blocks bytes of their own.
func cloned(blocks []block) []block {
	for i := range blocks {
		blocks[i].records = bytes.Clone(blocks[i].records)
	}
	return blocks
}

// Fill copies the blocks of records that the partition lacks below its head: in
// a hole, or where a block was put in quarantine. Commit takes them or none of
// the batch. Records below the tail are left out, they have expired. Errors,
// after which the batch is as before: [ErrOverlap] (one of these sequences is
// held: the first write wins), [ErrNotHole] (some are at or above the committed
// head, or the partition is not known: Add them), [ErrTooLarge], [ErrPartition],
// [ErrCommitted], [ErrClosed], and [ErrCorrupt] or errors of the disk from
// looking at what is there.
func (b *Batch) Fill(p Partition, records *Builder) error {
	if records.Count() == 0 {
		return nil
	}
	if err := b.checkFill(p, records); err != nil {
		return fmt.Errorf("blocklog: fill %v: %w", p, err)
	}
	b.fills = append(b.fills, belated{b.entry(p), cloned(records.blocks(b.log.opts.Now().UnixMilli()))})
	b.bytes += records.Bytes()
	return nil
}

func (b *Batch) checkFill(p Partition, records *Builder) error {
	if err := b.fits(records.Bytes()); err != nil {
		return err
	}
	if err := b.begin(p, records.Bytes()); err != nil {
		return err
	}
	if err := b.log.enter(); err != nil {
		return err
	}
	defer b.log.leave()
	s, known := b.log.state(p)
	if !known || records.Next() > s.Next {
		return fmt.Errorf("%w: up to %d, the head is at %d", ErrNotHole, records.Next()-1, s.Next)
	}
	given := records.blocks(0)
	if err := b.refuseTwice(b.fills, p, given); err != nil {
		return err
	}
	for _, new := range given {
		if err := b.log.vacant(p, max(new.first, s.Tail), new.next()); err != nil {
			return err
		}
	}
	return nil
}

func (b block) overlaps(o block) bool { return b.first < o.next() && o.first < b.next() }

// vacant returns ErrOverlap if a block holds any sequence within [from, to), or
// may hold it: a damaged one has to be put in quarantine first.
func (l *Log) vacant(p Partition, from, to uint64) error {
	if from >= to {
		return nil
	}
	var there *block
	damaged, err := l.walk(p, from, to, func(b block) bool {
		there = &b
		return false
	})
	switch {
	case err != nil:
		return err
	case there != nil:
		return fmt.Errorf("%w: %d to %d are held", ErrOverlap, max(there.first, from), min(there.next(), to)-1)
	case damaged:
		return fmt.Errorf("%w: a damaged block is in the way of %d to %d", ErrOverlap, from, to-1)
	}
	return nil
}

// fill writes the blocks of f at or above the tail, which are below the head.
func (c *change) fill(e *entry, f *belated) error {
	e.after.Updated = c.log.opts.Now().UnixMilli()
	for _, b := range f.blocks {
		b, some := b.from(e.after.Tail)
		if !some {
			continue
		}
		if b.next() > e.after.Next {
			return fmt.Errorf("%w: up to %d of %v, the head is at %d", ErrNotHole, b.next()-1, e.Partition, e.after.Next)
		}
		if err := c.log.vacant(e.Partition, b.first, b.next()); err != nil {
			return fmt.Errorf("%v: %w", e.Partition, err)
		}
		var err error
		if c.key, err = put(c.batch, c.key, e.Partition, b); err != nil {
			return err
		}
		if err := c.filledIn(e.Partition, &e.after, grainOf(b.first), b.sum(b.first, b.next())); err != nil {
			return err
		}
		e.changed = true
		e.filled = append(e.filled, Range{b.first, b.next()})
	}
	return nil
}

// from returns b without the records below a sequence; false if none is left.
func (b block) from(seq uint64) (block, bool) {
	for ; b.first < seq && b.count > 0; b.first, b.count = b.first+1, b.count-1 {
		_, _, b.records, _ = cutRecord(b.records)
	}
	return b, b.count > 0
}
