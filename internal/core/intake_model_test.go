package core

import (
	"fmt"
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

// store makes a store take some of what a producer has.
func (m *intakeModel) store(t *rapid.T) {
	s := m.anyNode(t, func(n *modelNode) bool { return n.All })
	n := m.anyNode(t, isProducer)
	p := rapid.SampledFrom(n.partitions()).Draw(t, "partition")
	m.take(s, p, uint64(rapid.IntRange(1, 500).Draw(t, "count")))
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
