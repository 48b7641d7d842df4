package store_test

import (
	"fmt"
	"testing"

	"github.com/beckmesh/beck/consumer"
	"github.com/beckmesh/beck/internal/testmesh"
	"github.com/beckmesh/beck/store"
	"github.com/google/go-cmp/cmp"
)

// commit consumes n records of topics under a name, saves the positions, and leaves.
func commit(t *testing.T, m *testmesh.Mesh, name string, n int, topics ...string) {
	t.Helper()
	c := m.Consumer(func(c *consumer.Config) { c.SaveAs = name }, topics...)
	testmesh.Take(t, c, n)
	if err := c.Commit(testmesh.Context(t)); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
}

// saved waits until a store tells of what is wanted.
func saved(t *testing.T, s *store.Store, most int, want []store.Saved, further int) {
	t.Helper()
	var diff string
	testmesh.Until(t, "the lag to be known", func() bool {
		got, left, err := s.Saved(most)
		if diff = cmp.Diff(want, got); err != nil || left != further {
			diff += fmt.Sprintf("; %d further names; %v", left, err)
			return false
		}
		return diff == ""
	})
}

// TestSavedLag follows names that save more, go on as another consumer, and are read
// after a restart.
func TestSavedLag(t *testing.T) {
	m, dir := testmesh.New(t), t.TempDir()
	s, p := m.Store(dir), m.Producer(nil)
	publish := func(topic string, n int) {
		t.Helper()
		if err := p.PublishBatch(testmesh.Context(t), testmesh.Records(topic, "r", n)); err != nil {
			t.Fatal(err)
		}
		if err := p.Flush(testmesh.Context(t)); err != nil {
			t.Fatal(err)
		}
	}
	publish("a", 10)
	publish("b", 5)
	saved(t, s, 10, nil, 0)
	commit(t, m, "billing", 4, "a")
	commit(t, m, "audit", 15, "a", "b")
	want := []store.Saved{{Name: "audit", Partitions: 2}, {Name: "billing", Partitions: 1, Lag: 6}}
	saved(t, s, 10, want, 0)
	saved(t, s, 1, want[:1], 1)

	commit(t, m, "billing", 3, "a") // it goes on behind the fourth
	publish("b", 2)
	want[0].Lag, want[1].Lag = 2, 3
	saved(t, s, 10, want, 0)

	q := m.Producer(nil) // a new partition of a topic that is read
	if err := q.PublishBatch(testmesh.Context(t), testmesh.Records("a", "q", 100)); err != nil {
		t.Fatal(err)
	}
	if err := q.Flush(testmesh.Context(t)); err != nil {
		t.Fatal(err)
	}
	want[0].Lag, want[0].Partitions, want[1].Lag, want[1].Partitions = 102, 3, 103, 2
	saved(t, s, 10, want, 0)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	saved(t, m.Store(dir), 10, want, 0)
}

// TestSavedOfManyPartitions are in more than one record, of which the last does not
// say all.
func TestSavedOfManyPartitions(t *testing.T) {
	const topics = 100
	m := testmesh.New(t)
	s, p := m.Store(""), m.Producer(nil)
	var names []string
	for i := range topics {
		names = append(names, fmt.Sprintf("t%03d", i))
		if err := p.PublishBatch(testmesh.Context(t), testmesh.Records(names[i], "r", 2)); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Flush(testmesh.Context(t)); err != nil {
		t.Fatal(err)
	}
	c := m.Consumer(func(c *consumer.Config) { c.SaveAs = "many" }, names...)
	for taken := 0; taken < 2*topics; {
		records, err := c.Poll(testmesh.Context(t), 20)
		if err != nil {
			t.Fatal(err)
		}
		taken += len(records)
		if err := c.Commit(testmesh.Context(t)); err != nil {
			t.Fatal(err)
		}
	}
	saved(t, s, 10, []store.Saved{{Name: "many", Partitions: topics}}, 0)
}
