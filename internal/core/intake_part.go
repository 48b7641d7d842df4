package core

import (
	"slices"
	"time"
)

// part is one partition as an intake receives it.
//
//	delivered        held                head
//	0 ───────── next ···[────)···[──)··· │
//	                 gap
type part struct {
	Partition
	wants   []*want // that take it, the one first by which it begins; a store that wants all has none
	next    uint64  // sequence to deliver next
	head    uint64  // sequence after the highest that anybody named
	settled bool    // where it begins is decided
	from    uint64  // that is where
	begun   bool    // something was delivered, or a position was given
	live    bool    // the producer's live records are wanted
	acked   bool    // a store: something of it was acknowledged
	resumed bool    // next was a saved position
	ignored bool    // nothing of it is delivered
	paused  bool    // for now
	named   bool    // somebody said how far it goes
	fresh   bool    // its producer had told all it has before anything was known of it
	// answered is how far its own producer has answered from record 0 on without a
	// break, up to foreignRecords.
	answered uint64
	bound    uint64 // what is before it may be delivered; see intake_stored.go
	waits    bool   // it has its place among those that wait for credit

	held    []Run // ahead of the gap: sorted, disjoint
	average int64 // bytes a record, smoothed; 0 while unknown

	fetch    fetch
	asked    int64 // what of Intake.asked is this partition's
	claims   map[string]claim
	refused  map[string]time.Time // sources that failed since the last delivery, and until when they are left alone
	unserved time.Time            // since when nobody serves the gap
	stalled  bool
	stall    Range  // what was reported as stalled
	damaged  uint64 // sequence behind the last record that was reported as damaged

	wake time.Time

	holes mend // a store's: missing below next
	bare  mend // a store's: there without their trailers
}

// newPart returns a partition of which nothing is known.
func newPart(p Partition, over []*want) *part {
	q := &part{Partition: p, wants: over, live: true, bound: unbounded}
	q.holes.part, q.bare.part, q.bare.bare = q, q, true
	return q
}

// fetch is an answer under way.
type fetch struct {
	source string // "" when there is none
	first  uint64
	end    uint64
	at     time.Time // when it was asked for, or last brought something
}

// claim is what a source said it has of a partition.
type claim struct {
	lowest, end, tail uint64
}

// covers reports whether the source has a sequence.
func (c claim) covers(seq uint64) bool { return c.lowest <= seq && seq < c.end }

// gap returns what is missing before the next record that is known to exist, and
// may be delivered.
func (q *part) gap() Range {
	end := q.head
	if len(q.held) > 0 {
		end = q.held[0].First
	}
	return Range{First: q.next, End: max(min(end, q.bound), q.next)}
}

func (q *part) heldBytes() (n int64) {
	for _, r := range q.held {
		n += r.Bytes
	}
	return n
}

// size estimates the bytes of n records.
func (q *part) size(n uint64) int64 {
	average := q.average
	if average == 0 {
		average = unknownRecordBytes
	}
	if n > uint64(1<<62/average) {
		return 1 << 62
	}
	return int64(n) * average
}

// unknownRecordBytes is what a record is taken to have before one was seen.
const unknownRecordBytes = 4 << 10

func (q *part) measure(r Run) {
	a := max(r.Bytes/int64(r.Count), 1)
	if q.average == 0 {
		q.average = a
		return
	}
	q.average = max((7*q.average+a)/8, 1)
}

// maxHeld bounds the runs that one partition holds: each new one may have to
// move all of them.
const maxHeld = 1 << 12

// hold keeps r ahead of the gap, unless it overlaps what is held.
func (q *part) hold(r Run) (kept int64) {
	i, _ := slices.BinarySearchFunc(q.held, r.First, func(h Run, first uint64) int {
		if h.First < first {
			return -1
		}
		if h.First > first {
			return 1
		}
		return 0
	})
	first, end := r.First, r.End()
	if i > 0 {
		first = max(first, q.held[i-1].End())
	}
	if i < len(q.held) {
		end = min(end, q.held[i].First)
	}
	if first != r.First || end != r.End() {
		return 0 // it overlaps what is held: what is new of it is fetched
	}
	q.held = slices.Insert(q.held, i, r)
	return r.Bytes
}
