package blocklog

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// Complete copies records of which the partition may hold some bare (see
// [Builder.Bare]): Commit replaces those by what is given here, with its
// trailers, and they are bare no more. When they were first seen stays. Contents
// must be those held. Records that are not held, or not bare, are left alone;
// the others of a block of which only a part is replaced remain bare, in blocks
// of their own.
//
// Errors, after which the batch is as before: [ErrConflict], a [*ConflictError]
// that names the first sequence whose contents differ; [ErrOverlap] (the batch
// completes one of these sequences already), [ErrTooLarge], [ErrPartition],
// [ErrCommitted], [ErrClosed], and errors of the disk from looking at what is
// there.
func (b *Batch) Complete(p Partition, records *Builder) error {
	if records.Count() == 0 {
		return nil
	}
	if err := b.complete(p, records); err != nil {
		return fmt.Errorf("blocklog: complete %v: %w", p, err)
	}
	return nil
}

func (b *Batch) complete(p Partition, records *Builder) error {
	if err := b.begin(p, records.Bytes()); err != nil {
		return err
	}
	if err := b.log.enter(); err != nil {
		return err
	}
	defer b.log.leave()
	given := records.blocks(0)
	if err := b.refuseTwice(b.completions, p, given); err != nil {
		return err
	}
	s, _ := b.log.state(p)
	replaced, g := 0, givens{rest: given}
	if err := b.log.eachBare(p, s.Tail, given, func(old block) error {
		replaced += old.len()
		return g.match(p, s.Tail, old, func(Record, bool) error { return nil })
	}); err != nil || replaced == 0 {
		return err
	}
	if err := b.fits(replaced + records.Bytes()); err != nil {
		return err
	}
	b.completions = append(b.completions, belated{b.entry(p), cloned(given)})
	b.bytes += replaced + records.Bytes()
	return nil
}

// eachBare calls f with the bare blocks that hold sequences of given, which
// ascends, at or above tail: each once, in order.
func (l *Log) eachBare(p Partition, tail uint64, given []block, f func(block) error) error {
	done := tail // behind the last block met
	for _, g := range given {
		var inner error
		_, err := l.walk(p, max(g.first, done), g.next(), func(b block) bool {
			if done = b.next(); b.bare {
				inner = f(b)
			}
			return inner == nil
		})
		if err = cmp.Or(inner, err); err != nil {
			return err
		}
	}
	return nil
}

// givens finds given records by their sequences, in ascending order.
type givens struct {
	now  block
	rest []block
}

// at returns the record of a sequence, if it is given.
func (g *givens) at(seq uint64) (content, trailer []byte, ok bool) {
	for g.now.next() <= seq {
		if len(g.rest) == 0 {
			return nil, nil, false
		}
		g.now, g.rest = g.rest[0], g.rest[1:]
	}
	g.now, _ = g.now.from(seq)
	if g.now.first != seq {
		return nil, nil, false
	}
	content, trailer, _, ok = cutRecord(g.now.records)
	return content, trailer, ok
}

// match calls f with the records of old at or above tail, and whether each is
// given: then with the trailer given. A [*ConflictError] says that other contents
// are given.
func (g *givens) match(p Partition, tail uint64, old block, f func(r Record, given bool) error) (err error) {
	old.visit(tail, func(r Record) bool {
		content, trailer, given := g.at(r.Seq)
		switch {
		case given && !bytes.Equal(content, r.Content):
			err = &ConflictError{Partition: p, Seq: r.Seq}
		case given:
			r.Trailer = trailer
			err = f(r, true)
		default:
			err = f(r, false)
		}
		return err == nil
	})
	return err
}

// complete replaces what is held bare by what a batch has for the partitions.
func (c *change) complete(completions []belated) error {
	given := map[int][]block{}
	for _, done := range completions {
		given[done.entry] = append(given[done.entry], done.blocks...)
	}
	for _, i := range slices.Sorted(maps.Keys(given)) {
		e := &c.entries[i]
		if _, known := c.log.state(e.Partition); !known { // forgotten meanwhile
			e.dropped = !e.adds
			continue
		}
		slices.SortFunc(given[i], func(a, b block) int { return cmp.Compare(a.first, b.first) })
		g := givens{rest: given[i]}
		if err := c.log.eachBare(e.Partition, e.after.Tail, given[i], func(old block) error {
			return c.completeBlock(e, old, &g)
		}); err != nil {
			return fmt.Errorf("%v: %w", e.Partition, err)
		}
	}
	return nil
}

// completeBlock writes old again, above the tail, as blocks that are bare and
// blocks that are not. A bare block lies in one grain, as all of a [Builder]'s do.
func (c *change) completeBlock(e *entry, old block, g *givens) error {
	tail, b := e.after.Tail, NewBuilder(c.log.opts.BlockBytes)
	err := g.match(e.Partition, tail, old, func(r Record, given bool) error {
		b.Bare(!given)
		return b.Append(r.Seq, r.Content, r.Trailer)
	})
	if err == nil && old.first < tail { // its key is not one of the new
		c.key = blocks.appendKey(c.key[:0], e.Partition, old.first)
		err = c.batch.Delete(c.key, nil)
	}
	if err != nil {
		return err
	}
	k := grainOf(b.First())
	sum, err := c.sumsOf(e.Partition, &e.after, k)
	if err != nil {
		return err
	}
	sum.sub(old.sum(tail, grainEnd(k)))
	for i := range b.spans {
		block := b.block(i, 0)
		block.time = old.time
		if c.key, err = put(c.batch, c.key, e.Partition, block); err != nil {
			return err
		}
		sum.add(block.sum(tail, grainEnd(k)))
	}
	e.changed = true
	return c.replaced(e.Partition, &e.after, k, sum)
}
