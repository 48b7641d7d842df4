//go:build unix

package interop

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/store"
)

// TestInteropMixed has a producer and two consumers of each kind and first one
// store, then the other kind's too, which catches up from the first: the C
// producer serves nothing that was acknowledged. Then the producers and the
// first store go, and both kinds of consumer replay from the late store.
func TestInteropMixed(t *testing.T) {
	for _, tower := range []string{ours, cTower} {
		for _, late := range []string{ours, cStore} {
			t.Run(fmt.Sprintf("tower %s, late store %s", tower, late), func(t *testing.T) {
				need(t, cTower, cStore, cProducer, cConsumer)
				mixed(t, tower, late)
			})
		}
	}
}

func mixed(t *testing.T, tower, late string) {
	m := newMesh(t, tower)
	first := m.store(map[string]string{ours: cStore, cStore: ours}[late])
	a, b := sourceLines(t, "a", fewLines), sourceLines(t, "b", fewLines)
	p := m.producer(ours)
	p.write(a)
	q := m.produce(cProducer, b)
	replay := func() {
		for _, c := range []*process{m.replay(ours), m.replay(cConsumer)} {
			expect(t, c, a)
			expect(t, c, b)
			c.kill()
		}
	}
	replay()
	if late == ours {
		s := m.counted()
		first.until("our store has caught up", func() bool { return s.Stats().Records == uint64(fewLines+q.published) })
	} else {
		s := m.store(cStore)
		s.until("the C store has caught up", func() bool { return s.acknowledged(fewLines-1) && s.acknowledged(q.published-1) })
	}
	for _, gone := range []*process{p, q, first} {
		gone.kill()
	}
	replay()
}

// acknowledged reports whether a C store acknowledged a record of a partition.
func (p *process) acknowledged(sequence int) bool {
	for line := range strings.Lines(p.out.String()) {
		if strings.Contains(line, "Acked "+topic+" ") && strings.HasSuffix(line, fmt.Sprintf(" %d\n", sequence)) {
			return true
		}
	}
	return false
}

// counted starts a store of ours in this process, so that it can be asked what
// it has.
func (m *mesh) counted() *store.Store {
	m.t.Helper()
	c := store.DefaultConfig()
	c.NodeConfig = beck.NodeConfig{
		Sub: []string{m.sub}, Pub: []string{m.pub}, Host: "127.0.0.1", Listen: "127.0.0.1:0",
		Logger: slog.New(slog.NewTextHandler(m.t.Output(), nil)),
	}
	c.Dir = m.t.TempDir()
	s, err := store.Start(c)
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { s.Close() })
	return s
}
