package core

import (
	"maps"
	"slices"

	"pgregory.net/rapid"
)

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

func (n *modelNode) partitions() []Partition {
	return slices.SortedFunc(maps.Keys(n.has), Partition.Compare)
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

func isProducer(n *modelNode) bool { return !n.All }

func hasSent(n *modelNode) bool { return len(n.sent) > 0 }

func (m *intakeModel) byID(id string) *modelNode {
	for _, n := range m.nodes {
		if n.ID == id {
			return n
		}
	}
	return nil
}

func (m *intakeModel) send(n *modelNode, f func()) { n.sent = append(n.sent, f) }

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
