package blocklog

import (
	"maps"
	"slices"
	"time"

	"pgregory.net/rapid"
)

const modelTombstones = 10 * time.Hour

func (m *model) enforce(t *rapid.T) {
	policy := Policy{Records: rapid.SampledFrom([]uint64{0, 1, 10, 50, 5000}).Draw(t, "records"),
		Bytes: rapid.SampledFrom([]uint64{0, 1, 500, 2000, 100_000}).Draw(t, "bytes"),
		Age:   rapid.SampledFrom([]time.Duration{0, 0, time.Hour, 6 * time.Hour}).Draw(t, "age")}
	if rapid.Bool().Draw(t, "same") {
		policy = m.last
	}
	m.last = policy
	before := map[Partition]uint64{}
	for p, q := range m.parts {
		before[p] = q.tail
	}
	for more := true; more; {
		report, err := m.log.Enforce(Rules{{">", policy}}, m.now)
		if err != nil {
			t.Fatal(err)
		}
		for _, trim := range report.Trims {
			if trim.From != before[trim.Partition] || trim.Tail <= trim.From {
				t.Fatalf("%+v, the tail was %d", trim, before[trim.Partition])
			}
			before[trim.Partition] = trim.Tail
		}
		more = report.More
	}
	for p, q := range m.parts {
		if tail, now := before[p], q.trim(m, t, p, policy); tail != now {
			s, _ := m.log.state(p)
			t.Fatalf("%v: the report says tail %d, it is %d; state %+v", p, tail, now, s)
		}
		age := modelTombstones.Milliseconds()
		if len(q.held) == 0 && q.tail == q.next && max(q.emptied, q.emptiedOrPurged)+age <= m.now.UnixMilli() {
			delete(m.parts, p)
		}
	}
}

// trim does what the policy says, and returns the tail.
func (q *modelPartition) trim(m *model, t *rapid.T, p Partition, policy Policy) uint64 {
	tail, before := q.tail, len(q.held)
	seqs := slices.Sorted(maps.Keys(q.held))
	if policy.Records > 0 && uint64(len(seqs)) > policy.Records {
		tail = seqs[uint64(len(seqs))-policy.Records]
	}
	if policy.Bytes > 0 {
		kept := uint64(0)
		for i := len(seqs) - 1; i >= 0; i-- {
			if kept += uint64(len(content(p, seqs[i]))); kept > policy.Bytes {
				tail = max(tail, slices.Concat(seqs, []uint64{q.next})[i+1])
				break
			}
		}
	}
	if policy.Age > 0 {
		// Blocks go as a whole, and merged ones have the time of the newest: what
		// was written lately must be there, and what is left be in a young block.
		s, _ := m.log.State(p)
		cut := m.now.Add(-policy.Age).UnixMilli()
		for seq, time := range q.held {
			if time > cut && seq >= tail && seq < s.Tail {
				t.Fatalf("%v: %d has gone, it is of %d, what goes is of %d", p, seq, time, cut)
			}
		}
		if _, err := m.log.walk(p, s.Tail, s.Next, func(b block) bool {
			if b.time <= cut {
				t.Fatalf("%v: block at %d of %d is left, what goes is of %d", p, b.first, b.time, cut)
			}
			return false
		}); err != nil {
			t.Fatal(err)
		}
		tail = max(tail, s.Tail)
	}
	q.raise(tail)
	if len(q.held) == 0 && before > 0 && q.tail == q.next && q.emptied == 0 {
		q.emptied = m.now.UnixMilli()
	}
	return q.tail
}

func (q *modelPartition) raise(tail uint64) {
	q.tail = max(q.tail, tail)
	maps.DeleteFunc(q.held, func(seq uint64, _ int64) bool { return seq < q.tail })
	maps.DeleteFunc(q.bare, func(seq uint64, _ bool) bool { return seq < q.tail })
	q.next = max(q.next, q.tail)
}

// raise raises a tail, or purges.
func (m *model) raise(t *rapid.T) {
	p := m.existing(t)
	q, now := m.parts[p], m.now.UnixMilli()
	tail := rapid.Uint64Range(0, 100).Draw(t, "tail")
	if q != nil {
		tail = rapid.Uint64Range(q.tail-min(q.tail, 5), q.next+5).Draw(t, "tail")
	}
	purge := rapid.Bool().Draw(t, "purge")
	do := m.log.RaiseTail
	if purge {
		do = m.log.Purge
	}
	if err := do(p, tail); err != nil {
		t.Fatal(err)
	}
	if q == nil {
		q = m.newPartition(p, tail)
	}
	q.raise(tail)
	if purge && tail > q.purged {
		q.purged, q.emptiedOrPurged = tail, now
	}
	if q.tail == q.next && q.emptied == 0 {
		q.emptied = now
	}
}
