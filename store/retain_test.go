package store_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/consumer"
	"github.com/beckmesh/beck/internal/testmesh"
	"github.com/beckmesh/beck/producer"
	"github.com/beckmesh/beck/store"
)

// retain gives a store rules.
func retain(rules ...string) func(*store.Config) {
	return func(c *store.Config) { c.Retain = rules }
}

// publish writes records and waits until they are stored.
func publish(t *testing.T, p *producer.Producer, records []beck.Record) {
	t.Helper()
	ctx := testmesh.Context(t)
	if err := p.PublishBatch(ctx, records); err != nil {
		t.Fatal(err)
	}
	if err := p.Flush(ctx); err != nil {
		t.Fatal(err)
	}
}

// gaps notes what consumers are told.
type gaps struct {
	mu  sync.Mutex
	all []consumer.Gap
}

func (g *gaps) note(gap consumer.Gap) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all = append(g.all, gap)
}

func (g *gaps) kinds() (expired, other []consumer.Gap) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, gap := range g.all {
		if gap.Kind == consumer.Expired {
			expired = append(expired, gap)
		} else {
			other = append(other, gap)
		}
	}
	return expired, other
}

// replay reads all there is, and what a consumer is told of gaps.
func replay(t *testing.T, m *testmesh.Mesh, topics ...string) ([]beck.Record, *gaps) {
	t.Helper()
	g := new(gaps)
	c := m.Consumer(func(c *consumer.Config) { c.StopAtEnd, c.OnGap = true, g.note }, topics...)
	records := testmesh.Drain(t, c)
	c.Close()
	return records, g
}

// Of 5,000 records with records:1000 exactly the last 1,000 are served, and a
// consumer is told what expired and never waits for it.
func TestRetainRecords(t *testing.T) {
	m := testmesh.New(t)
	dir := t.TempDir()
	s := m.Store(dir, retain("logs.*=records:1000"))
	p := m.Producer(nil)
	publish(t, p, testmesh.Records("logs.web", "v", 5000))
	publish(t, p, testmesh.Records("audit", "v", 5000))
	p.Close()
	testmesh.Until(t, "retention", func() bool { st := s.Stats(); return st.Records == 6000 && st.Trimmed == 4000 })
	for range 2 { // and after a restart
		got, told := replay(t, m, "logs.web")
		if len(got) != 1000 {
			t.Fatalf("%d records are served, not 1000", len(got))
		}
		testmesh.InOrder(t, got, 4000, "v")
		expired, other := told.kinds()
		if len(other) > 0 || len(expired) != 1 || expired[0].First != 0 || expired[0].Last != 3999 {
			t.Errorf("the consumer was told %+v and %+v", expired, other)
		}
		if got, _ := replay(t, m, "audit"); len(got) != 5000 {
			t.Errorf("%d records of the other topic", len(got))
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = m.Store(dir, retain("logs.*=records:1000"))
	}
}

// A stricter rule at the next start holds before anything is served.
func TestRetainAtStart(t *testing.T) {
	m := testmesh.New(t)
	dir := t.TempDir()
	s := m.Store(dir)
	p := m.Producer(nil)
	publish(t, p, testmesh.Records("t", "v", 3000))
	p.Close()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = m.Store(dir, retain("t=bytes:100B,records:2000"))
	if st := s.Stats(); st.Records != 20 { // of five bytes each
		t.Errorf("%d records, not 20", st.Records)
	}
}

// What is too old goes, and does not come back from a store that keeps it; the
// age counts from when a store saw it first, wherever that was.
func TestRetainAge(t *testing.T) {
	m := testmesh.New(t)
	const age = 2 * time.Second
	all, young := m.Store(""), m.Store("", retain(">=age:2s"))
	p := m.Producer(func(c *producer.Config) { c.MinStoreAcks = 2 })
	publish(t, p, testmesh.Records("t", "v", 1000))
	p.Close()
	seen := time.Now()
	testmesh.Until(t, "the records to be too old", func() bool { return young.Stats().Records == 0 })
	if waited := time.Since(seen); waited < age/2 {
		t.Errorf("the records went after %v", waited)
	}
	// A store that knows nothing of them takes them over with their age.
	late := m.Store("", retain(">=age:2s"))
	testmesh.Until(t, "the late store to have dropped them", func() bool { return late.Stats().Trimmed == 1000 })
	took := m.Store("")
	testmesh.Until(t, "the store that keeps everything", func() bool { return took.Stats().Records == 1000 })
	if n := young.Stats().Records + late.Stats().Records; n > 0 {
		t.Errorf("%d records came back", n)
	}
	if n := all.Stats().Records; n != 1000 {
		t.Errorf("the other store has %d records", n)
	}
}

// A purge spreads, to a store that was away too, and nothing of it comes back.
func TestPurge(t *testing.T) {
	m := testmesh.New(t)
	dir := t.TempDir()
	one, away := m.Store(""), m.Store(dir)
	p := m.Producer(func(c *producer.Config) { c.MinStoreAcks = 2 })
	publish(t, p, testmesh.Records("t", "v", 1000))
	address := p.Address()
	p.Close()
	if err := away.Close(); err != nil {
		t.Fatal(err)
	}
	two := m.Store("")
	testmesh.Until(t, "the third store to have everything", func() bool { return two.Stats().Records == 1000 })
	if err := one.Purge("t", address, 600); err != nil {
		t.Fatal(err)
	}
	if n := one.Stats().Records; n != 400 {
		t.Errorf("%d records are left, not 400", n)
	}
	testmesh.Until(t, "the purge to spread", func() bool { return two.Stats().Records == 400 })
	away = m.Store(dir)
	testmesh.Until(t, "the purge to reach who was away", func() bool { return away.Stats().Records == 400 })
	if n := one.Stats().Records; n != 400 {
		t.Errorf("%d records after the store came back", n)
	}
	if err := away.Purge("t", address, 5000); err != nil { // beyond the head
		t.Fatal(err)
	}
	testmesh.Until(t, "all to be gone", func() bool { return one.Stats().Records+two.Stats().Records == 0 })
	for name, err := range map[string]error{
		"no topic": one.Purge("", address, 1), "no address": one.Purge("t", "nobody", 1),
	} {
		if err == nil {
			t.Errorf("%s: purged", name)
		}
	}
	two.Close()
	if err := two.Purge("t", address, 1); !errors.Is(err, beck.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// A purge while records come: what comes behind it is stored and acknowledged.
func TestPurgeWhilePublishing(t *testing.T) {
	m := testmesh.New(t)
	s := m.Store("")
	p := m.Producer(nil)
	ctx, cancel := context.WithCancel(testmesh.Context(t))
	done := make(chan error, 1)
	go func() {
		for i := 0; i < 200 && ctx.Err() == nil; i++ {
			if err := p.PublishBatch(ctx, testmesh.Records("t", "v", 100)); err != nil {
				done <- err
				return
			}
		}
		done <- p.Flush(ctx)
	}()
	for purged := uint64(0); purged < 15_000; {
		purged = s.Heads()[beck.Offset{Topic: "t", Partition: p.Address()}] + 50 // beyond: all there are
		if err := s.Purge("t", p.Address(), purged); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	cancel()
	if next := s.Heads()[beck.Offset{Topic: "t", Partition: p.Address()}]; next != 20_000 {
		t.Errorf("the store has got to %d of 20000", next)
	}
}

// A late store fetches what lies below where it began, when a store comes that
// has it.
func TestHoleFilled(t *testing.T) {
	m := testmesh.New(t)
	whole := t.TempDir()
	old, some := m.Store(whole), m.Store("", retain("t=records:100"))
	p := m.Producer(func(c *producer.Config) { c.MinStoreAcks = 2 })
	publish(t, p, testmesh.Records("t", "v", 3000))
	p.Close()
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	testmesh.Until(t, "retention", func() bool { return some.Stats().Records == 100 })
	late := m.Store("")
	testmesh.Until(t, "the late store to have what is there", func() bool { return late.Stats().Records == 100 })
	if got, told := replay(t, m, "t"); len(got) != 100 {
		expired, other := told.kinds()
		t.Errorf("%d records, told %+v and %+v", len(got), expired, other)
	}
	m.Store(whole)
	testmesh.Until(t, "the late store to have the rest", func() bool { return late.Stats().Records == 3000 })
	if st := late.Stats(); st.Missing != 0 || st.Filled != 2900 {
		t.Errorf("%+v", st)
	}
	got, told := replay(t, m, "t")
	if expired, other := told.kinds(); len(got) != 3000 || len(expired)+len(other) > 0 {
		t.Errorf("%d records, told %+v and %+v", len(got), expired, other)
	}
	testmesh.InOrder(t, got, 0, "v")
}

func TestRetainRefused(t *testing.T) {
	for _, rule := range []string{"logs", "=records:1", "a=records:0", "a=records:x", "a=size:5", "a.>.b=age:1h", "a=age:1h,age:2h"} {
		c := store.DefaultConfig()
		c.Dir, c.Retain = t.TempDir(), []string{rule}
		if _, err := store.Start(c); !errors.Is(err, beck.ErrConfig) || !strings.Contains(err.Error(), "Retain") {
			t.Errorf("%s: %v", rule, err)
		}
	}
}

// A store that was away for longer than tombstones are kept hears of what was
// purged before it serves anything.
func TestAwayForLong(t *testing.T) {
	m := testmesh.New(t)
	short := func(c *store.Config) { c.TombstoneAge = time.Second }
	dir := t.TempDir()
	stays, away := m.Store("", short), m.Store(dir, short)
	p := m.Producer(func(c *producer.Config) { c.MinStoreAcks = 2 })
	publish(t, p, testmesh.Records("t", "v", 1000))
	written := time.Now()
	address := p.Address()
	p.Close()
	if err := away.Close(); err != nil {
		t.Fatal(err)
	}
	if err := stays.Purge("t", address, 600); err != nil {
		t.Fatal(err)
	}
	testmesh.Until(t, "the store to be away for long", func() bool { return time.Since(written) > 1100*time.Millisecond })
	for range 3 {
		away = m.Store(dir, short)
		got, _ := replay(t, m, "t")
		if len(got) != 400 {
			t.Fatalf("%d records are served, not 400", len(got))
		}
		testmesh.InOrder(t, got, 600, "v")
		away.Close()
	}
}
