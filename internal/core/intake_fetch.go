package core

import "time"

// firstFetch is how many records are asked for before their size is known.
const firstFetch = 256

// pursue decides what to do about a partition now: nothing when it has no gap,
// otherwise fetch, wait for room, or report that nobody has it.
func (in *Intake) pursue(q *part, now time.Time) {
	if !q.settled || in.parts[q.Partition] != q {
		return
	}
	in.drain(q)
	in.resumed(q)
	gap := q.gap()
	in.setLive(q)
	if gap.Len() == 0 {
		in.rest(q)
		return
	}
	in.active[q] = struct{}{}
	in.expireFetch(q, now)
	switch {
	case q.fetch.source == "":
		in.begin(q, gap, now)
	default:
		in.extend(q, gap, now)
	}
	in.setAsked(q, q.outstanding())
}

// rest is the state of a partition without a gap.
func (in *Intake) rest(q *part) {
	q.fetch = fetch{}
	q.unserved, q.wake = time.Time{}, time.Time{}
	in.setAsked(q, 0)
	delete(in.active, q)
}

// progress notes that an answer brought something.
func (in *Intake) progress(source string, q *part, now time.Time) {
	if s := in.sources[source]; s != nil {
		s.heard = now
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
		*f = fetch{}
		return
	}
	quiet := f.at
	if s := in.sources[f.source]; s != nil && s.heard.After(quiet) {
		quiet = s.heard
	}
	if late := quiet.Add(in.cfg.FetchTimeout); !now.Before(late) {
		in.Stats.Timeouts++
		in.refuse(q, f.source, now)
	} else {
		in.wakeAt(q, late)
	}
}

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

// begin asks the best source for the gap.
func (in *Intake) begin(q *part, gap Range, now time.Time) {
	s := in.choose(q, now)
	if s == nil {
		in.nobody(q, gap, now)
		return
	}
	in.setAsked(q, 0)
	n := in.affordable(q, gap.Len())
	if n == 0 {
		in.wait(q)
		return
	}
	q.fetch = fetch{source: s.ID, first: gap.First, end: gap.First + n, at: now}
	in.order(q, gap.First, n, now)
}

// extend asks the same source for more before its answer runs out.
func (in *Intake) extend(q *part, gap Range, now time.Time) {
	f := &q.fetch
	if gap.End <= f.end || (f.end-q.next)*2 > f.end-f.first {
		return
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
	if q.size(want) <= room {
		return want
	}
	n := uint64(max(room, 0) / q.size(1))
	if n == 0 && in.queued == 0 && in.asked == 0 {
		return 1 // a record larger than all room still has to come
	}
	if in.queued > 0 && q.size(n) < in.cfg.QueueBytes/16 {
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

// choose returns the source to ask for the next record: one that said it has
// it, the less busy first, stores before the producer; then whoever may have it.
func (in *Intake) choose(q *part, now time.Time) *source {
	var best *source
	bestRank := 0
	for _, s := range in.sorted {
		if until, ok := q.refused[s.ID]; ok && now.Before(until) {
			continue
		}
		rank := in.rank(q, s)
		if rank > bestRank {
			best, bestRank = s, rank
		}
	}
	return best
}

// rank orders sources; 0 is one that cannot serve.
func (in *Intake) rank(q *part, s *source) int {
	own := s.ID == q.Producer
	if !s.All && !own {
		return 0
	}
	c, said := q.claims[s.ID]
	covers := said && c.lowest <= q.next && q.next < c.end
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
	if want != q.live && !in.cfg.Store {
		q.live = want
		in.out.Live = append(in.out.Live, LiveOrder{Partition: q.Partition, On: want})
	}
}
