package core

import "time"

// Damaged takes note of a record that source brought, live or (direct) as an
// answer, and that is not what its producer sent: its checksum says so. It counts
// as not received. So it is a gap, and fetched: from others first, if it was an
// answer. A source that has it damaged is asked again like one that refused.
func (in *Intake) Damaged(source string, direct bool, p Partition, seq uint64, now time.Time) {
	q := in.part(p)
	if q == nil || seq == ^uint64(0) || in.believed(source, direct, q, Run{First: seq, Count: 1}) == 0 {
		return
	}
	in.Stats.Damaged++
	q.head = max(q.head, seq+1)
	if q.ignored {
		q.next = q.head
	}
	if !q.settled {
		in.settleByRecord(q, source, seq)
	}
	if direct {
		in.damagedAnswer(q, source, seq, now)
	}
	// One report until that one has come: whoever damages all costs no more.
	if q.settled && seq >= q.next && q.damaged <= q.next {
		q.damaged = seq + 1
		in.report(Damaged, q, Range{seq, seq + 1})
	}
	in.pursue(q, now)
	in.grant(now)
}

// damagedAnswer leaves the source of a damaged answer alone for a while.
func (in *Intake) damagedAnswer(q *part, source string, seq uint64, now time.Time) {
	in.progress(source, q, now)
	if f := q.fetch; f.source == source && f.first <= seq && seq < f.end && seq >= q.next {
		in.refuse(q, source, now)
	}
	for _, m := range []*mend{&q.holes, &q.bare} {
		if f := m.fetch; f.source != source || seq < f.first || seq >= f.end {
			continue
		}
		in.report(Damaged, q, Range{seq, seq + 1})
		m.leave(source, now.Add(in.cfg.AskEvery))
		in.endMend(m)
		in.mendAt(m, now.Add(in.cfg.AskEvery))
		in.mend(m, now)
	}
}
