package consumer_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/consumer"
	"github.com/beckmesh/beck/internal/testmesh"
	"github.com/beckmesh/beck/producer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func latest(c *consumer.Config)    { c.Start = consumer.Latest }
func stopAtEnd(c *consumer.Config) { c.StopAtEnd = true }

func TestLiveWithoutStore(t *testing.T) {
	m := testmesh.New(t)
	p := m.Producer(func(c *producer.Config) { c.MinStoreAcks = 0 })
	c := m.Consumer(nil, "t")
	ctx := testmesh.Context(t)
	const n = 20_000
	if err := p.PublishBatch(ctx, testmesh.Records("t", "v", n)); err != nil {
		t.Fatal(err)
	}
	testmesh.InOrder(t, testmesh.Take(t, c, n), 0, "v")
}

func TestReplayFromStore(t *testing.T) {
	m := testmesh.New(t)
	p, s := m.Producer(nil), m.Store("")
	ctx := testmesh.Context(t)
	const n = 250_000 // more than two FETCHes are served
	if err := p.PublishBatch(ctx, testmesh.Records("t", "v", n)); err != nil {
		t.Fatal(err)
	}
	if err := p.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	p.Close()
	got := testmesh.Drain(t, m.Consumer(stopAtEnd, "t"))
	if len(got) != n || s.Stats().Records != n {
		t.Fatalf("%d of %d records replayed, %d stored", len(got), n, s.Stats().Records)
	}
	testmesh.InOrder(t, got, 0, "v")
}

func TestLatestGetsOnlyWhatIsNew(t *testing.T) {
	m := testmesh.New(t)
	p := m.Producer(nil)
	m.Store("")
	ctx := testmesh.Context(t)
	const old, fresh = 5000, 500
	if err := p.PublishBatch(ctx, testmesh.Records("t", "v", old)); err != nil {
		t.Fatal(err)
	}
	c := m.Consumer(latest, "t")
	if err := c.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	for i := range fresh {
		r := testmesh.Records("t", "v", old+i+1)[old+i]
		if err := p.Publish(ctx, r); err != nil {
			t.Fatal(err)
		}
	}
	testmesh.InOrder(t, testmesh.Take(t, c, fresh), old, "v")
}

func TestLatestGetsAllOfANewProducer(t *testing.T) {
	m := testmesh.New(t)
	c := m.Consumer(latest, "t")
	ctx := testmesh.Context(t)
	if err := c.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	p := m.Producer(func(c *producer.Config) { c.MinStoreAcks = 0 })
	if err := p.PublishBatch(ctx, testmesh.Records("t", "v", 100)); err != nil {
		t.Fatal(err)
	}
	testmesh.InOrder(t, testmesh.Take(t, c, 100), 0, "v")
}

func TestSubscribeAtRunTime(t *testing.T) {
	m := testmesh.New(t)
	p := m.Producer(nil)
	m.Store("")
	c := m.Consumer(nil, "a")
	ctx := testmesh.Context(t)
	for _, topic := range []string{"a", "b", "ab"} {
		if err := p.PublishBatch(ctx, testmesh.Records(topic, "v", 10)); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range testmesh.Take(t, c, 10) {
		if r.Topic != "a" {
			t.Fatalf("got a record of %q", r.Topic)
		}
	}
	if err := c.Subscribe("b", "a"); err != nil {
		t.Fatal(err)
	}
	if got, want := c.Topics(), []string{"a", "b"}; !slices.Equal(got, want) {
		t.Fatalf("Topics are %v, want %v", got, want)
	}
	for _, r := range testmesh.Take(t, c, 10) {
		if r.Topic != "b" {
			t.Fatalf("got a record of %q", r.Topic)
		}
	}
	if err := c.Unsubscribe("b"); err != nil {
		t.Fatal(err)
	}
	for _, topic := range []string{"b", "a"} {
		if err := p.Publish(ctx, beck.Record{Topic: topic, Value: []byte("v10")}); err != nil {
			t.Fatal(err)
		}
	}
	if r := testmesh.Take(t, c, 1)[0]; r.Topic != "a" {
		t.Fatalf("got a record of %q after Unsubscribe", r.Topic)
	}
	if err := c.Subscribe(""); !errors.Is(err, beck.ErrTopic) {
		t.Fatalf("Subscribe to nothing returned %v, want ErrTopic", err)
	}
}

func TestPollEnds(t *testing.T) {
	c := testmesh.New(t).Consumer(nil, "t")
	short, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if _, err := c.Poll(short, 1); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("Poll returned %v, want the context's error", err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := c.Poll(context.Background(), 1)
		done <- err
	}()
	c.Close()
	if err := <-done; !errors.Is(err, beck.ErrClosed) {
		t.Fatalf("Poll returned %v, want ErrClosed", err)
	}
}

// A queue far smaller than what comes: all of it arrives, and the queue stays
// within its bound.
func TestSlowApplication(t *testing.T) {
	m := testmesh.New(t)
	p := m.Producer(nil)
	m.Store("")
	c := m.Consumer(func(c *consumer.Config) { c.QueueBytes = 256 << 10 }, "t")
	ctx := testmesh.Context(t)
	const n = 50_000
	if err := p.PublishBatch(ctx, testmesh.Records("t", "v", n)); err != nil {
		t.Fatal(err)
	}
	if err := p.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	var got []beck.Record
	for len(got) < n {
		got = append(got, testmesh.Take(t, c, min(1000, n-len(got)))...)
		if q := c.Stats().Queued; q > 1<<20 {
			t.Fatalf("%d bytes wait in a queue of 256 KiB", q)
		}
	}
	testmesh.InOrder(t, got, 0, "v")
}

// Records and PollInto use the memory of their batches again, but not that of the
// values; PollInto goes on behind the record at which a loop was left.
func TestRecordsAndPollIntoKeepTheValues(t *testing.T) {
	const n, looped = 5000, 2500
	m := testmesh.New(t)
	p := m.Producer(nil)
	m.Store("")
	ctx := testmesh.Context(t)
	if err := p.PublishBatch(ctx, testmesh.Records("t", "v", n)); err != nil {
		t.Fatal(err)
	}
	if err := p.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	c := m.Consumer(stopAtEnd, "t")
	var got []beck.Record
	for r, err := range c.Records(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, r); len(got) == looped {
			break
		}
	}
	if n, err := c.PollInto(ctx, nil); n != 0 || err != nil {
		t.Errorf("PollInto without room: %d, %v", n, err)
	}
	batch := make([]beck.Record, 100)
	for {
		n, err := c.PollInto(ctx, batch)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, batch[:n]...)
	}
	if len(got) != n {
		t.Fatalf("%d of %d", len(got), n)
	}
	testmesh.InOrder(t, got, 0, "v")
}

func TestRecordsYieldsUntilTheEnd(t *testing.T) {
	m := testmesh.New(t)
	p := m.Producer(nil)
	m.Store("")
	ctx := testmesh.Context(t)
	if err := p.PublishBatch(ctx, testmesh.Records("t", "v", 100)); err != nil {
		t.Fatal(err)
	}
	if err := p.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	var got []beck.Record
	for r, err := range m.Consumer(stopAtEnd, "t").Records(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, r)
	}
	if len(got) != 100 {
		t.Fatalf("Records yielded %d of 100", len(got))
	}
	testmesh.InOrder(t, got, 0, "v")
}

// A producer that waits for no store drops what does not fit its window. For
// whoever comes later that has expired: it is told, and gets the rest.
func TestExpiredIsToldAndSkipped(t *testing.T) {
	m := testmesh.New(t)
	p := m.Producer(func(c *producer.Config) {
		c.MinStoreAcks, c.WindowBytes, c.MessageBytes = 0, 64<<10, 16<<10
	})
	ctx := testmesh.Context(t)
	const n = 20_000
	if err := p.PublishBatch(ctx, testmesh.Records("t", "v", n)); err != nil {
		t.Fatal(err)
	}
	gaps := make(chan consumer.Gap, 8)
	c := m.Consumer(func(c *consumer.Config) {
		c.OnGap = func(g consumer.Gap) { gaps <- g }
	}, "t")
	got := testmesh.Take(t, c, 1)
	first := got[0].Offset
	if first == 0 {
		t.Fatal("nothing had left the window of 64 KiB")
	}
	got = append(got, testmesh.Take(t, c, int(n-first)-1)...)
	testmesh.InOrder(t, got, first, "v")
	select {
	case g := <-gaps:
		want := consumer.Gap{Kind: consumer.Expired, Topic: "t", Partition: p.Address(), First: 0, Last: first - 1}
		if g != want {
			t.Errorf("told %v, want %v", g, want)
		}
		if st := c.Stats(); st.Expired != first || st.Skipped != 0 {
			t.Errorf("%d records count as expired, of %d; %d as skipped", st.Expired, first, st.Skipped)
		}
	case <-ctx.Done():
		t.Error("not told of what had expired")
	}
}
