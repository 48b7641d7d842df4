package core

import "time"

// With IntakeConfig.Stored each partition has a bound: what a store said that it
// has on disk. Records beyond it are held as those ahead of a gap are, within
// the same limits; those that do not fit are fetched when a store has them.
// Nothing beyond the bound is asked for. Without it the bound is out of reach.

// unbounded is the bound of a partition that need not be stored.
const unbounded = ^uint64(0)

// inStore raises a partition's bound by what source, if it is a store, has.
func (in *Intake) inStore(source string, q *part, end uint64) {
	if s := in.sources[source]; s != nil && s.All && source != q.Producer {
		q.bound = max(q.bound, end)
	}
}

// cut divides a run at a sequence within it.
func (r Run) cut(at uint64) (front, back Run) {
	front, back = r, r
	front.Count = int(at - r.First)
	front.Bytes = r.Bytes * int64(front.Count) / int64(r.Count)
	back.First, back.Count, back.Bytes = at, r.Count-front.Count, r.Bytes-front.Bytes
	return front, back
}

// awaitsStore reports whether what comes next is known, and no store has it.
func (q *part) awaitsStore() bool { return q.bound <= q.next && q.next < q.head }

// awaitStore waits for a store to have what comes next. If that takes long it is
// reported: perhaps no store is there, or none keeps the topic.
func (in *Intake) awaitStore(q *part, now time.Time) {
	in.endFetch(q)
	in.setAsked(q, 0)
	in.active[q] = struct{}{}
	q.wake = time.Time{}
	if q.unserved.IsZero() {
		q.unserved = now
	}
	in.checkStall(q, Range{q.next, q.head}, now)
}

// dropUnstored forgets what a producer that went away had, and no store has: it
// may never have been, as far as anybody will know. If it was, somebody says so.
func (in *Intake) dropUnstored(q *part) {
	if q.bound == unbounded {
		return
	}
	for n := len(q.held); n > 0 && q.held[n-1].End() > q.bound; n-- {
		in.ahead -= q.held[n-1].Bytes
		q.held[n-1] = Run{}
		q.held = q.held[:n-1]
	}
	q.head = max(q.next, min(q.head, q.bound))
	if q.head == q.next {
		q.stalled, q.unserved = false, time.Time{}
	}
}
