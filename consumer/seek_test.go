package consumer_test

import (
	"errors"
	"io"
	"testing"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/consumer"
	"github.com/beckmesh/beck/internal/testmesh"
	"github.com/beckmesh/beck/producer"
	"github.com/beckmesh/beck/store"
)

// meshWith returns a mesh with n records of topic "t" in a store.
func meshWith(t *testing.T, n int) (*testmesh.Mesh, *producer.Producer, *store.Store) {
	t.Helper()
	m := testmesh.New(t)
	p, s := m.Producer(nil), m.Store("")
	publishTo(t, p, n, "t")
	flush(t, p)
	return m, p, s
}

func startAt(s consumer.StartPosition) func(*consumer.Config) {
	return func(c *consumer.Config) { c.Start = s }
}

func TestStartPositions(t *testing.T) {
	m, p, _ := meshWith(t, 1000)
	for name, test := range map[string]struct {
		edit func(*consumer.Config)
		want uint64
	}{
		"offset":    {startAt(consumer.AtOffset(700)), 700},
		"last":      {startAt(consumer.Last(7)), 993},
		"last many": {startAt(consumer.Last(5000)), 0},
		"earliest":  {startAt(consumer.Earliest), 0},
		"long ago":  {startAt(consumer.AtTime(time.Now().Add(-time.Hour))), 0},
		"place": {func(c *consumer.Config) {
			c.StartAt = []beck.Offset{{Topic: "t", Partition: p.Address(), Offset: 998}}
		}, 998},
	} {
		t.Run(name, func(t *testing.T) {
			c := m.Consumer(test.edit, "t")
			testmesh.InOrder(t, testmesh.Take(t, c, int(1000-test.want)), test.want, "v")
		})
	}
}

func TestSeek(t *testing.T) {
	m, p, _ := meshWith(t, 5000)
	c := m.Consumer(nil, "t")
	ctx := testmesh.Context(t)
	at := func(offset uint64) beck.Offset {
		return beck.Offset{Topic: "t", Partition: p.Address(), Offset: offset}
	}
	testmesh.Take(t, c, 1000)
	for _, to := range []uint64{10, 4000, 0, 4990} {
		if err := c.Seek(at(to)); err != nil {
			t.Fatal(err)
		}
		testmesh.InOrder(t, testmesh.Take(t, c, 10), to, "v")
	}
	// A loop goes on elsewhere at once.
	if err := c.Seek(at(0)); err != nil {
		t.Fatal(err)
	}
	want, n := uint64(0), 0
	for r, err := range c.Records(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Offset != want {
			t.Fatalf("got %d, want %d", r.Offset, want)
		}
		if want++; want == 100 && n == 0 {
			want, n = 4000, 1
			if err := c.Seek(at(want)); err != nil {
				t.Fatal(err)
			}
		}
		if want == 5000 {
			break
		}
	}
	// Beyond the end the next record that is delivered is that one.
	if err := c.Seek(at(5005)); err != nil {
		t.Fatal(err)
	}
	publishTo(t, p, 10, "t")
	if r := testmesh.Take(t, c, 1)[0]; r.Offset != 5005 {
		t.Errorf("got %d, want 5005", r.Offset)
	}
	if err := c.Seek(beck.Offset{Topic: "u", Partition: p.Address()}); !errors.Is(err, beck.ErrNotSubscribed) {
		t.Errorf("another topic: %v", err)
	}
	if err := c.Seek(beck.Offset{Topic: "t", Partition: "p"}); !errors.Is(err, beck.ErrPosition) {
		t.Errorf("no address: %v", err)
	}
	c.Close()
	if err := c.Seek(at(0)); !errors.Is(err, beck.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

// With StopAtEnd the end is there again behind what was sought.
func TestSeekAtTheEnd(t *testing.T) {
	m, p, _ := meshWith(t, 100)
	c := m.Consumer(stopAtEnd, "t")
	if n := len(testmesh.Drain(t, c)); n != 100 {
		t.Fatalf("%d records", n)
	}
	if err := c.Seek(beck.Offset{Topic: "t", Partition: p.Address(), Offset: 60}); err != nil {
		t.Fatal(err)
	}
	testmesh.InOrder(t, testmesh.Drain(t, c), 60, "v")
	if _, err := c.Poll(testmesh.Context(t), 1); err != io.EOF {
		t.Errorf("then %v", err)
	}
}

// spaced publishes 100 records, and 100 more at a later time, which it returns.
func spaced(t *testing.T) (*testmesh.Mesh, *producer.Producer, time.Time) {
	t.Helper()
	m, p, _ := meshWith(t, 100)
	before := time.Now()
	testmesh.Until(t, "another millisecond", func() bool { return time.Since(before) > 20*time.Millisecond })
	between := time.Now()
	publishTo(t, p, 100, "t")
	flush(t, p)
	return m, p, between
}

func TestSeekTime(t *testing.T) {
	m, p, between := spaced(t)
	c := m.Consumer(nil, "t", "empty")
	ctx := testmesh.Context(t)
	testmesh.Take(t, c, 200)
	if err := c.SeekTime(ctx, between); err != nil {
		t.Fatal(err)
	}
	if r := testmesh.Take(t, c, 100); r[0].Offset != 100 {
		t.Errorf("goes on at %d, want 100", r[0].Offset)
	}
	if err := c.SeekTime(ctx, between, "u"); !errors.Is(err, beck.ErrNotSubscribed) {
		t.Errorf("of another topic: %v", err)
	}
	if err := c.SeekTime(ctx, time.Now().Add(time.Hour), "t"); err != nil {
		t.Fatal(err)
	}
	if lag := c.Lag(); len(lag) != 1 || lag[0].Records() != 0 || lag[0].Next != 200 {
		t.Errorf("in the future: %+v", lag)
	}
	places, err := c.OffsetsAt(ctx, between, "t", "empty")
	if want := (beck.Offset{Topic: "t", Partition: p.Address(), Offset: 100}); err != nil || len(places) != 1 || places[0] != want {
		t.Errorf("OffsetsAt: %v, %v, want %v", places, err, want)
	}
}

func TestStartAtTime(t *testing.T) {
	m, _, between := spaced(t)
	c := m.Consumer(func(c *consumer.Config) {
		c.Start, c.StopAtEnd = consumer.AtTime(between), true
	}, "*")
	if got := testmesh.Drain(t, c); len(got) != 100 || got[0].Offset != 100 {
		t.Errorf("%d records", len(got))
	}
}

// Where there is no store a time begins with all that the producer keeps.
func TestStartAtTimeWithoutStore(t *testing.T) {
	m := testmesh.New(t)
	p := m.Producer(func(c *producer.Config) { c.MinStoreAcks, c.WindowBytes, c.MessageBytes = 0, 64<<10, 16<<10 })
	publishTo(t, p, 20_000, "t")
	c := m.Consumer(func(c *consumer.Config) {
		c.Start = consumer.AtTime(time.Now().Add(-time.Hour))
		c.OnGap = func(g consumer.Gap) { t.Errorf("gap %v", g) }
	}, "t")
	got := testmesh.Take(t, c, 1)
	testmesh.InOrder(t, append(got, testmesh.Take(t, c, int(20_000-got[0].Offset-1))...), got[0].Offset, "v")
}

// The records' own times tell where a time begins within what stores remember as
// one, and where it ends.
func TestStartAndUntilByTheRecordsTimes(t *testing.T) {
	m := testmesh.New(t)
	p := m.Producer(nil)
	m.Store("")
	ctx := testmesh.Context(t)
	now := time.Now()
	at := func(i int) time.Time { return now.Add(time.Duration(i-100) * time.Second) }
	records := testmesh.Records("t", "v", 100)
	for i := range records {
		records[i].Time = at(i)
	}
	if err := p.PublishBatch(ctx, records); err != nil {
		t.Fatal(err)
	}
	flush(t, p)
	between := func(from, until int) func(*consumer.Config) {
		return func(c *consumer.Config) { c.Start, c.Until = consumer.AtTime(at(from)), at(until) }
	}
	for _, test := range []struct{ from, until, n int }{{40, 60, 20}, {-10, 5, 5}, {90, 1000, 10}, {50, 50, 0}, {99, 100, 1}} {
		got := testmesh.Drain(t, m.Consumer(between(test.from, test.until), "t"))
		if len(got) != test.n || test.n > 0 && got[0].Offset != uint64(max(test.from, 0)) {
			t.Errorf("from %d until %d: %d records", test.from, test.until, len(got))
		}
	}
	again := m.Consumer(func(c *consumer.Config) { c.Start = consumer.AtTime(at(40)) }, "t")
	for range 2 { // a topic that is subscribed to again starts anew
		testmesh.InOrder(t, testmesh.Take(t, again, 60), 40, "v")
		if err := errors.Join(again.Unsubscribe("t"), again.Subscribe("t")); err != nil {
			t.Fatal(err)
		}
	}
	c := m.Consumer(nil, "t")
	testmesh.Take(t, c, 100)
	if err := c.SeekTime(ctx, at(70), "t"); err != nil {
		t.Fatal(err)
	}
	testmesh.InOrder(t, testmesh.Take(t, c, 30), 70, "v")
}

// What a call of Poll gives back because its values would take too much memory is no
// longer due after a seek, or when it is paused, that came meanwhile.
func TestSeekWhilePollOpens(t *testing.T) {
	const n = 20
	for name, test := range map[string]struct {
		do   func(*consumer.Consumer, beck.Offset) error
		next uint64
	}{
		"seek": {func(c *consumer.Consumer, to beck.Offset) error { return c.Seek(to) }, 15},
		"pause": {func(c *consumer.Consumer, to beck.Offset) error {
			return errors.Join(c.Pause(to.Topic), c.Resume(to.Topic))
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			m := testmesh.New(t)
			m.Store("")
			p := m.Producer(func(c *producer.Config) { c.Compression = producer.Zstd })
			for range n {
				if err := p.Publish(testmesh.Context(t), beck.Record{Topic: "t", Value: make([]byte, 100<<10)}); err != nil {
					t.Fatal(err)
				}
			}
			flush(t, p)
			c := m.Consumer(func(c *consumer.Config) { c.QueueBytes = 64 << 10 }, "t")
			testmesh.Until(t, "all to have come", func() bool { return c.Lag() != nil && c.Stats().Queued > n*64 })
			c.WhileOpening(func() {
				if err := test.do(c, beck.Offset{Topic: "t", Partition: p.Address(), Offset: 15}); err != nil {
					t.Error(err)
				}
			})
			got, err := c.Poll(testmesh.Context(t), n)
			if err != nil || len(got) != 1 {
				t.Fatalf("%d records came first, %v", len(got), err)
			}
			for want := test.next; want < n; want++ {
				if next := testmesh.Take(t, c, 1)[0].Offset; next != want {
					t.Fatalf("offset %d came, want %d", next, want)
				}
			}
		})
	}
}
