package core

import (
	"time"

	"github.com/beckmesh/beck/internal/planted"
)

// firstFetch is how many records are asked for before their size is known.
const firstFetch = 256

// pursue decides what to do about a partition now: nothing when it has no gap,
// otherwise fetch, wait for room, or report that nobody has it.
func (in *Intake) pursue(q *part, now time.Time) {
	if !q.settled || in.parts[q.Partition] != q {
		return
	}
	if q.paused {
		in.rest(q)
		return
	}
	in.drain(q)
	in.resumed(q)
	gap := q.gap()
	in.setLive(q)
	if gap.Len() == 0 && q.awaitsStore() {
		in.awaitStore(q, now)
		return
	}
	if gap.Len() == 0 {
		in.rest(q)
		return
	}
	in.active[q] = struct{}{}
	in.expireFetch(q, now)
	if q.fetch.source != "" {
		in.extend(q, gap, now)
	} else if in.begin(q, gap, now) {
		return // it skipped, and went on from there
	}
	in.setAsked(q, q.outstanding())
	in.checkStall(q, gap, now)
}

// rest is the state of a partition without a gap. If something is held, its turn
// has come but the queue is full.
func (in *Intake) rest(q *part) {
	in.endFetch(q)
	q.unserved, q.wake = time.Time{}, time.Time{}
	in.setAsked(q, 0)
	delete(in.active, q)
	if q.due() {
		in.wait(q)
	}
}

// endFetch forgets the answer under way.
func (in *Intake) endFetch(q *part) {
	if q.fetch.source == "" {
		return
	}
	if s := in.sources[q.fetch.source]; s != nil {
		s.fetches--
	}
	q.fetch = fetch{}
}

// progress notes that an answer brought something.
func (in *Intake) progress(source string, q *part, now time.Time) {
	if s := in.sources[source]; s != nil {
		s.heard, s.silent = now, false
	}
	if q.fetch.source == source {
		q.fetch.at = now
	}
}

// expireFetch ends a fetch that is complete, or whose source is silent.
func (in *Intake) expireFetch(q *part, now time.Time) {
	f := &q.fetch
	if f.source == "" {
		return
	}
	if q.next >= f.end {
		in.endFetch(q)
		return
	}
	late := in.lateness(f)
	if now.Before(late) || planted.Is(planted.NoTimeout) {
		in.wakeAt(q, late)
		return
	}
	in.Stats.Timeouts++
	in.sources[f.source].silent = true
	in.refuse(q, f.source, now)
}

// lateness returns when the source of an answer under way counts as silent.
func (in *Intake) lateness(f *fetch) time.Time {
	late := f.at.Add(in.cfg.FetchTimeout)
	if s := in.sources[f.source]; s.heard.After(f.at) { // it is busy with other answers, but not for ever
		late = s.heard.Add(in.cfg.FetchTimeout)
		late = earlier(late, f.at.Add(busyTimeouts*in.cfg.FetchTimeout))
	}
	return late
}

// busyTimeouts is how many time-outs long a source may give other answers
// before this one: they may have been asked for earlier, up to a full queue.
const busyTimeouts = 10

// outstanding estimates the bytes that the fetch under way will still bring.
func (q *part) outstanding() int64 {
	if q.fetch.source == "" || q.next >= q.fetch.end {
		return 0
	}
	return q.size(q.fetch.end - q.next)
}

func (in *Intake) setAsked(q *part, bytes int64) {
	in.asked += bytes - q.asked
	q.asked = bytes
}

// begin asks the best source for the gap. It returns true when there was none
// and the gap was skipped.
func (in *Intake) begin(q *part, gap Range, now time.Time) (skipped bool) {
	s := in.choose(q, now)
	if (s == nil || q.failed(s)) && in.giveUp(q, now) {
		return true
	}
	if s == nil {
		in.wakeAt(q, now.Add(in.cfg.Retry))
		return false
	}
	in.setAsked(q, 0)
	from, want := gap.First, gap.Len()
	if s.Foreign && s.ID == q.Producer { // see answers
		want = min(want, foreignRecords-min(gap.First, foreignRecords))
		if !planted.Is(planted.ForeignBelieved) {
			from = 0
		}
	}
	n := in.affordable(q, want)
	if n == 0 {
		in.wait(q)
		return false
	}
	s.fetches++
	q.fetch = fetch{source: s.ID, first: gap.First, end: gap.First + n, at: now}
	in.order(q, from, gap.First+n-from, now)
	return false
}

// extend asks the same source for more before its answer runs out.
func (in *Intake) extend(q *part, gap Range, now time.Time) {
	f := &q.fetch
	if gap.End <= f.end || (f.end-q.next)*2 > f.end-f.first || len(in.waiting) > 0 {
		return // or others wait for room: it goes behind them when the answer has run out
	}
	if s := in.sources[f.source]; s.Foreign && s.ID == q.Producer {
		return // a foreign producer is asked from record 0 on
	}
	in.setAsked(q, q.outstanding())
	n := in.affordable(q, min(gap.End-f.end, 2*(f.end-f.first)))
	if n == 0 {
		return
	}
	first := f.end
	f.first, f.end = q.next, f.end+n
	in.order(q, first, n, now)
}

func (in *Intake) order(q *part, first, n uint64, now time.Time) {
	in.Stats.Fetches++
	in.out.Fetch = append(in.out.Fetch, FetchOrder{
		Source: q.fetch.source, Partition: q.Partition, First: first, Count: uint32(n),
	})
	in.wakeAt(q, now.Add(in.cfg.FetchTimeout))
}

// affordable returns how many of want records there is room for.
func (in *Intake) affordable(q *part, want uint64) uint64 {
	room := min(in.cfg.QueueBytes-in.queued-in.asked, in.cfg.QueueBytes/2)
	if q.average == 0 {
		want = min(want, firstFetch)
	}
	want = min(want, MaxFetch)
	if want == 0 || q.size(want) <= room {
		return want
	}
	n := uint64(max(room, 0) / q.size(1))
	if n == 0 && in.queued == 0 && in.asked == 0 {
		return 1 // a record larger than all room still has to come
	}
	if in.queued > 0 && q.size(n) < in.cfg.QueueBytes/crumb {
		return 0 // rather wait than ask in crumbs
	}
	return n
}

// wait puts a partition in line for room.
func (in *Intake) wait(q *part) {
	if !q.waits {
		q.waits = true
		in.waiting = append(in.waiting, q)
	}
}

// grant gives room to the partitions that wait for it, in turn.
func (in *Intake) grant(now time.Time) {
	for len(in.waiting) > 0 && in.roomy() {
		q := in.waiting[0]
		in.waiting = in.waiting[1:]
		q.waits = false
		in.pursue(q, now)
		if q.waits {
			return
		}
	}
	for len(in.waiting) == 0 && len(in.mendsWaiting) > 0 && in.roomy() {
		m := in.mendsWaiting[0]
		in.mendsWaiting = in.mendsWaiting[1:]
		m.waits = false
		in.mend(m, now)
		if m.waits {
			return
		}
	}
}

// roomy reports whether there is room worth asking for.
func (in *Intake) roomy() bool {
	return in.queued <= in.cfg.QueueBytes/2 && in.queued+in.asked <= in.cfg.QueueBytes-in.cfg.QueueBytes/crumb
}

// crumb is the part of the queue below which it is better to wait for more room.
const crumb = 16

// choose returns the source to ask for the next record: one that said it has
// it, stores before the producer, then whoever may have it; of several the less
// busy one. Those that failed come last, before them those that were silent.
func (in *Intake) choose(q *part, now time.Time) *source {
	var best *source
	bestRank := 0
	for _, s := range in.sorted {
		if until, ok := q.refused[s.ID]; ok && now.Before(until) {
			continue
		}
		rank := in.rank(q, s)
		if rank == 0 {
			continue
		}
		if !s.silent {
			rank += 10
		}
		if !q.failed(s) {
			rank += 20
		}
		if rank > bestRank || (rank == bestRank && s.fetches < best.fetches) {
			best, bestRank = s, rank
		}
	}
	return best
}

// failed reports whether s was asked since the last delivery, in vain.
func (q *part) failed(s *source) bool {
	_, failed := q.refused[s.ID]
	return failed
}

// rank orders sources; 0 is one that cannot serve.
func (in *Intake) rank(q *part, s *source) int {
	own := s.ID == q.Producer
	if !s.All && !own {
		return 0
	}
	c, said := q.claims[s.ID]
	covers := said && c.covers(q.next)
	switch {
	case own && s.Foreign:
		if q.next >= foreignRecords || !in.foreignServes(q) {
			return 0
		}
		return 1
	case covers && !own:
		return 5
	case covers:
		return 4
	case own && c.lowest > q.next:
		return 0
	case own: // it has written what it has not yet spoken of
		return 3
	default:
		return 2
	}
}

// setLive ends the live records of a partition that is far behind, and takes
// them again near the head.
func (in *Intake) setLive(q *part) {
	behind := q.size(q.head - min(q.next, q.head))
	want := q.live
	if behind > in.cfg.AheadBytes {
		want = false
	} else if behind <= in.cfg.AheadBytes/2 {
		want = true
	}
	if !in.cfg.Store {
		in.shine(q, want)
	}
}
