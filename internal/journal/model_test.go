package journal

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"
)

// model is what a journal has to hold, and the journal beside it.
type model struct {
	mem    *vfs.MemFS
	j      *Journal
	uuid   string
	order  []modelRecord // all records that were ever appended
	topics map[string]*modelTopic
	synced int // how much of order was confirmed
}

type modelTopic struct{ first, next uint64 }

type modelRecord struct {
	topic string
	seq   uint64
}

// TestModel applies random steps to a journal and to a model, and compares.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &model{mem: vfs.NewCrashableMem(), topics: map[string]*modelTopic{}}
		m.open(t)
		defer func() { _ = m.j.Close() }()
		t.Repeat(map[string]func(*rapid.T){
			"":       m.check,
			"append": m.append,
			"sync":   m.sync,
			"trim":   m.trim,
			"reopen": m.reopen,
			"crash":  m.crash,
		})
	})
}

func (m *model) open(t *rapid.T) {
	m.j = openJournal(t, dir, small(m.mem))
	if m.uuid != "" && m.j.UUID() != m.uuid {
		t.Fatalf("uuid %s, was %s", m.j.UUID(), m.uuid)
	}
	m.uuid = m.j.UUID()
}

var anyTopic = rapid.SampledFrom([]string{"t", "t\x01", "tt", "u"})

func (m *model) append(t *rapid.T) {
	name := anyTopic.Draw(t, "topic")
	p := m.topics[name]
	if p == nil {
		p = &modelTopic{}
		m.topics[name] = p
	}
	n := rapid.Uint64Range(1, 60).Draw(t, "count")
	appendRange(t, m.j, name, p.next, p.next+n)
	for range n {
		m.order = append(m.order, modelRecord{name, p.next})
		p.next++
	}
}

func (m *model) sync(t *rapid.T) {
	must(t, m.j.Sync())
	m.synced = len(m.order)
}

func (m *model) trim(t *rapid.T) {
	name := anyTopic.Draw(t, "topic")
	p := m.topics[name]
	if p == nil {
		p = &modelTopic{}
	}
	upTo := rapid.Uint64Range(0, p.next+5).Draw(t, "upTo")
	m.j.Trim(name, upTo)
	p.first = max(p.first, min(upTo, p.next))
}

func (m *model) reopen(t *rapid.T) {
	must(t, m.j.Close())
	m.synced = len(m.order)
	m.open(t)
}

// crash loses some of what was not synced: a number of records from the end.
// Trims may be forgotten.
func (m *model) crash(t *rapid.T) {
	percent := rapid.SampledFrom([]int{0, 50, 100}).Draw(t, "percent")
	rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	left := m.mem.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rng})
	must(t, m.j.Close())
	m.mem = left
	m.open(t)
	now := state(m.j)
	kept := 0
	for _, s := range now {
		kept += int(s.Next)
	}
	if kept < m.synced || kept > len(m.order) {
		t.Fatalf("%d records left, %d of %d were synced", kept, m.synced, len(m.order))
	}
	m.order, m.synced = m.order[:kept], kept
	for name, p := range m.topics {
		if now[name].First > p.first {
			t.Fatalf("%q: %+v, trimmed was %d", name, now[name], p.first)
		}
		p.first, p.next = now[name].First, now[name].Next
	}
}

func (m *model) check(t *rapid.T) {
	now := state(m.j)
	for name, p := range m.topics {
		if s := now[name]; s.First != p.first || s.Next != p.next {
			t.Fatalf("%q: %+v, want %+v", name, s, *p)
		}
	}
	var want []string
	for _, r := range m.order[:m.synced] {
		if r.seq >= m.topics[r.topic].first {
			want = append(want, fmt.Sprint(r.topic, " ", r.seq))
		}
	}
	if _, order := replay(t, m.j); !slices.Equal(order, want) {
		t.Fatalf("replayed %q, want %q", order, want)
	}
}
