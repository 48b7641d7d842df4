package survey

import (
	"context"
	"testing"
	"time"

	"github.com/beckmesh/beck/consumer"
	"github.com/beckmesh/beck/internal/testmesh"
	"github.com/beckmesh/beck/producer"
	"github.com/beckmesh/beck/protocol"
)

// survey starts a survey of everything.
func survey(t testing.TB, m *testmesh.Mesh, edit func(*Config)) *Survey {
	t.Helper()
	c := Config{NodeConfig: m.Node, Partitions: true, Ranges: true, Readers: true, Positions: true}
	if edit != nil {
		edit(&c)
	}
	s, err := Start(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// look waits for a round and returns what is known then.
func look(t testing.TB, s *Survey) *Snapshot {
	t.Helper()
	if err := s.Wait(testmesh.Context(t)); err != nil {
		t.Fatal(err)
	}
	return s.Snapshot(true)
}

func TestSurvey(t *testing.T) {
	m := testmesh.New(t)
	st := m.Store("")
	p := m.Producer(nil)
	ctx := testmesh.Context(t)
	if err := p.PublishBatch(ctx, testmesh.Records("hello", "v", 100)); err != nil {
		t.Fatal(err)
	}
	if err := p.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	con := m.Consumer(func(c *consumer.Config) { c.SaveAs = "name" }, "hello")
	testmesh.Take(t, con, 40)
	if err := con.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	snap := look(t, survey(t, m, nil))
	if !snap.Complete || len(snap.Nodes) != 3 || len(snap.Towers) != 1 || !snap.Towers[0].Up {
		t.Fatalf("%+v", snap)
	}
	for i, role := range []string{protocol.RoleConsumer, protocol.RoleProducer, protocol.RoleStore} {
		n := snap.Nodes[i]
		if n.Role != role || !n.Answered || !n.Linked || n.Counts["towers"] != 1 || len(n.Links) == 0 {
			t.Errorf("node %d: %+v", i, n)
		}
	}
	if d := snap.Nodes[2].Disk; d == nil || d.State != "well" || d.Used == 0 || d.Size == 0 {
		t.Errorf("disk: %+v", d)
	}
	topic := snap.Topics[1]
	if snap.Topics[0].Name != protocol.PositionsTopic || topic.Name != "hello" || topic.Records != 100 || topic.Alive != 1 || topic.Last == nil {
		t.Fatalf("topics: %+v", snap.Topics)
	}
	part := topic.List[0]
	if part.Producer != p.Address() || part.Tail != 0 || part.Head != 99 || part.Stores != 1 || len(part.Holders) != 2 || part.Pending != 0 {
		t.Errorf("partition: %+v", part)
	}
	if len(part.Readers) != 1 || part.Readers[0].Node != con.Address() || part.Readers[0].Next+part.Readers[0].Lag != 100 {
		t.Errorf("readers: %+v", part.Readers)
	}
	if len(snap.Saved) != 1 || snap.Saved[0].Name != "name" || !snap.Saved[0].Alive || snap.Saved[0].Lag != 60 || snap.Saved[0].Positions[0].Next != 40 {
		t.Errorf("saved: %+v", snap.Saved)
	}
	_ = st
}

// TestRate publishes between two rounds.
func TestRate(t *testing.T) {
	m := testmesh.New(t)
	m.Store("")
	p := m.Producer(nil)
	ctx := testmesh.Context(t)
	publish := func(n int) {
		if err := p.PublishBatch(ctx, testmesh.Records("hello", "v", n)); err != nil {
			t.Fatal(err)
		}
		if err := p.Flush(ctx); err != nil {
			t.Fatal(err)
		}
	}
	publish(10)
	s := survey(t, m, nil)
	if r := look(t, s).Topics[0].Rate; r != 0 {
		t.Errorf("rate of one round: %v", r)
	}
	publish(50)
	if err := s.Round(ctx); err != nil {
		t.Fatal(err)
	}
	if topic := s.Snapshot(false).Topics[0]; topic.Rate <= 0 || topic.Records != 60 || topic.List != nil {
		t.Errorf("after two rounds: %+v", topic)
	}
}

// TestGone sees a node leave: its producer is dead then, and what the store has
// stays.
func TestGone(t *testing.T) {
	m := testmesh.New(t)
	m.Store("")
	p := m.Producer(nil)
	ctx := testmesh.Context(t)
	if _, err := p.PublishSync(ctx, testmesh.Records("hello", "v", 1)[0]); err != nil {
		t.Fatal(err)
	}
	s := survey(t, m, nil)
	if part := look(t, s).Topics[0].List[0]; !part.Alive || len(part.Holders) != 2 {
		t.Errorf("before: %+v", part)
	}
	p.Close()
	testmesh.Until(t, "the producer is gone", func() bool {
		part := s.Snapshot(true).Topics[0].List[0]
		return !part.Alive && len(part.Holders) == 1 && part.Stores == 1
	})
}

// TestManyPartitions lists more partitions than a page has.
func TestManyPartitions(t *testing.T) {
	m := testmesh.New(t)
	m.Store("")
	p := m.Producer(func(c *producer.Config) { c.WindowBytes = 256 << 20 })
	ctx := testmesh.Context(t)
	const n = 2500
	for i := range n {
		r := testmesh.Records("t"+string(rune('a'+i%26))+time.Duration(i).String(), "v", 1)[0]
		if err := p.Publish(ctx, r); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	snap := look(t, survey(t, m, nil))
	if len(snap.Topics) != n || !snap.Complete {
		t.Fatalf("%d topics", len(snap.Topics))
	}
	for _, topic := range snap.Topics {
		if len(topic.List[0].Holders) != 2 {
			t.Fatalf("%+v", topic)
		}
	}
	s := survey(t, m, func(c *Config) { c.MaxPartitions = 100 })
	if snap := look(t, s); snap.Complete || snap.Overflow == 0 || len(snap.Topics) > 100 {
		t.Errorf("bounded: complete %v, overflow %d, %d topics", snap.Complete, snap.Overflow, len(snap.Topics))
	}
}

// TestNoTower has nothing to ask.
func TestNoTower(t *testing.T) {
	m := testmesh.New(t)
	m.Tower.Close()
	s := survey(t, m, nil)
	if err := s.Wait(context.Background()); err != ErrNoTower {
		t.Errorf("%v", err)
	}
}
