package core

import (
	"time"

	"github.com/beckmesh/beck/internal/planted"
)

// Receive takes a run that source brought: live, or (direct) as the answer to a
// FETCH. It ends as deliveries, is held, or is left for a later fetch.
func (in *Intake) Receive(source string, direct bool, r Run, now time.Time) {
	if r.Count <= 0 || r.End() < r.First {
		return
	}
	q := in.part(r.Partition)
	if q == nil {
		return
	}
	q.answers(source, direct, r)
	if believed := in.believed(source, direct, q, r); believed < r.Count {
		in.Stats.Unbelieved += uint64(r.Count - believed)
		r.Count = believed
	}
	if r.Count == 0 {
		return
	}
	q.head, q.named = max(q.head, r.End()), true
	if q.ignored {
		q.next = q.head
	}
	q.measure(r)
	if direct {
		in.progress(source, q, now)
		in.inStore(source, q, r.End())
	}
	if !q.settled {
		in.settleByRecord(q, source, r.First)
	}
	mended := direct && in.mended(source, q, r, now)
	switch {
	case !q.settled: // what begins it is still to come
	case mended && r.End() <= q.next:
	case r.End() <= q.next:
		in.Stats.Duplicates += uint64(r.Count)
	case q.paused:
		in.noRoom(q, r, false)
	case in.cfg.Store && r.First > q.next && planted.Is(planted.HoleAcknowledged),
		in.cfg.Store && q.next == 0 && planted.Is(planted.StartAnywhere),
		!in.cfg.Store && r.First > q.next+3 && planted.Is(planted.SilentSkip):
		q.next = r.First
		in.deliver(q, r)
	case r.First > q.next, r.End() > q.bound:
		in.holdAhead(q, r, direct && q.fetch.source == source)
	case in.full():
		in.noRoom(q, r, direct && q.fetch.source == source)
	default:
		in.deliver(q, r)
	}
	in.pursue(q, now)
	in.grant(now)
}

// believed returns how many records of the run its source may speak for. Live
// records come from their producer alone, answers from it or a store that is
// there. Of a foreign producer's answers only those are believed that are right.
func (in *Intake) believed(source string, direct bool, q *part, r Run) int {
	own := source == q.Producer
	s := in.sources[source]
	switch {
	case !direct && own, direct && s != nil && s.All && !own, direct && s != nil && own && !s.Foreign:
		return r.Count
	case direct && s != nil && own && in.foreignServes(q) && r.First < q.answered:
		return int(min(uint64(r.Count), foreignRecords-r.First))
	}
	return 0
}

// foreignRecords is how many records a C producer answers rightly.
const foreignRecords = 256

// answers follows the answers of a partition's own producer. A C producer looks
// for a record in its first chunk of 256, by the distance from the oldest record
// that is not acknowledged, and answers nothing when asked for one that is. So
// what it answers is right if it begins with record 0, up to the end of that
// chunk and without a break; and everything else may be wrong.
func (q *part) answers(source string, direct bool, r Run) {
	switch {
	case !direct || source != q.Producer:
	case r.First == 0, r.First == q.answered, planted.Is(planted.ForeignBelieved):
		q.answered = min(r.End(), foreignRecords)
	default:
		q.answered = 0
	}
}

// foreignServes reports whether asking a foreign producer is of any use: no store
// was ever met that could have acknowledged anything of it.
func (in *Intake) foreignServes(q *part) bool {
	return !in.stores && !q.acked || planted.Is(planted.ForeignBelieved)
}

func (in *Intake) full() bool {
	return in.queued >= in.cfg.QueueBytes && !planted.Is(planted.QueueUnbounded)
}

// noRoom leaves r for a later fetch. The answer under way, if r is of it, does
// not bring it again, and counts as ended there.
func (in *Intake) noRoom(q *part, r Run, answer bool) {
	in.Stats.NoRoom += uint64(r.Count)
	if answer {
		q.fetch.end = min(q.fetch.end, max(q.next, r.First))
	}
}

func (in *Intake) holdAhead(q *part, r Run, answer bool) {
	if in.ahead+r.Bytes > in.cfg.AheadBytes || len(q.held) >= maxHeld {
		in.noRoom(q, r, answer)
		return
	}
	kept := q.hold(r)
	in.ahead += kept
	if kept == 0 {
		in.Stats.Duplicates += uint64(r.Count)
		return
	}
	in.Stats.HeldRuns++
}

// deliver passes on what of r is due, and what was held behind it.
func (in *Intake) deliver(q *part, r Run) {
	in.pass(q, r)
	in.drain(q)
}

// drain delivers what is held and due, as room allows.
func (in *Intake) drain(q *part) {
	for q.due() && !in.full() {
		h := q.held[0]
		if h.End() > q.next && h.End() > q.bound {
			h, q.held[0] = h.cut(q.bound)
		} else {
			q.held[0] = Run{}
			q.held = q.held[1:]
		}
		in.ahead -= h.Bytes
		if planted.Is(planted.DropHeld) {
			q.next = max(q.next, h.End())
		}
		if h.End() > q.next {
			in.pass(q, h)
		}
	}
	if len(q.held) == 0 {
		q.held = nil
	}
}

// due reports whether the turn of something held has come, or is past.
func (q *part) due() bool {
	return len(q.held) > 0 && q.held[0].First <= q.next && (q.next < q.bound || q.held[0].End() <= q.next)
}

func (in *Intake) pass(q *part, r Run) {
	due := Range{First: q.next, End: r.End()}
	if planted.Is(planted.DeliverTwice) {
		due.First = r.First
	}
	in.out.Deliver = append(in.out.Deliver, Delivery{Run: r, Part: due})
	in.queued += r.Bytes
	in.Stats.Delivered += due.Len()
	in.Stats.Duplicates += uint64(r.Count) - due.Len()
	q.next = r.End()
	q.begun = true
	q.unserved = time.Time{}
	clear(q.refused)
}

// MayAcknowledge reports whether a store may acknowledge a partition now. A
// foreign producer that gets an ACK while it answers our FETCH would go on
// with wrong contents.
func (in *Intake) MayAcknowledge(p Partition) bool {
	q := in.parts[p]
	if q == nil || q.fetch.source != p.Producer {
		return true
	}
	s := in.sources[p.Producer]
	return s == nil || !s.Foreign
}

// Acknowledged notes that a store acknowledged records of a partition.
func (in *Intake) Acknowledged(p Partition) {
	if q := in.parts[p]; q != nil {
		q.acked = true
	}
}
