package core

import (
	"time"

	"github.com/beckmesh/beck/protocol"
)

// Copy is a partition as another store holds it.
type Copy struct {
	Partition
	Store string // its UUID
}

// Summed is a range of a partition, and the digest of its contents.
type Summed struct {
	Range
	Digest uint64
}

// Comparer finds out, for a store, where another holds different contents under
// the same sequences. Each says in its heads what its contents sum up to; where
// that is not what ours do, the range is divided, by asking for the sums of its
// parts, down to the grain.
//
//	State ── Answer ── Answer ── ... ── a range that differs
//	  └ ask    └ ask of the parts that do
type Comparer struct {
	grain  uint64
	copies map[Partition]map[string]*comparison // by the other store's UUID
	n      int                                  // of copies
}

// comparison is how far a copy was compared.
type comparison struct {
	upTo  uint64    // sequence up to which the one under way, or the last one, goes
	asked int       // answers that it waits for
	since time.Time // when it began
}

const (
	maxCopies    = 1 << 18          // remembered; more begin anew
	compareAfter = 30 * time.Second // a comparison whose answers do not come then begins anew
)

// NewComparer returns a comparer of sums that are known of ranges of whole grains,
// of so many sequences.
func NewComparer(grain uint64) *Comparer {
	return &Comparer{grain: grain, copies: make(map[Partition]map[string]*comparison)}
}

// State takes what another store says of its contents, from its lowest sequence
// on, and what ours are. It returns the range to ask its sums of; ok is false if
// there is nothing to ask.
func (c *Comparer) State(of Copy, ours, theirs Summed, now time.Time) (ask Range, ok bool) {
	known := c.copies[of.Partition][of.Store]
	if theirs.End == 0 || theirs.End%c.grain != 0 || known != nil && known.asked > 0 && now.Sub(known.since) < compareAfter {
		return Range{}, false
	}
	theirs.First = (theirs.First + c.grain - 1) / c.grain * c.grain
	r := Range{max(ours.First, theirs.First), min(ours.End, theirs.End)}
	if known != nil && known.asked == 0 {
		r.First = max(r.First, known.upTo) // what was compared before does not change
	}
	if r.First >= r.End {
		return Range{}, false
	}
	begun := c.begin(of, r.End, now)
	if ours == theirs { // at a glance
		return Range{}, false
	}
	begun.asked = 1
	return r, true
}

// begin notes that a copy is compared.
func (c *Comparer) begin(of Copy, upTo uint64, now time.Time) *comparison {
	if c.n >= maxCopies {
		clear(c.copies)
		c.n = 0
	}
	others := c.copies[of.Partition]
	if others == nil {
		others = make(map[string]*comparison)
		c.copies[of.Partition] = others
	}
	if others[of.Store] == nil {
		c.n++
	}
	others[of.Store] = &comparison{upTo: upTo, since: now}
	return others[of.Store]
}

// Awaits reports whether another store was asked, so that what it answers counts.
func (c *Comparer) Awaits(of Copy) bool {
	known := c.copies[of.Partition][of.Store]
	return known != nil && known.asked > 0
}

// Drop gives up the answers that are awaited: the copy is compared from its
// beginning with what the other store says next.
func (c *Comparer) Drop(of Copy) {
	if known := c.copies[of.Partition][of.Store]; known != nil {
		known.asked, known.upTo = 0, 0
	}
}

// Again has all copies of a partition compared from their beginnings: records came
// late.
func (c *Comparer) Again(p Partition) {
	c.n -= len(c.copies[p])
	delete(c.copies, p)
}

// Answer takes sums that another store was asked for, and ours of the same range;
// who does not know them has no parts. It returns the ranges to ask for next, and
// the grains of which both hold as many records with different contents.
func (c *Comparer) Answer(of Copy, ours, theirs protocol.Sums) (ask, differ []Range) {
	known := c.copies[of.Partition][of.Store]
	if known == nil {
		return nil, nil
	}
	known.asked--
	if ours.Step != theirs.Step || len(ours.Parts) != len(theirs.Parts) {
		known.upTo = 0 // one does not know them any more: from the beginning, with what the other says next
		return nil, nil
	}
	for i := range ours.Parts {
		first := ours.First + uint64(i)*ours.Step
		part := Range{first, min(first+ours.Step, ours.End)}
		switch CompareSums(part, c.grain, Sum(ours.Parts[i]), Sum(theirs.Parts[i])) {
		case Narrow:
			ask = append(ask, part)
		case Differ:
			differ = append(differ, part)
		}
	}
	known.asked += len(ask)
	return ask, differ
}
