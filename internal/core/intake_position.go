package core

import (
	"slices"
	"time"
)

// WantNewest adds a topic of which each partition begins at its last n records,
// as the first source to speak of it counts them; n must be above 0.
func (in *Intake) WantNewest(name string, n uint64, now time.Time) {
	in.WantFrom(Want{Name: name}, Start{StartNewest, n}, now)
}

// Starts returns where each partition of what is wanted began, or, where that is
// not decided, where it will if nothing more is published.
func (in *Intake) Starts(w Want) map[Partition]uint64 {
	starts := make(map[Partition]uint64)
	for p, q := range in.parts {
		if !w.Match(p.Topic) {
			continue
		}
		if starts[p] = q.from; !q.settled {
			starts[p] = q.head
		}
	}
	return starts
}

// Complete reports whether all that is known of a topic was delivered.
func (in *Intake) Complete(topic string) bool {
	for p, q := range in.parts {
		if p.Topic == topic && q.next < q.head {
			return false
		}
	}
	return true
}

// Resume sets where a partition goes on, before anything of it was received: a
// store's durable end, a consumer's saved position.
func (in *Intake) Resume(p Partition, next uint64) {
	if q := in.part(p); q != nil {
		q.next, q.from, q.head, q.settled, q.begun = next, next, max(q.head, next), true, true
		q.acked = in.cfg.Store && next > 0
		q.resumed = !in.cfg.Store
	}
}

// Seek has a partition go on at next, wherever it was. It is false if the
// partition is not wanted.
func (in *Intake) Seek(p Partition, next uint64, now time.Time) bool {
	q := in.part(p)
	if q == nil {
		return false
	}
	q.stalled, q.unserved, q.resumed, q.ignored = false, time.Time{}, false, false
	in.Rewind(p, next, now)
	return true
}

// Ignore takes all that a partition has, and will have, for delivered.
func (in *Intake) Ignore(p Partition, now time.Time) {
	q := in.part(p)
	if q == nil {
		return
	}
	in.ahead -= q.heldBytes()
	q.held = nil
	q.ignored, q.settled, q.next = true, true, max(q.next, q.head)
	in.pursue(q, now)
}

// reportAhead names the partitions whose position lies beyond what anybody has:
// the stores lost what was finished, and there is nothing to go on with.
func (in *Intake) reportAhead() {
	var ahead []*part
	for _, q := range in.parts {
		if q.resumed && q.claimed() < q.next {
			ahead = append(ahead, q)
		}
	}
	slices.SortFunc(ahead, func(a, b *part) int { return a.Compare(b.Partition) })
	for _, q := range ahead {
		in.report(Ahead, q, Range{q.claimed(), q.next})
	}
}

// claimed returns the sequence behind the last record that a linked source has.
func (q *part) claimed() (end uint64) {
	for _, c := range q.claims {
		end = max(end, c.end)
	}
	return end
}
