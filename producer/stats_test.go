package producer_test

import (
	"testing"
	"time"

	"github.com/beckmesh/beck/internal/testmesh"
	"github.com/beckmesh/beck/producer"
	"github.com/google/go-cmp/cmp"
)

// TestAckSeconds counts each record once, with about how long it took.
func TestAckSeconds(t *testing.T) {
	m := testmesh.New(t)
	p := m.Producer(func(c *producer.Config) { c.Timestamps = false })
	begun := time.Now()
	for range 10 {
		if err := p.PublishBatch(testmesh.Context(t), testmesh.Records("early", "r", 10)); err != nil {
			t.Fatal(err)
		}
	}
	published := time.Now()
	testmesh.Until(t, "some time to pass", func() bool { return time.Since(published) > 100*time.Millisecond })
	if n := p.AckSeconds().Count; n != 0 {
		t.Fatalf("%d records count as stored without a store", n)
	}
	m.Store("")
	if err := p.Flush(testmesh.Context(t)); err != nil {
		t.Fatal(err)
	}
	took := time.Since(begun).Seconds()
	h := p.AckSeconds()
	if h.Count != 100 || h.Sum < 100*0.1 || h.Sum > 100*took*17/16 {
		t.Errorf("%d records took %.3f s in all; each took 0.1 to %.3f s", h.Count, h.Sum, took)
	}
	for i, bound := range h.Bounds {
		if bound < 0.1 && h.Counts[i] > 0 {
			t.Errorf("%d records took %v s or less", h.Counts[i], bound)
		}
	}
	if err := p.PublishBatch(testmesh.Context(t), testmesh.Records("later", "r", 1000)); err != nil {
		t.Fatal(err)
	}
	if err := p.Flush(testmesh.Context(t)); err != nil {
		t.Fatal(err)
	}
	if n := p.AckSeconds().Count; n != 1100 {
		t.Errorf("%d records were counted of 1100", n)
	}
}

// TestTopicStats tells what was published to each topic, as many as are wanted.
func TestTopicStats(t *testing.T) {
	p := testmesh.New(t).Producer(nil)
	for i, topic := range []string{"b", "c", "a"} {
		if err := p.PublishBatch(testmesh.Context(t), testmesh.Records(topic, "r", i+1)); err != nil {
			t.Fatal(err)
		}
	}
	topics, further := p.TopicStats(2)
	if all, _ := p.TopicStats(10); p.Stats().Bytes != all[0].Bytes+all[1].Bytes+all[2].Bytes {
		t.Errorf("%d bytes in all, of %+v", p.Stats().Bytes, all)
	}
	for i := range topics {
		if topics[i].Bytes < 2*topics[i].Records {
			t.Errorf("%+v", topics[i])
		}
		topics[i].Bytes = 0
	}
	want := []producer.TopicStats{{Topic: "a", Records: 3, Unstored: 3}, {Topic: "b", Records: 1, Unstored: 1}}
	if diff := cmp.Diff(want, topics); diff != "" || further != 1 {
		t.Errorf("%d further topics; %s", further, diff)
	}
}
