package core

import (
	"slices"
	"time"

	"github.com/beckmesh/beck/internal/planted"
)

// A store may lack records below the sequence at which it goes on: nobody had
// them then, or its disk lost a block. Others it has without their trailers,
// because a foreign store gave them. Both are fetched, one range at a time and
// beside the newer records, from whoever says that it has them.
//
//	0 ──────[────────)────(·····)──── next
//	          missing       bare

// mend is what is to be fetched of a partition, of one of these kinds.
type mend struct {
	part   *part
	bare   bool   // records that are there without their trailers; else missing ones
	wanted Ranges // below part.next
	fetch  fetch
	asked  int64                // what of Intake.asked is for it
	unfit  map[string]time.Time // sources that did not give what they said they have, and until when they are left alone
	wake   time.Time
	waits  bool // it has its place among those that wait for credit
}

// Lack says which records of a partition are missing below end, in order: those
// that were known before to be missing there no longer count.
func (in *Intake) Lack(p Partition, holes []Range, end uint64, now time.Time) {
	if q := in.parts[p]; q != nil {
		in.want(&q.holes, holes, end, now)
	}
}

// Bare says which records of a partition lack their trailers below end, in order.
// They are fetched once more from stores that are not foreign.
func (in *Intake) Bare(p Partition, ranges []Range, end uint64, now time.Time) {
	if q := in.parts[p]; q != nil {
		in.want(&q.bare, ranges, end, now)
	}
}

// StillBare says that a source gave records without their trailers, too. Others
// are asked for them, and this one only after it was linked anew.
func (in *Intake) StillBare(p Partition, source string, r Range, now time.Time) {
	q := in.parts[p]
	if q == nil {
		return
	}
	m := &q.bare
	m.leave(source, now.Add(forGood))
	m.wanted = m.wanted.Union(r)
	in.mend(m, now)
}

// forGood is longer than any node runs.
const forGood = 100 * 365 * 24 * time.Hour

// leave leaves a source alone for a while.
func (m *mend) leave(source string, until time.Time) {
	if m.unfit == nil {
		m.unfit = make(map[string]time.Time)
	}
	m.unfit[source] = until
}

func (in *Intake) want(m *mend, ranges []Range, end uint64, now time.Time) {
	m.wanted = append(slices.Clone(ranges), m.wanted.Within(Range{end, ^uint64(0)})...)
	in.mend(m, now)
}

// Lacking returns how many records are known to be missing below where the
// partitions go on.
func (in *Intake) Lacking() (n uint64) {
	for m := range in.mends {
		if !m.bare {
			n += m.wanted.Len()
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
	for _, h := range q.holes.wanted {
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
	q.unwant(Range{0, tail})
	if tail > q.next || !q.settled {
		in.Rewind(p, tail, now)
		return
	}
	in.mendBoth(q, now)
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
	q.unwant(Range{next, ^uint64(0)})
	clear(q.refused)
	in.mendBoth(q, now)
	in.pursue(q, now)
	in.grant(now)
}

// unwant takes r out of what is to be mended.
func (q *part) unwant(r Range) {
	q.holes.wanted, q.bare.wanted = q.holes.wanted.Without(r), q.bare.wanted.Without(r)
}

func (in *Intake) mendBoth(q *part, now time.Time) {
	in.mend(&q.holes, now)
	in.mend(&q.bare, now)
}

// mend sees to it that what is wanted is being fetched if somebody has it.
func (in *Intake) mend(m *mend, now time.Time) {
	if m.fetch.source != "" {
		in.expireMend(m, now)
	}
	if len(m.wanted) == 0 {
		in.endMend(m)
		delete(in.mends, m)
		return
	}
	in.mends[m] = struct{}{}
	if m.fetch.source == "" {
		in.beginMend(m, now)
	}
}

// beginMend asks for the first range that somebody says it has.
func (in *Intake) beginMend(m *mend, now time.Time) {
	s, r := in.offered(m, now)
	if s == nil || planted.Is(planted.HolesStay) {
		return // until somebody says more
	}
	n := uint64(0)
	if len(in.waiting) == 0 { // what is new goes first
		n = in.affordable(m.part, r.Len())
	}
	if n == 0 {
		if !m.waits {
			m.waits = true
			in.mendsWaiting = append(in.mendsWaiting, m)
		}
		return
	}
	s.fetches++
	m.fetch = fetch{source: s.ID, first: r.First, end: r.First + n, at: now}
	in.setMendAsked(m)
	in.Stats.Fetches++
	in.out.Fetch = append(in.out.Fetch, FetchOrder{Source: s.ID, Partition: m.part.Partition, First: r.First, Count: uint32(n)})
	in.mendAt(m, now.Add(in.cfg.FetchTimeout))
}

// offered returns the first wanted range that a source says it has, and the
// least busy of those sources.
func (in *Intake) offered(m *mend, now time.Time) (best *source, r Range) {
	for _, h := range m.wanted {
		for _, s := range in.sorted {
			c, said := m.part.claims[s.ID]
			if !said || !m.fit(s, now) {
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

// fit reports whether a source may be asked for m now.
func (m *mend) fit(s *source, now time.Time) bool {
	own := s.ID == m.part.Producer
	switch {
	case now.Before(m.unfit[s.ID]), !s.All && !own, own && s.Foreign:
		return false
	}
	return !m.bare || !s.Foreign
}

// mended takes what of an answer is wanted, and returns whether it was one.
func (in *Intake) mended(source string, q *part, r Run, now time.Time) bool {
	return in.take(&q.holes, source, r, now) || in.take(&q.bare, source, r, now)
}

func (in *Intake) take(m *mend, source string, r Run, now time.Time) bool {
	f := &m.fetch
	if f.source != source || r.First >= f.end || r.End() <= f.first {
		return false
	}
	f.at = now
	took := Range{max(r.First, f.first), min(r.End(), f.end)}
	for _, part := range m.wanted.Within(took) {
		d := Delivery{Run: r, Part: part, From: source}
		if m.bare {
			in.out.Complete = append(in.out.Complete, d)
		} else {
			in.out.Fill = append(in.out.Fill, d)
			in.Stats.Filled += part.Len()
		}
		in.queued += r.Bytes
	}
	m.wanted = m.wanted.Without(took)
	f.first = took.End
	if f.first >= f.end {
		in.endMend(m)
	}
	in.setMendAsked(m)
	in.mend(m, now)
	return true
}

// offer takes up what a source says of what is wanted. A direct statement that
// leaves out what it is being asked for is a refusal.
func (in *Intake) offer(q *part, s *source, c claim, direct bool, now time.Time) {
	for _, m := range []*mend{&q.holes, &q.bare} {
		if len(m.wanted) == 0 {
			continue
		}
		if direct && m.fetch.source == s.ID && !c.covers(m.fetch.first) {
			in.Stats.Refusals++
			in.endMend(m)
		}
		in.mend(m, now)
	}
}

// expireMend ends a fetch whose source is silent, and leaves it alone for a while.
func (in *Intake) expireMend(m *mend, now time.Time) {
	if late := in.lateness(&m.fetch); now.Before(late) {
		in.mendAt(m, late)
		return
	}
	in.Stats.Timeouts++
	m.leave(m.fetch.source, now.Add(in.cfg.AskEvery))
	in.endMend(m)
	in.mendAt(m, now.Add(in.cfg.AskEvery))
}

func (in *Intake) endMend(m *mend) {
	if m.fetch.source == "" {
		return
	}
	if s := in.sources[m.fetch.source]; s != nil {
		s.fetches--
	}
	m.fetch = fetch{}
	in.setMendAsked(m)
}

// setMendAsked counts what the answer will bring against the room.
func (in *Intake) setMendAsked(m *mend) {
	bytes := int64(0)
	if m.fetch.source != "" {
		bytes = m.part.size(m.fetch.end - m.fetch.first)
	}
	in.asked += bytes - m.asked
	m.asked = bytes
}

func (in *Intake) mendAt(m *mend, at time.Time) {
	m.wake = at
	in.soonest = earlier(in.soonest, at)
}

// tickMends looks after what is wanted.
func (in *Intake) tickMends(now time.Time) {
	for _, m := range in.sortedMends(func(m *mend) bool { return !m.wake.IsZero() && !now.Before(m.wake) }) {
		m.wake = time.Time{}
		in.mend(m, now)
	}
}

// mendsOf takes up what a source may be asked for now, or was answering when it
// went.
func (in *Intake) mendsOf(id string, now time.Time) {
	for _, m := range in.sortedMends(func(*mend) bool { return true }) {
		delete(m.unfit, id)
		if m.fetch.source == id {
			in.endMend(m)
		}
		in.mend(m, now)
	}
}

// sortedMends returns, in order, those for which filter holds.
func (in *Intake) sortedMends(filter func(*mend) bool) (ms []*mend) {
	for m := range in.mends {
		if filter(m) {
			ms = append(ms, m)
		}
	}
	slices.SortFunc(ms, func(a, b *mend) int {
		if c := a.part.Compare(b.part.Partition); c != 0 || a.bare == b.bare {
			return c
		}
		if a.bare {
			return 1
		}
		return -1
	})
	return ms
}

// forgetMends drops what is wanted of a partition.
func (in *Intake) forgetMends(q *part) {
	for _, m := range []*mend{&q.holes, &q.bare} {
		in.endMend(m)
		delete(in.mends, m)
	}
	in.mendsWaiting = slices.DeleteFunc(in.mendsWaiting, func(m *mend) bool { return m.part == q })
}
