package core

import (
	"slices"
	"time"
)

// A store may lack records below the sequence at which it goes on: nobody had
// them then, or its disk lost a block. They are fetched one range at a time,
// beside the newer ones, from whoever says that it has them.
//
//	0 ──────[────────)───────── next
//	          hole

// Lack says which records of a partition are missing below end, in order: those
// that were known before to be missing there no longer count.
func (in *Intake) Lack(p Partition, holes []Range, end uint64, now time.Time) {
	q := in.parts[p]
	if q == nil {
		return
	}
	newer := slices.DeleteFunc(q.holes, func(h Range) bool { return h.First < end })
	q.holes = append(slices.Clone(holes), newer...)
	in.fill(q, now)
}

// Lacking returns how many records are known to be missing below where the
// partitions go on.
func (in *Intake) Lacking() (n uint64) {
	for q := range in.lacking {
		for _, h := range q.holes {
			n += h.Len()
		}
	}
	return n
}

// AcknowledgeBelow returns the sequence below which a store may acknowledge a
// partition as far as its producer may still hold something that is missing
// here: an acknowledgement would let the producer drop it.
func (in *Intake) AcknowledgeBelow(p Partition) uint64 {
	q := in.parts[p]
	if q == nil {
		return ^uint64(0)
	}
	lowest := q.claims[p.Producer].lowest // 0 while it has not said so
	for _, h := range q.holes {
		if h.End > lowest {
			return max(h.First, lowest)
		}
	}
	return ^uint64(0)
}

// Trim raises where a partition goes on to at least tail: what is below is not
// wanted any more.
func (in *Intake) Trim(p Partition, tail uint64, now time.Time) {
	q := in.part(p)
	if q == nil {
		return
	}
	q.cutHoles(Range{0, tail})
	if tail > q.next || !q.settled {
		in.Rewind(p, tail, now)
		return
	}
	in.fill(q, now)
}

// Rewind has a partition go on at next, whatever was received of it.
func (in *Intake) Rewind(p Partition, next uint64, now time.Time) {
	q := in.part(p)
	if q == nil {
		return
	}
	in.endFetch(q)
	in.setAsked(q, 0)
	for len(q.held) > 0 && q.held[0].First < next {
		in.ahead -= q.held[0].Bytes
		q.held = q.held[1:]
	}
	q.next, q.head = next, max(q.head, next)
	q.settled, q.begun = true, true
	q.cutHoles(Range{next, ^uint64(0)})
	clear(q.refused)
	in.fill(q, now)
	in.pursue(q, now)
	in.grant(now)
}

// dig notes that [q.next, to) is left out.
func (q *part) dig(to uint64) {
	if n := len(q.holes); n > 0 && q.holes[n-1].End == q.next {
		q.holes[n-1].End = to
		return
	}
	q.holes = append(q.holes, Range{q.next, to})
}

// cutHoles takes r out of what is missing.
func (q *part) cutHoles(r Range) {
	var rest []Range
	for _, h := range q.holes {
		if h.First < r.First {
			rest = append(rest, Range{h.First, min(h.End, r.First)})
		}
		if h.End > r.End {
			rest = append(rest, Range{max(h.First, r.End), h.End})
		}
	}
	q.holes = rest
}

// fill sees to it that what is missing is being fetched if somebody has it.
func (in *Intake) fill(q *part, now time.Time) {
	if q.filling.source != "" {
		in.expireFill(q, now)
	}
	if len(q.holes) == 0 {
		in.endFill(q)
		delete(in.lacking, q)
		return
	}
	in.lacking[q] = struct{}{}
	if q.filling.source == "" {
		in.beginFill(q, now)
	}
}

// beginFill asks for the first range that somebody says it has.
func (in *Intake) beginFill(q *part, now time.Time) {
	s, r := in.offered(q, now)
	if s == nil {
		return // until somebody says more
	}
	n := uint64(0)
	if len(in.waiting) == 0 { // what is new goes first
		n = in.affordable(q, r.Len())
	}
	if n == 0 {
		if !q.fillWaits {
			q.fillWaits = true
			in.fillers = append(in.fillers, q)
		}
		return
	}
	s.fetches++
	q.filling = fetch{source: s.ID, first: r.First, end: r.First + n, at: now}
	in.setFillAsked(q)
	in.Stats.Fetches++
	in.out.Fetch = append(in.out.Fetch, FetchOrder{Source: s.ID, Partition: q.Partition, First: r.First, Count: uint32(n)})
	in.fillAt(q, now.Add(in.cfg.FetchTimeout))
}

// offered returns the first missing range that a source says it has, and the
// least busy of those sources.
func (in *Intake) offered(q *part, now time.Time) (best *source, r Range) {
	for _, h := range q.holes {
		for _, s := range in.sorted {
			own := s.ID == q.Producer
			c, said := q.claims[s.ID]
			if until := q.unfit[s.ID]; !said || now.Before(until) || !s.All && !own || own && s.Foreign {
				continue
			}
			have := Range{max(h.First, c.lowest), min(h.End, c.end)}
			if have.First >= have.End {
				continue
			}
			if best == nil || have.First < r.First || have.First == r.First && s.fetches < best.fetches {
				best, r = s, have
			}
		}
		if best != nil {
			return best, r
		}
	}
	return nil, Range{}
}

// filled takes what of an answer is missing, and returns whether it was one.
func (in *Intake) filled(source string, q *part, r Run, now time.Time) bool {
	f := &q.filling
	if f.source != source || r.First >= f.end || r.End() <= f.first {
		return false
	}
	f.at = now
	took := Range{max(r.First, f.first), min(r.End(), f.end)}
	for _, h := range q.holes {
		part := Range{max(h.First, took.First), min(h.End, took.End)}
		if part.First >= part.End {
			continue
		}
		in.out.Fill = append(in.out.Fill, Delivery{Run: r, Part: part})
		in.queued += r.Bytes
		in.Stats.Filled += part.Len()
	}
	q.cutHoles(took)
	f.first = took.End
	if f.first >= f.end {
		in.endFill(q)
	}
	in.setFillAsked(q)
	in.fill(q, now)
	return true
}

// expireFill ends a fetch whose source is silent.
func (in *Intake) expireFill(q *part, now time.Time) {
	f := &q.filling
	if late := in.lateness(f); now.Before(late) {
		in.fillAt(q, late)
		return
	}
	in.Stats.Timeouts++
	in.unfit(q, f.source, now)
}

// offer takes up what a source says of what is missing. A direct statement that
// leaves out what it is being asked for is a refusal.
func (in *Intake) offer(q *part, s *source, c claim, direct bool, now time.Time) {
	if len(q.holes) == 0 {
		return
	}
	if direct && q.filling.source == s.ID && !c.covers(q.filling.first) {
		in.Stats.Refusals++
		in.endFill(q)
	}
	in.fill(q, now)
}

// unfit leaves a source alone that did not fill what it said it has.
func (in *Intake) unfit(q *part, id string, now time.Time) {
	if q.unfit == nil {
		q.unfit = make(map[string]time.Time)
	}
	q.unfit[id] = now.Add(in.cfg.AskEvery)
	in.endFill(q)
	in.fillAt(q, now.Add(in.cfg.AskEvery))
}

func (in *Intake) endFill(q *part) {
	if q.filling.source == "" {
		return
	}
	if s := in.sources[q.filling.source]; s != nil {
		s.fetches--
	}
	q.filling = fetch{}
	in.setFillAsked(q)
}

// setFillAsked counts what the answer will bring against the room.
func (in *Intake) setFillAsked(q *part) {
	bytes := int64(0)
	if f := &q.filling; f.source != "" {
		bytes = q.size(f.end - f.first)
	}
	in.asked += bytes - q.fillAsked
	q.fillAsked = bytes
}

func (in *Intake) fillAt(q *part, at time.Time) {
	q.fillWake = at
	in.soonest = earlier(in.soonest, at)
}

// tickFills looks after what is missing.
func (in *Intake) tickFills(now time.Time) {
	var due []*part
	for q := range in.lacking {
		if !q.fillWake.IsZero() && !now.Before(q.fillWake) {
			due = append(due, q)
		}
	}
	slices.SortFunc(due, func(a, b *part) int { return a.Compare(b.Partition) })
	for _, q := range due {
		q.fillWake = time.Time{}
		in.fill(q, now)
	}
}

// fillsOf takes up what a source may be asked for now, or was answering when it
// went.
func (in *Intake) fillsOf(id string, now time.Time) {
	var parts []*part
	for q := range in.lacking {
		parts = append(parts, q)
	}
	slices.SortFunc(parts, func(a, b *part) int { return a.Compare(b.Partition) })
	for _, q := range parts {
		delete(q.unfit, id)
		if q.filling.source == id {
			in.endFill(q)
		}
		in.fill(q, now)
	}
}
