package consumer_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/consumer"
	"github.com/beckmesh/beck/internal/testmesh"
)

// drained polls what comes within a moment, and returns how many records of topic
// there were.
func drained(t *testing.T, c *consumer.Consumer, topic string) (n int) {
	t.Helper()
	for {
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		records, err := c.Poll(ctx, 1000)
		cancel()
		if err != nil {
			return n
		}
		for _, r := range records {
			if r.Topic == topic {
				n++
			}
		}
	}
}

func TestPause(t *testing.T) {
	const n = 20_000
	m, p, _ := meshWith(t, n)
	publishTo(t, p, n, "u")
	c := m.Consumer(func(c *consumer.Config) { c.QueueBytes = 256 << 10 }, "t", "u")
	got := map[string][]beck.Record{}
	take := func(records []beck.Record) {
		for _, r := range records {
			got[r.Topic] = append(got[r.Topic], r)
		}
	}
	take(testmesh.Take(t, c, 10))
	if err := c.Pause("t"); err != nil {
		t.Fatal(err)
	}
	paused := len(got["t"])
	// All of u comes though much of the queue was t's, and nothing of t.
	for len(got["u"]) < n {
		take(testmesh.Take(t, c, 1))
	}
	publishTo(t, p, 10, "t")
	if more := drained(t, c, "t"); len(got["t"]) != paused || more != 0 {
		t.Fatalf("%d records of t came while it was paused", len(got["t"])-paused+more)
	}
	if q := c.Stats().Queued; q != 0 {
		t.Errorf("%d bytes wait", q)
	}
	testmesh.Until(t, "the lag to be known", func() bool {
		for _, l := range c.Lag() {
			if l.Topic == "t" && l.Paused && l.HeadKnown && l.Next == uint64(paused) && l.Records() == uint64(n+10-paused) {
				return true
			}
		}
		return false
	})
	if err := c.Resume("t"); err != nil {
		t.Fatal(err)
	}
	take(testmesh.Take(t, c, n-paused))
	testmesh.InOrder(t, got["t"], 0, "v")
	testmesh.InOrder(t, got["u"], 0, "v")
}

// A loop gives nothing more of what is paused in it, and later goes on there.
func TestPauseInALoop(t *testing.T) {
	const n = 5000
	m, p, _ := meshWith(t, n)
	publishTo(t, p, n, "u")
	c := m.Consumer(nil, "t", "u")
	next := map[string]uint64{}
	paused := false
	for r, err := range c.Records(testmesh.Context(t)) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Offset != next[r.Topic] {
			t.Fatalf("%s: got %d, want %d", r.Topic, r.Offset, next[r.Topic])
		}
		if paused && r.Topic == "t" {
			t.Fatalf("got %v, which is paused", r.Place())
		}
		next[r.Topic]++
		switch {
		case r.Topic == "t" && next["t"] == 100:
			err = c.Pause("*", p.Address())
			err = errors.Join(err, c.Resume("u"))
			paused = true
		case paused && next["u"] == n:
			err = c.Resume("t", p.Address())
			paused = false
		}
		if err != nil {
			t.Fatal(err)
		}
		if next["t"] == n && next["u"] == n {
			break
		}
	}
}

func TestPauseOfWhatIsStillToCome(t *testing.T) {
	m := testmesh.New(t)
	m.Store("")
	c := m.Consumer(nil, "a.*")
	if err := c.Pause("a.*"); err != nil {
		t.Fatal(err)
	}
	p := m.Producer(nil)
	publishTo(t, p, 10, "a.b", "a.c")
	testmesh.Until(t, "its head to be known", func() bool { return len(c.Lag()) == 2 })
	if n := drained(t, c, "a.b"); n != 0 {
		t.Errorf("%d records", n)
	}
	if err := c.Resume("a.b"); err != nil {
		t.Fatal(err)
	}
	for _, r := range testmesh.Take(t, c, 10) {
		if r.Topic != "a.b" {
			t.Fatalf("got %v", r.Place())
		}
	}
	for _, test := range []struct {
		topic, partition string
		want             error
	}{{"b", p.Address(), beck.ErrNotSubscribed}, {"a.>.b", p.Address(), beck.ErrPattern}, {"a.b", "x", beck.ErrPosition}} {
		if err := c.Pause(test.topic, test.partition); !errors.Is(err, test.want) {
			t.Errorf("%s/%s: %v, want %v", test.topic, test.partition, err, test.want)
		}
	}
}
