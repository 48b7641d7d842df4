package core

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestIntakeModel drives an intake with producers and stores whose links lose,
// repeat and delay what they carry, break and come back, under virtual time. At
// every step each partition is delivered in order, each record once, within the
// bounds of memory. When the links have healed, everything that is known comes,
// in a bounded number of steps, from the stores where a producer is gone.
func TestIntakeModel(t *testing.T) {
	checkOften(t, func(t *rapid.T) {
		m := newIntakeModel(t)
		t.Repeat(map[string]func(*rapid.T){
			"":        m.check,
			"publish": m.publish,
			"store":   m.store,
			"trim":    m.trim,
			"head":    m.head,
			"carry":   m.carry,
			"lose":    m.lose,
			"repeat":  m.repeat,
			"cut":     m.cut,
			"consume": m.consume,
			"wait":    m.wait,
		})
		m.heal(t)
	})
}

type intakeModel struct {
	in    *Intake
	cfg   IntakeConfig
	now   time.Time
	nodes []*modelNode
	parts map[Partition]*modelPart
	queue []int64 // bytes of the runs delivered and not consumed
	run   int64   // largest run
}

// modelPart is a partition as its producer wrote it.
type modelPart struct {
	Partition
	size      int64 // bytes a record
	base      uint64
	next      uint64
	delivered uint64 // what comes next
	begun     bool
	missing   map[uint64]bool // a store's: skipped, and not filled since
}

// modelNode is a producer or a store, and the link from it.
type modelNode struct {
	Source
	up   bool
	gone bool                // for good
	has  map[Partition]Range // what it can serve
	live map[Partition]bool  // a producer's partitions whose live records are wanted
	sent []func()            // on the link, not yet carried
	last func()
}

func newIntakeModel(t *rapid.T) *intakeModel {
	cfg := DefaultIntakeConfig()
	cfg.Earliest = rapid.Bool().Draw(t, "earliest")
	cfg.Store = cfg.Earliest && rapid.Bool().Draw(t, "store")
	cfg.Stored = !cfg.Store && rapid.Bool().Draw(t, "stored")
	cfg.QueueBytes = rapid.Int64Range(100, 50_000).Draw(t, "queue")
	cfg.AheadBytes = cfg.QueueBytes / 2
	m := &intakeModel{in: NewIntake(cfg), cfg: cfg, now: peersEpoch, parts: make(map[Partition]*modelPart)}
	topics := []string{"t", "u"}
	for _, topic := range topics {
		m.in.Want(topic, m.now)
	}
	for i := range rapid.IntRange(1, 3).Draw(t, "producers") {
		n := m.node(fmt.Sprint("P", i), false, false)
		for _, topic := range topics[:rapid.IntRange(1, 2).Draw(t, "topics")] {
			m.part(t, n, Partition{topic, n.ID})
		}
	}
	for i := range rapid.IntRange(1, 2).Draw(t, "stores") {
		m.node(fmt.Sprint("S", i), true, rapid.IntRange(0, 3).Draw(t, "foreign") == 0)
	}
	for _, n := range m.nodes {
		m.raise(n)
	}
	return m
}

func (m *intakeModel) node(id string, store, foreign bool) *modelNode {
	n := &modelNode{
		Source: Source{ID: id, All: store, Lists: true, Foreign: foreign},
		has:    make(map[Partition]Range), live: make(map[Partition]bool),
	}
	m.nodes = append(m.nodes, n)
	return n
}

// part adds a partition, which may have come close to the last sequence.
func (m *intakeModel) part(t *rapid.T, n *modelNode, p Partition) {
	q := &modelPart{Partition: p, size: rapid.Int64Range(1, 500).Draw(t, "size"), missing: make(map[uint64]bool)}
	if rapid.IntRange(0, 4).Draw(t, "old") == 0 {
		q.base = ^uint64(0) - 300
		q.next, q.delivered, q.begun = q.base, q.base, true
		m.in.Resume(p, q.base)
	}
	m.parts[p] = q
	n.has[p] = Range{q.base, q.base}
}

// raise links a node: a producer states its heads, and sends from there on.
func (m *intakeModel) raise(n *modelNode) {
	n.up = true
	m.in.SourceUp(n.Source, m.now)
	if !n.All {
		for _, p := range n.partitions() {
			n.live[p] = m.in.LiveOf(Want{Name: p.Topic}, p.Producer)
			m.announce(n, p)
		}
	}
	m.act()
}

func (n *modelNode) partitions() (ps []Partition) {
	for p := range n.has {
		ps = append(ps, p)
	}
	slices.SortFunc(ps, Partition.Compare)
	return ps
}

// announce sends a HEAD.
func (m *intakeModel) announce(n *modelNode, p Partition) {
	if r := n.has[p]; r.End > m.parts[p].base {
		st := Statement{Partition: p, Head: r.End - 1, Lowest: r.First, HasLowest: !n.Foreign}
		n.sent = append(n.sent, func() { m.in.State(n.ID, false, st, m.now) })
	}
}

func (m *intakeModel) anyNode(t *rapid.T, match func(*modelNode) bool) *modelNode {
	var nodes []*modelNode
	for _, n := range m.nodes {
		if n.up && match(n) {
			nodes = append(nodes, n)
		}
	}
	if len(nodes) == 0 {
		t.Skip("there is none")
	}
	return nodes[rapid.IntRange(0, len(nodes)-1).Draw(t, "node")]
}

func anyNode(*modelNode) bool                      { return true }
func isProducer(n *modelNode) bool                 { return !n.All }
func hasSent(n *modelNode) bool                    { return len(n.sent) > 0 }
func (m *intakeModel) send(n *modelNode, f func()) { n.sent = append(n.sent, f) }

func (m *intakeModel) publish(t *rapid.T) {
	n := m.anyNode(t, isProducer)
	p := rapid.SampledFrom(n.partitions()).Draw(t, "partition")
	q := m.parts[p]
	count := min(uint64(rapid.IntRange(1, 200).Draw(t, "count")), ^uint64(0)-q.next)
	r := Range{q.next, q.next + count}
	q.next = r.End
	n.has[p] = Range{n.has[p].First, r.End}
	if n.live[p] && count > 0 {
		m.records(n, p, r, false)
	}
}

// records sends a range as a few runs.
func (m *intakeModel) records(n *modelNode, p Partition, r Range, direct bool) {
	for first := r.First; first < r.End; {
		run := Run{Partition: p, First: first, Count: int(min(r.End-first, 37))}
		run.Bytes = int64(run.Count) * m.parts[p].size
		m.run = max(m.run, run.Bytes)
		m.send(n, func() { m.in.Receive(n.ID, direct, run, m.now) })
		first = run.End()
	}
}

// store makes a store take some of what a producer has.
func (m *intakeModel) store(t *rapid.T) {
	s := m.anyNode(t, func(n *modelNode) bool { return n.All })
	n := m.anyNode(t, isProducer)
	p := rapid.SampledFrom(n.partitions()).Draw(t, "partition")
	m.take(s, p, uint64(rapid.IntRange(1, 500).Draw(t, "count")))
}

func (m *intakeModel) take(s *modelNode, p Partition, count uint64) {
	q, r := m.parts[p], s.has[p]
	if r.End == 0 {
		r = Range{q.base, q.base}
	}
	s.has[p] = Range{r.First, r.End + min(count, q.next-r.End)}
	if m.cfg.Stored && s.up && s.has[p].End > q.base {
		st := Statement{Partition: p, Head: s.has[p].End - 1}
		m.send(s, func() { m.in.State(s.ID, false, st, m.now) })
	}
}

// stored returns where what a store has of a partition ends.
func (m *intakeModel) stored(p Partition) (end uint64) {
	for _, n := range m.nodes {
		if n.All {
			end = max(end, n.has[p].End)
		}
	}
	return end
}

// trim makes a producer drop what a store has.
func (m *intakeModel) trim(t *rapid.T) {
	n := m.anyNode(t, isProducer)
	for _, p := range n.partitions() {
		r := n.has[p]
		for _, s := range m.nodes {
			if s.All {
				r.First = max(r.First, s.has[p].End)
			}
		}
		n.has[p] = r
	}
}

func (m *intakeModel) head(t *rapid.T) {
	n := m.anyNode(t, isProducer)
	for _, p := range n.partitions() {
		m.announce(n, p)
	}
}

func (m *intakeModel) carry(t *rapid.T) {
	n := m.anyNode(t, hasSent)
	for range min(len(n.sent), rapid.IntRange(1, 20).Draw(t, "messages")) {
		m.carryOne(n)
	}
}

func (m *intakeModel) carryOne(n *modelNode) {
	n.last, n.sent = n.sent[0], n.sent[1:]
	n.last()
	m.act()
}

func (m *intakeModel) lose(t *rapid.T) {
	n := m.anyNode(t, hasSent)
	n.sent = n.sent[1:]
}

func (m *intakeModel) repeat(t *rapid.T) {
	n := m.anyNode(t, func(n *modelNode) bool { return n.last != nil })
	n.last()
	m.act()
}

func (m *intakeModel) cut(t *rapid.T) {
	n := rapid.SampledFrom(m.nodes).Draw(t, "which")
	if !n.up {
		m.raise(n)
		return
	}
	n.up, n.sent = false, nil
	m.in.SourceDown(n.ID, m.now)
	m.act()
}

func (m *intakeModel) consume(t *rapid.T) {
	if len(m.queue) == 0 {
		t.Skip("nothing is queued")
	}
	for range rapid.IntRange(1, len(m.queue)).Draw(t, "runs") {
		m.consumeOne()
	}
}

func (m *intakeModel) consumeOne() {
	bytes := m.queue[0]
	m.queue = m.queue[1:]
	m.in.Consumed(bytes, m.now)
	m.act()
}

func (m *intakeModel) wait(t *rapid.T) {
	if next := m.in.NextWake(); !next.IsZero() && rapid.Bool().Draw(t, "to the wake") {
		m.tick(next)
		return
	}
	m.tick(m.now.Add(time.Duration(rapid.IntRange(0, 1000).Draw(t, "ms")) * time.Millisecond))
}

func (m *intakeModel) tick(at time.Time) {
	if at.Before(m.now) {
		panic(fmt.Sprintf("a wake lies %v back", m.now.Sub(at)))
	}
	m.now = at
	m.in.Tick(at)
	m.act()
	if next := m.in.NextWake(); !next.IsZero() && !next.After(at) {
		panic(fmt.Sprintf("the wake at %v plans one at %v", at.Sub(peersEpoch), next.Sub(peersEpoch)))
	}
}

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

func (m *intakeModel) byID(id string) *modelNode {
	for _, n := range m.nodes {
		if n.ID == id {
			return n
		}
	}
	return nil
}

// serve answers a FETCH: with records, then, unless foreign, with what there is
// when that is not all.
func (m *intakeModel) serve(n *modelNode, f FetchOrder) {
	if !n.up {
		panic("asked a source that is not there: " + n.ID)
	}
	has, ask := n.has[f.Partition], Range{f.First, f.First + uint64(f.Count)}
	if ask.First >= has.First && ask.First < has.End {
		m.records(n, f.Partition, Range{ask.First, min(ask.End, has.End)}, true)
		ask.First = min(ask.End, has.End)
	}
	if ask.First == ask.End || n.Foreign {
		return
	}
	st := Statement{Partition: f.Partition, Head: has.End - 1, Lowest: has.First, HasLowest: true}
	if has.End == 0 {
		st.Head, st.Lowest = 0, 1
	}
	m.send(n, func() { m.in.State(n.ID, true, st, m.now) })
}

// list answers GET-HEADS.
func (m *intakeModel) list(n *modelNode, topic string) {
	for _, p := range n.partitions() {
		r := n.has[p]
		if p.Topic != topic || r.End == m.parts[p].base {
			continue
		}
		st := Statement{Partition: p, Head: r.End - 1, Lowest: r.First, HasLowest: !n.Foreign}
		m.send(n, func() { m.in.State(n.ID, true, st, m.now) })
	}
	if !n.Foreign {
		m.send(n, func() { m.in.ListEnd(n.ID, topic, m.now) })
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
	for p := range m.parts {
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
