package consumer_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/consumer"
	"github.com/beckmesh/beck/internal/testmesh"
	"github.com/beckmesh/beck/producer"
)

func stored(c *consumer.Config) { c.Deliver = consumer.Stored }

// TestDeliverStored: nothing is delivered before a store has it, live or not, and
// all of it soon after.
func TestDeliverStored(t *testing.T) {
	t.Parallel()
	m := testmesh.New(t)
	gaps := make(chan consumer.Gap, 100)
	c := m.Consumer(func(c *consumer.Config) {
		c.Deliver, c.OnGap = consumer.Stored, func(g consumer.Gap) { gaps <- g }
	}, "t")
	eager := m.Consumer(nil, "t")
	p := m.Producer(func(c *producer.Config) { c.MinStoreAcks = 0 })
	ctx := testmesh.Context(t)
	const n = 2000
	if err := p.PublishBatch(ctx, testmesh.Records("t", "v", n)); err != nil {
		t.Fatal(err)
	}
	testmesh.Take(t, eager, n) // the records are there
	select {
	case g := <-gaps: // which takes 3 s
		if g.Kind != consumer.Stalled || g.Partition != p.Address() {
			t.Errorf("told of %v", g)
		}
	case <-ctx.Done():
		t.Fatal("that no store has the records was not said")
	}
	if s := c.Stats(); s.Delivered != 0 || s.Queued != 0 {
		t.Fatalf("%+v without a store", s)
	}
	s := m.Store("")
	testmesh.InOrder(t, testmesh.Take(t, c, n), 0, "v")
	for range 20 {
		if err := p.PublishBatch(ctx, testmesh.Records("t", "v", int(p.NextOffset("t"))+50)[p.NextOffset("t"):]); err != nil {
			t.Fatal(err)
		}
		last := testmesh.Take(t, c, 50)[49].Place()
		if have := s.Heads()[beck.Offset{Topic: last.Topic, Partition: last.Partition}]; have <= last.Offset {
			t.Fatalf("%v was delivered, the store has %d", last, have)
		}
	}
}

// TestDeliverStoredLatency: a record comes when the store has it, not when
// somebody asks next.
func TestDeliverStoredLatency(t *testing.T) {
	t.Parallel()
	m := testmesh.New(t)
	m.Store("")
	p := m.Producer(nil)
	c := m.Consumer(stored, "t")
	if err := c.Ready(testmesh.Context(t)); err != nil {
		t.Fatal(err)
	}
	quickest := time.Hour
	for i := range 50 {
		began := time.Now()
		if _, err := p.PublishSync(testmesh.Context(t), testmesh.Records("t", "v", i+1)[i]); err != nil {
			t.Fatal(err)
		}
		testmesh.Take(t, c, 1)
		quickest = min(quickest, time.Since(began))
	}
	if quickest > 200*time.Millisecond {
		t.Errorf("the quickest of 50 records took %v", quickest)
	}
	t.Logf("the quickest took %v", quickest)
}

// TestDeliverStoredSmallQueue: what cannot be held until a store has it is fetched.
func TestDeliverStoredSmallQueue(t *testing.T) {
	t.Parallel()
	m := testmesh.New(t)
	m.Store("")
	p := m.Producer(nil)
	c := m.Consumer(func(c *consumer.Config) { c.Deliver, c.QueueBytes = consumer.Stored, 64<<10 }, "t")
	const n = 50_000
	if err := p.PublishBatch(testmesh.Context(t), testmesh.Records("t", "v", n)); err != nil {
		t.Fatal(err)
	}
	testmesh.InOrder(t, testmesh.Take(t, c, n), 0, "v")
}

// TestDeliverStoredUntilTheEnd: the end is that of what the stores have.
func TestDeliverStoredUntilTheEnd(t *testing.T) {
	t.Parallel()
	m := testmesh.New(t)
	s := m.Store("")
	p := m.Producer(func(c *producer.Config) { c.MinStoreAcks = 0 })
	ctx := testmesh.Context(t)
	if err := p.PublishBatch(ctx, testmesh.Records("t", "v", 100)); err != nil {
		t.Fatal(err)
	}
	testmesh.Until(t, "the store has them", func() bool { return s.Stats().Records == 100 })
	c := m.Consumer(func(c *consumer.Config) { c.Deliver, c.StopAtEnd = consumer.Stored, true }, "t")
	testmesh.InOrder(t, testmesh.Drain(t, c), 0, "v")
}

// TestStoredBounds: settings that make no sense are refused by name.
func TestStoredBounds(t *testing.T) {
	t.Parallel()
	for _, edit := range []func(*consumer.Config){
		func(c *consumer.Config) { c.Deliver = 2 },
		func(c *consumer.Config) { c.MinStoreAcks = 0 },
		func(c *consumer.Config) { c.StartTimeout = 0 },
		func(c *consumer.Config) { c.PositionsFile = "p" },
		func(c *consumer.Config) { c.SaveAs = string(make([]byte, 129)) },
	} {
		c := consumer.DefaultConfig()
		edit(&c)
		if _, err := consumer.Start(c); !errors.Is(err, beck.ErrConfig) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// TestReservedTopics: applications publish to none of them, and a consumer that
// saves its positions in the mesh is not given those of others.
func TestReservedTopics(t *testing.T) {
	t.Parallel()
	m := testmesh.New(t)
	p := m.Producer(nil)
	for _, topic := range []string{"_beck.positions", "_beck.", "_beck.x"} {
		if err := p.TryPublish(beck.Record{Topic: topic}); !errors.Is(err, beck.ErrTopic) {
			t.Errorf("publish to %s: %v", topic, err)
		}
	}
	if err := p.TryPublish(beck.Record{Topic: "_beckon"}); err != nil {
		t.Error(err)
	}
	m.Store("")
	saving := m.Consumer(named("n"))
	if err := saving.Subscribe("_beck.positions"); !errors.Is(err, beck.ErrTopic) {
		t.Errorf("subscribe to the positions: %v", err)
	}
	reads := m.Consumer(nil, "_beck.positions")
	testmesh.Take(t, reads, 1) // the beginning of that life
	if err := saving.Ready(testmesh.Context(t)); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
