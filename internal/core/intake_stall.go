package core

import "time"

// giveUp skips a gap that every linked source failed to serve, if it is known to
// be gone for good or was waited for long enough. It reports whether it did.
func (in *Intake) giveUp(q *part, now time.Time) bool {
	if q.unserved.IsZero() {
		q.unserved = now
	}
	to, kind := in.skipTo(q, now.Sub(q.unserved))
	if kind == 0 {
		return false
	}
	in.skip(q, to, kind, now)
	return true
}

// checkStall reports a gap that has not been served for long, whether somebody
// is being asked at the moment or nobody is there.
func (in *Intake) checkStall(q *part, gap Range, now time.Time) {
	if q.unserved.IsZero() || q.stalled {
		return
	}
	if late := q.unserved.Add(in.cfg.StallAfter); now.Before(late) {
		in.wakeAt(q, earlier(q.wake, late))
		return
	}
	q.stalled = true
	q.stall = Range{q.next, in.available(q, gap.End)}
	in.report(Stalled, q, q.stall)
}

// stalledAt returns what nobody serves now; nothing while the part is not stalled.
func (q *part) stalledAt() (r Range) {
	if q.stalled {
		r = q.stall
	}
	return r
}

// available returns the first sequence from which on somebody has something.
func (in *Intake) available(q *part, end uint64) uint64 {
	for _, s := range in.sorted {
		if c, ok := q.claims[s.ID]; ok && c.lowest > q.next && c.lowest < c.end {
			end = min(end, c.lowest)
		}
	}
	return end
}

// skipTo decides whether the missing records are given up, and up to where.
func (in *Intake) skipTo(q *part, waited time.Duration) (uint64, ReportKind) {
	to := in.available(q, q.gap().End)
	if gone := min(to, in.expired(q)); gone > q.next && (!in.cfg.Store || waited >= in.cfg.StallAfter) {
		return gone, Expired // a store waits first: what one has dropped another may have
	}
	if in.cfg.SkipMissingAfter > 0 && waited >= in.cfg.SkipMissingAfter {
		return to, Skipped
	}
	if waited < in.cfg.StallAfter || !in.cfg.Store {
		return 0, 0 // a consumer waits: somebody may come who has it
	}
	producer := in.sources[q.Producer]
	switch {
	case producer != nil && producer.Foreign:
		return to, Skipped // it states no tail and repeats nothing
	case producer != nil:
		if c, ok := q.claims[q.Producer]; ok && c.lowest > q.next {
			return min(to, c.lowest), Skipped
		}
	case to < q.gap().End:
		return to, Skipped // the producer is gone: the lowest that a store offers
	}
	return 0, 0
}

// expired returns the highest retention tail that a source stated.
func (in *Intake) expired(q *part) (tail uint64) {
	for _, c := range q.claims {
		tail = max(tail, c.tail)
	}
	return tail
}

func (in *Intake) skip(q *part, to uint64, kind ReportKind, now time.Time) {
	in.report(kind, q, Range{q.next, to})
	if in.cfg.Store {
		q.holes.wanted = q.holes.wanted.With(Range{q.next, to})
	}
	q.next = to
	q.stalled = false
	q.unserved = time.Time{}
	clear(q.refused)
	in.mendBoth(q, now)
	in.pursue(q, now)
}

// resumed reports that a stalled partition goes on.
func (in *Intake) resumed(q *part) {
	if q.stalled && q.unserved.IsZero() {
		q.stalled = false
		in.report(Resumed, q, q.stall)
	}
}

func (in *Intake) report(kind ReportKind, q *part, r Range) {
	in.out.Reports = append(in.out.Reports, Report{Kind: kind, Partition: q.Partition, Range: r})
}
