package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/consumer"
	"github.com/beckmesh/beck/internal/testmesh"
	"github.com/beckmesh/beck/producer"
	"github.com/beckmesh/beck/store"
)

func named(name string) func(*consumer.Config) {
	return func(c *consumer.Config) { c.SaveAs = name }
}

// eachKeeper runs a test with positions in the mesh and in a file.
func eachKeeper(t *testing.T, test func(t *testing.T, save func(*consumer.Config))) {
	t.Run("mesh", func(t *testing.T) { test(t, named("n")) })
	t.Run("file", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "positions")
		test(t, func(c *consumer.Config) { c.SaveAs, c.PositionsFile = "n", path })
	})
}

func publish(t *testing.T, p *producer.Producer, topic string, n int) {
	t.Helper()
	ctx := testmesh.Context(t)
	first := int(p.NextOffset(topic))
	if err := p.PublishBatch(ctx, testmesh.Records(topic, "v", first+n)[first:]); err != nil {
		t.Fatal(err)
	}
	if err := p.Flush(ctx); err != nil {
		t.Fatal(err)
	}
}

func commit(t *testing.T, c *consumer.Consumer, upTo ...beck.Offset) {
	t.Helper()
	if err := c.Commit(testmesh.Context(t), upTo...); err != nil {
		t.Fatal(err)
	}
}

func TestGoesOnWhereItCommitted(t *testing.T) {
	t.Parallel()
	eachKeeper(t, func(t *testing.T, save func(*consumer.Config)) {
		m := testmesh.New(t)
		m.Store("")
		p := m.Producer(nil)
		publish(t, p, "t", 100)
		publish(t, p, "u", 10)
		c := m.Consumer(save, "t", "u")
		got := testmesh.Take(t, c, 110)
		commit(t, c, beck.Offset{Topic: "t", Partition: p.Address(), Offset: 39})
		if next, ok := c.Committed("t", p.Address()); next != 40 || !ok {
			t.Errorf("committed %d, %v", next, ok)
		}
		if next, ok := c.Committed("u", p.Address()); ok {
			t.Errorf("committed %d of u", next)
		}
		c.Close()

		c = m.Consumer(save, "t", "u")
		got = testmesh.Take(t, c, 60+10)
		testmesh.InOrder(t, topic(got, "t"), 40, "v")
		testmesh.InOrder(t, topic(got, "u"), 0, "v")
		commit(t, c)
		c.Close()

		publish(t, p, "t", 5)
		c = m.Consumer(save, "t", "u")
		testmesh.InOrder(t, testmesh.Take(t, c, 5), 100, "v")
	})
}

func topic(records []beck.Record, name string) (some []beck.Record) {
	for _, r := range records {
		if r.Topic == name {
			some = append(some, r)
		}
	}
	return some
}

// TestCommitInLoop: the record whose loop body runs is not finished, nor is the
// one at which the loop is left. What comes behind that is not lost.
func TestCommitInLoop(t *testing.T) {
	t.Parallel()
	eachKeeper(t, func(t *testing.T, save func(*consumer.Config)) {
		m := testmesh.New(t)
		m.Store("")
		p := m.Producer(nil)
		publish(t, p, "t", 50)
		c := m.Consumer(save, "t")
		ctx := testmesh.Context(t)
		for r, err := range c.Records(ctx) {
			if err != nil {
				t.Fatal(err)
			}
			if r.Offset == 20 {
				commit(t, c)
				if next, _ := c.Committed("t", p.Address()); next != 20 {
					t.Errorf("committed %d in the body of 20", next)
				}
				commit(t, c, r.Place())
				if next, _ := c.Committed("t", p.Address()); next != 21 {
					t.Errorf("committed %d, itself included", next)
				}
				if err := c.Commit(ctx, beck.Offset{Topic: "t", Partition: p.Address(), Offset: 21}); !errors.Is(err, beck.ErrPosition) {
					t.Errorf("commit of what is to come: %v", err)
				}
			}
			if r.Offset == 30 {
				break
			}
		}
		commit(t, c)
		if next, _ := c.Committed("t", p.Address()); next != 30 {
			t.Errorf("committed %d after the loop was left at 30", next)
		}
		testmesh.InOrder(t, testmesh.Take(t, c, 19), 31, "v")
		if n := c.Stats().Delivered; n != 50 {
			t.Errorf("%d delivered", n)
		}
		commit(t, c)
		if next, _ := c.Committed("t", p.Address()); next != 50 {
			t.Errorf("committed %d at the end", next)
		}
	})
}

func TestCommitRefused(t *testing.T) {
	t.Parallel()
	eachKeeper(t, func(t *testing.T, save func(*consumer.Config)) {
		m := testmesh.New(t)
		m.Store("")
		p := m.Producer(nil)
		publish(t, p, "t", 20)
		c := m.Consumer(save, "t")
		ctx := testmesh.Context(t)
		commit(t, c) // nothing is no error
		testmesh.Take(t, c, 10)
		at := func(offset uint64) beck.Offset {
			return beck.Offset{Topic: "t", Partition: p.Address(), Offset: offset}
		}
		commit(t, c, at(5))
		commit(t, c, at(5)) // again is no error
		for _, o := range []beck.Offset{at(4), at(10), {Topic: "u", Partition: p.Address()}} {
			if err := c.Commit(ctx, o); !errors.Is(err, beck.ErrPosition) || !strings.Contains(err.Error(), o.String()) {
				t.Errorf("commit %v: %v", o, err)
			}
		}
		if err := c.Commit(ctx, at(7), at(10)); !errors.Is(err, beck.ErrPosition) {
			t.Errorf("commit of a good and a bad one: %v", err)
		}
		if next, _ := c.Committed("t", p.Address()); next != 6 {
			t.Errorf("committed %d", next)
		}
		c.Close()
		if err := c.Commit(ctx); !errors.Is(err, beck.ErrClosed) {
			t.Errorf("commit after close: %v", err)
		}
	})
	m := testmesh.New(t)
	if err := m.Consumer(nil, "t").Commit(testmesh.Context(t)); !errors.Is(err, beck.ErrConfig) {
		t.Errorf("commit without a name: %v", err)
	}
}

// TestPositionsWaitForAStore: they are waited for, and never left out.
func TestPositionsWaitForAStore(t *testing.T) {
	t.Parallel()
	m := testmesh.New(t)
	dir := t.TempDir()
	s := m.Store(dir)
	p := m.Producer(nil)
	publish(t, p, "t", 10)
	c := m.Consumer(named("n"), "t")
	testmesh.Take(t, c, 10)
	commit(t, c)
	c.Close()
	s.Close()

	impatient := m.Consumer(func(c *consumer.Config) { c.SaveAs, c.StartTimeout = "other", 300*time.Millisecond }, "t")
	if _, err := impatient.Poll(testmesh.Context(t), 1); !errors.Is(err, beck.ErrUnanswered) || !strings.Contains(err.Error(), `"other"`) {
		t.Fatalf("without a store: %v", err)
	}
	if err := impatient.Ready(testmesh.Context(t)); !errors.Is(err, beck.ErrUnanswered) {
		t.Errorf("ready: %v", err)
	}

	c = m.Consumer(named("n"), "t")
	testmesh.Until(t, "it says what it waits for", func() bool { return strings.Contains(c.Stats().Waits, "store") })
	if n := c.Stats().StoresRead; n != 0 {
		t.Errorf("it has read %d stores, and none is there", n)
	}
	m.Store(dir)
	publish(t, p, "t", 1)
	testmesh.InOrder(t, testmesh.Take(t, c, 1), 10, "v")
	if s := c.Stats(); s.Waits != "" || s.StoresRead != 1 {
		t.Errorf("it waits for %q, and began with %d stores", s.Waits, s.StoresRead)
	}
}

func TestNameInUse(t *testing.T) {
	t.Parallel()
	m := testmesh.New(t)
	m.Store("")
	p := m.Producer(nil)
	publish(t, p, "t", 10)
	first := m.Consumer(named("n"), "t")
	testmesh.Take(t, first, 10)
	second := m.Consumer(named("n"), "t")
	if _, err := second.Poll(testmesh.Context(t), 1); !errors.Is(err, beck.ErrNameInUse) || !strings.Contains(err.Error(), first.Address()) {
		t.Fatalf("the second: %v", err)
	}
	if err := second.Commit(testmesh.Context(t)); !errors.Is(err, beck.ErrNameInUse) {
		t.Errorf("the second commits: %v", err)
	}
	other := m.Consumer(named("m"), "t")
	testmesh.Take(t, other, 10)
	commit(t, first)
	first.Close() // which frees the name at once

	began := time.Now()
	third := m.Consumer(named("n"), "t")
	publish(t, p, "t", 1)
	testmesh.InOrder(t, testmesh.Take(t, third, 1), 10, "v")
	t.Logf("the name was free after %v", time.Since(began))
}

// TestNameInUseByFile: the file is its own lock.
func TestNameInUseByFile(t *testing.T) {
	t.Parallel()
	m := testmesh.New(t)
	path := filepath.Join(t.TempDir(), "positions")
	save := func(c *consumer.Config) { c.SaveAs, c.PositionsFile = "n", path }
	first := m.Consumer(save, "t")
	c := consumer.DefaultConfig()
	c.NodeConfig = m.Node
	save(&c)
	if _, err := consumer.Start(c); !errors.Is(err, beck.ErrNameInUse) || !strings.Contains(err.Error(), path) {
		t.Fatalf("the second: %v", err)
	}
	first.Close()
	m.Consumer(save, "t")
}

// TestOneOfManyHoldsTheName: of several that start at the same time one stays.
func TestOneOfManyHoldsTheName(t *testing.T) {
	t.Parallel()
	m := testmesh.New(t)
	m.Store("")
	p := m.Producer(nil)
	publish(t, p, "t", 10)
	var all []*consumer.Consumer
	for range 4 {
		all = append(all, m.Consumer(named("n"), "t"))
	}
	stopped := func() (n int) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		for _, c := range all {
			if err := c.Commit(ctx); errors.Is(err, beck.ErrNameInUse) {
				n++
			}
		}
		return n
	}
	testmesh.Until(t, "all but one have stopped", func() bool { return stopped() == len(all)-1 })
	for _, c := range all {
		if _, err := c.Poll(testmesh.Context(t), 10); err == nil {
			commit(t, c)
		}
	}
	if n := stopped(); n != len(all)-1 {
		t.Errorf("%d of %d have stopped", n, len(all))
	}
}

// TestLatestGoesOnWhereItBegan: what is published after a consumer of new records
// is ready, the next one of its name gets, though nothing was committed; also
// that of new producers. The name reads another topic from its newest on.
func TestLatestGoesOnWhereItBegan(t *testing.T) {
	t.Parallel()
	m := testmesh.New(t)
	m.Store("")
	p, q := m.Producer(nil), m.Producer(nil)
	publish(t, p, "t", 10)
	publish(t, q, "u", 10)
	save := func(c *consumer.Config) { c.SaveAs, c.Start = "n", consumer.Latest }
	c := m.Consumer(save, "t")
	if err := c.Ready(testmesh.Context(t)); err != nil {
		t.Fatal(err)
	}
	testmesh.Until(t, "where it began is saved", func() bool { next, ok := c.Committed("t", p.Address()); return ok && next == 10 })
	c.Close()
	publish(t, p, "t", 3)
	publish(t, q, "t", 2)
	c = m.Consumer(save, "t", "u")
	if err := c.Ready(testmesh.Context(t)); err != nil {
		t.Fatal(err)
	}
	publish(t, q, "u", 1)
	for _, r := range testmesh.Take(t, c, 6) {
		if old := (r.Topic == "u" || r.Partition == p.Address()) && r.Offset < 10; old {
			t.Errorf("it got %v", r.Place())
		}
	}
}

// TestStoreOfSomeTopicsKeepsPositions: they are beck's own, whatever a store is
// told to keep.
func TestStoreOfSomeTopicsKeepsPositions(t *testing.T) {
	t.Parallel()
	m := testmesh.New(t)
	m.Store("", func(c *store.Config) { c.Topics = []string{"t"} })
	p := m.Producer(nil)
	publish(t, p, "t", 5)
	for next := range 2 {
		c := m.Consumer(named("n"), "t")
		if next == 0 {
			testmesh.Take(t, c, 5)
		} else if next, ok := mustWait(t, c, p.Address()); !ok || next != 5 {
			t.Errorf("committed %d, %v", next, ok)
		}
		commit(t, c)
		c.Close()
	}
}

func mustWait(t *testing.T, c *consumer.Consumer, partition string) (uint64, bool) {
	t.Helper()
	if err := c.Ready(testmesh.Context(t)); err != nil {
		t.Fatal(err)
	}
	return c.Committed("t", partition)
}

// TestPositionAhead: all stores have lost everything. Nothing comes twice, and it
// is said.
func TestPositionAhead(t *testing.T) {
	t.Parallel()
	m := testmesh.New(t)
	s := m.Store("")
	p := m.Producer(nil)
	publish(t, p, "t", 10)
	path := filepath.Join(t.TempDir(), "positions")
	gaps := make(chan consumer.Gap, 10)
	save := func(c *consumer.Config) {
		c.SaveAs, c.PositionsFile, c.OnGap = "n", path, func(g consumer.Gap) { gaps <- g }
	}
	c := m.Consumer(save, "t")
	testmesh.Take(t, c, 10)
	commit(t, c)
	c.Close()
	p.Close()
	s.Close()
	m.Store("")
	c = m.Consumer(save, "t")
	select {
	case g := <-gaps:
		if want := (consumer.Gap{Kind: consumer.Ahead, Topic: "t", Partition: p.Address(), First: 0, Last: 9}); g != want {
			t.Errorf("%v, want %v", g, want)
		}
	case <-testmesh.Context(t).Done():
		t.Fatal("nothing was reported")
	}
}

// TestManyPartitions: positions of more partitions than are written at once, few
// of which change, found again.
func TestManyPartitions(t *testing.T) {
	t.Parallel()
	const topics = 500
	m := testmesh.New(t)
	m.Store("")
	p := m.Producer(nil)
	var names []string
	for i := range topics {
		name := fmt.Sprintf("topic-%04d-%s", i, strings.Repeat("x", 40))
		names = append(names, name)
		if err := p.Publish(testmesh.Context(t), beck.Record{Topic: name}); err != nil {
			t.Fatal(err)
		}
	}
	publish(t, p, names[7], 1)
	c := m.Consumer(named("n"), names...)
	all := testmesh.Take(t, c, topics+1)
	for _, r := range all[:topics/10] {
		if err := c.Commit(testmesh.Context(t), r.Place()); err != nil && r.Topic != names[7] {
			t.Fatal(err)
		}
		if r.Offset == 100 {
			break
		}
	}
	commit(t, c)
	publish(t, p, names[3], 1)
	testmesh.Take(t, c, 1)
	commit(t, c)
	c.Close()

	c = m.Consumer(named("n"), names...)
	if err := c.Ready(testmesh.Context(t)); err != nil {
		t.Fatal(err)
	}
	for i, name := range names {
		want := uint64(1)
		if i == 3 || i == 7 {
			want = 2
		}
		if next, ok := c.Committed(name, p.Address()); !ok || next != want {
			t.Fatalf("%s: committed %d, %v, want %d", name, next, ok, want)
		}
	}
}
