package consumer_test

import (
	"testing"

	"github.com/beckmesh/beck/consumer"
	"github.com/beckmesh/beck/internal/testmesh"
	"github.com/google/go-cmp/cmp"
)

// TestTaken counts a record once, also when it is handed over again after a loop was
// left, and by topic.
func TestTaken(t *testing.T) {
	m := testmesh.New(t)
	m.Store("")
	p := m.Producer(nil)
	for i, topic := range []string{"a", "b", "c"} {
		if err := p.PublishBatch(testmesh.Context(t), testmesh.Records(topic, "r", 10*(i+1))); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Flush(testmesh.Context(t)); err != nil {
		t.Fatal(err)
	}
	c := m.Consumer(func(c *consumer.Config) { c.StopAtEnd = true }, "a", "b", "c")
	if err := c.Ready(testmesh.Context(t)); err != nil {
		t.Fatal(err)
	}
	var before uint64
	for left := 60; left > 0; left-- {
		for _, err := range c.Records(testmesh.Context(t)) {
			if err != nil {
				t.Fatal(err)
			}
			break
		}
		st := c.Stats()
		if done := uint64(61 - left); st.Delivered != done || st.Taken < done || st.Taken < before {
			t.Fatalf("after %d records: %d delivered, %d taken, %d before", done, st.Delivered, st.Taken, before)
		}
		before = st.Taken
	}
	if st := c.Stats(); st.Taken != 60 || st.TakenBytes != 20+50+80 {
		t.Errorf("%d records of %d bytes taken", st.Taken, st.TakenBytes)
	}
	topics, all, further := c.TopicStats(2)
	want := []consumer.TopicStats{{Topic: "a", Partitions: 1, Records: 10, Bytes: 20}, {Topic: "b", Partitions: 1, Records: 20, Bytes: 50}}
	if diff := cmp.Diff(want, topics); diff != "" || further != 1 {
		t.Errorf("%d further topics; %s", further, diff)
	}
	if all.Partitions != 3 || all.Records != 60 || all.Behind != 0 || all.Missing != 0 {
		t.Errorf("of all topics: %+v", all)
	}
}
