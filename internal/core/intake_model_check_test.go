package core

import (
	"fmt"
	"maps"
	"slices"

	"pgregory.net/rapid"
)

// act carries out the orders, and checks them.
func (m *intakeModel) act() {
	o := m.in.Take()
	reports := slices.DeleteFunc(slices.Clone(o.Reports), func(r Report) bool {
		if r.Kind == Ahead && r.Range.End != m.parts[r.Partition].delivered {
			panic(fmt.Sprintf("%v is ahead by %v", r.Partition, r.Range))
		}
		return r.Kind != Skipped && r.Kind != Expired
	})
	for _, d := range o.Deliver {
		for len(reports) > 0 && d.Part.First != m.parts[d.Run.Partition].delivered {
			reports = m.skip(reports)
		}
		m.deliver(d)
	}
	for _, d := range o.Fill {
		m.fill(d)
	}
	if len(o.Fetch) > 0 {
		m.checkCredit(o)
	}
	for _, f := range o.Fetch {
		m.serve(m.byID(f.Source), f)
	}
	for _, a := range o.Ask {
		m.list(m.byID(a.Source), a.Topic)
	}
	for _, l := range o.Live {
		m.byID(l.Producer).live[Partition{l.Want.Name, l.Producer}] = l.On
	}
	for len(reports) > 0 {
		reports = m.skip(reports)
	}
	m.in.Release()
}

// skip checks that what is given up is what a producer has dropped, and where
// that is allowed: before anything was delivered, and in a store. It returns the
// reports without the one it checked.
func (m *intakeModel) skip(reports []Report) []Report {
	r := reports[0]
	q := m.parts[r.Partition]
	lowest := m.byID(r.Partition.Producer).has[r.Partition].First
	if !q.begun && !m.cfg.Earliest {
		q.delivered = r.Range.First
	}
	if r.Kind != Skipped || (q.begun && !m.cfg.Store) || r.Range.First != q.delivered || r.Range.End > lowest {
		panic(fmt.Sprintf("%v %v %v, delivered %d, lowest %d", r.Kind, r.Partition, r.Range, q.delivered, lowest))
	}
	q.delivered = r.Range.End
	for seq := r.Range.First; m.cfg.Store && seq < r.Range.End; seq++ {
		q.missing[seq] = true
	}
	return reports[1:]
}

// fill checks that what comes late was missing.
func (m *intakeModel) fill(d Delivery) {
	q := m.parts[d.Run.Partition]
	if d.Part.Len() == 0 || d.Part.First < d.Run.First || d.Part.End > d.Run.End() {
		panic(fmt.Sprintf("filled %v of %+v", d.Part, d.Run))
	}
	for seq := d.Part.First; seq < d.Part.End; seq++ {
		if !q.missing[seq] {
			panic(fmt.Sprintf("%v@%d was not missing", q.Partition, seq))
		}
		delete(q.missing, seq)
	}
	m.queue = append(m.queue, d.Run.Bytes)
}

func (m *intakeModel) deliver(d Delivery) {
	q := m.parts[d.Run.Partition]
	if d.Part.Len() == 0 || d.Part.First < d.Run.First || d.Part.End > d.Run.End() || d.Part.End > q.next {
		panic(fmt.Sprintf("delivered %v of %+v, of %d written", d.Part, d.Run, q.next))
	}
	if !q.begun && !m.cfg.Earliest {
		q.delivered = d.Part.First
	}
	if m.cfg.Stored && d.Part.End > m.stored(q.Partition) {
		panic(fmt.Sprintf("%v: delivered %v, stored are %d", q.Partition, d.Part, m.stored(q.Partition)))
	}
	if d.Part.First != q.delivered {
		panic(fmt.Sprintf("%v: delivered %v, expected %d", q.Partition, d.Part, q.delivered))
	}
	q.begun, q.delivered = true, d.Part.End
	m.queue = append(m.queue, d.Run.Bytes)
}

// checkCredit checks that what is asked for fitted, beside what was queued before.
func (m *intakeModel) checkCredit(o *Orders) {
	queued, records := m.in.queued, 0
	for _, d := range slices.Concat(o.Deliver, o.Fill) {
		queued -= d.Run.Bytes
	}
	for _, f := range o.Fetch {
		records += int(f.Count)
		if f.Count == 0 || f.Count > MaxFetch || f.First+uint64(f.Count) < f.First {
			panic(fmt.Sprintf("asked for %+v", f))
		}
	}
	if records > len(o.Fetch) && queued+m.in.asked > m.cfg.QueueBytes {
		panic(fmt.Sprintf("queued %d and asked %d with %+v", queued, m.in.asked, o.Fetch))
	}
}

// check compares what the intake counts with what there is.
func (m *intakeModel) check(t *rapid.T) {
	var queued, held, asked int64
	for _, bytes := range m.queue {
		queued += bytes
	}
	for _, q := range m.in.parts {
		held += q.heldBytes()
		asked += q.asked + q.holes.asked + q.bare.asked
	}
	if queued != m.in.Queued() || held != m.in.Held() || asked != m.in.asked {
		t.Fatalf("queued %d, held %d, asked %d; counted %d, %d, %d", queued, held, asked, m.in.Queued(), m.in.Held(), m.in.asked)
	}
	if held > m.cfg.AheadBytes || queued > m.cfg.QueueBytes+m.run {
		t.Fatalf("queued %d, held %d", queued, held)
	}
	fetches := make(map[string]int)
	for _, q := range m.in.parts {
		if q.fetch.source != "" {
			fetches[q.fetch.source]++
		}
		for _, m := range []*mend{&q.holes, &q.bare} {
			if m.fetch.source != "" {
				fetches[m.fetch.source]++
			}
		}
		if q.waits != slices.Contains(m.in.waiting, q) {
			t.Fatalf("%v waits out of line", q.Partition)
		}
	}
	for _, s := range m.in.sorted {
		if s.fetches != fetches[s.ID] {
			t.Fatalf("%s has %d answers under way, counted %d", s.ID, fetches[s.ID], s.fetches)
		}
	}
}

// heal ends all trouble: the stores have everything, some producers are gone,
// all other links carry. Everything must come.
func (m *intakeModel) heal(t *rapid.T) {
	m.in.SetReady(m.now)
	m.act()
	for _, n := range m.nodes {
		if !n.All && rapid.Bool().Draw(t, "gone") {
			n.gone = true
			if n.up {
				n.up, n.sent = false, nil
				m.in.SourceDown(n.ID, m.now)
				m.act()
			}
		} else if !n.up {
			m.raise(n)
		}
	}
	for _, p := range slices.SortedFunc(maps.Keys(m.parts), Partition.Compare) {
		for _, s := range m.nodes {
			if s.All {
				m.take(s, p, 1<<63)
			}
		}
	}
	end := m.now.Add(3 * m.cfg.AskMax)
	for wakes := 0; m.now.Before(end); wakes++ {
		m.settleDown(t)
		next := m.in.NextWake()
		if next.IsZero() || next.After(end) {
			break
		}
		if m.tick(next); wakes > 2000 {
			t.Fatal("too many wakes")
		}
		for _, n := range m.nodes {
			if n.up && !n.All {
				m.head(t)
				break
			}
		}
	}
	m.checkComplete(t)
}

// settleDown carries and consumes until nothing is left to do.
func (m *intakeModel) settleDown(t *rapid.T) {
	for steps := 0; ; steps++ {
		busy := false
		for _, n := range m.nodes {
			for ; len(n.sent) > 0; steps++ {
				m.carryOne(n)
				busy = true
				if steps > 200_000 {
					t.Fatal("it never comes to rest")
				}
			}
		}
		for ; len(m.queue) > 0; busy = true {
			m.consumeOne()
		}
		m.check(t)
		if !busy {
			return
		}
	}
}

func (m *intakeModel) checkComplete(t *rapid.T) {
	for p, q := range m.parts {
		next, settled := m.in.Next(p)
		gone := m.byID(p.Producer).gone
		if !settled {
			if q.next > q.base && !gone {
				t.Fatalf("%v is not settled, %d were written", p, q.next)
			}
			continue
		}
		if next != q.next && !(q.next == q.base && next == 0) {
			t.Fatalf("%v: %d of %d came; gone %v, %+v", p, next, q.next, gone, *m.in.parts[p])
		}
	}
	for p, q := range m.parts {
		if next, _ := m.in.Next(p); len(q.missing) > 0 && next > q.base {
			t.Fatalf("%v: %d are missing still: %v", p, len(q.missing), m.in.parts[p].holes.wanted)
		}
	}
	if len(m.in.active)+len(m.in.waiting) > 0 || m.in.asked != 0 || m.in.ahead != 0 {
		t.Fatalf("%d active, %d waiting, %d asked, %d ahead", len(m.in.active), len(m.in.waiting), m.in.asked, m.in.ahead)
	}
}
