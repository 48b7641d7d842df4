package consumer_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/testmesh"
	"github.com/beckmesh/beck/store"
)

// TestHoldersMeet: of two consumers of a name whose towers do not know of each other
// the later one begins, too, where the earlier one was. The earlier one finds out by
// what the other saves in a store that both have, and stops.
func TestHoldersMeet(t *testing.T) {
	t.Parallel()
	m, other := testmesh.New(t), testmesh.New(t)
	m.Store("", func(c *store.Config) {
		c.Sub, c.Pub = append(c.Sub[:1:1], other.Node.Sub...), append(c.Pub[:1:1], other.Node.Pub...)
	})
	p := m.Producer(nil)
	publish(t, p, "t", 10)
	first := m.Consumer(named("n"), "t")
	testmesh.Take(t, first, 10)
	commit(t, first, beck.Offset{Topic: "t", Partition: p.Address(), Offset: 4})

	second := other.Consumer(named("n"), "t")
	testmesh.InOrder(t, testmesh.Take(t, second, 5), 5, "v")
	if _, err := first.Poll(testmesh.Context(t), 1); !errors.Is(err, beck.ErrNameInUse) || !strings.Contains(err.Error(), second.Address()) {
		t.Fatalf("the first: %v", err)
	}
	publish(t, p, "t", 1)
	testmesh.InOrder(t, testmesh.Take(t, second, 1), 10, "v")
	commit(t, second)
}
