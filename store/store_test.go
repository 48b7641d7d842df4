package store_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/consumer"
	"github.com/beckmesh/beck/internal/testmesh"
	"github.com/beckmesh/beck/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestDirectoryRefused(t *testing.T) {
	m := testmesh.New(t)
	used := t.TempDir()
	m.Store(used)
	foreign := t.TempDir()
	if err := os.WriteFile(filepath.Join(foreign, "letter.txt"), []byte("dear"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		dir  string
		want error
	}{
		"in use": {used, beck.ErrInUse}, "no store": {foreign, beck.ErrNotStore}, "none": {"", beck.ErrConfig},
	} {
		c := store.DefaultConfig()
		c.NodeConfig, c.Dir = m.Node, tt.dir
		s, err := store.Start(c)
		if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.dir) {
			t.Errorf("%s: Start returned %v; want %v, naming the directory", name, err, tt.want)
		}
		if s != nil {
			s.Close()
		}
	}
}

func TestRestartGoesOn(t *testing.T) {
	m := testmesh.New(t)
	dir := t.TempDir()
	p, s := m.Producer(nil), m.Store(dir)
	ctx := testmesh.Context(t)
	address := s.Address()
	if err := p.PublishBatch(ctx, testmesh.Records("t", "v", 1000)); err != nil {
		t.Fatal(err)
	}
	if err := p.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := p.PublishBatch(ctx, testmesh.Records("t", "v", 2000)[1000:]); err != nil {
		t.Fatal(err)
	}
	s = m.Store(dir)
	if s.Address() != address {
		t.Errorf("the directory's address changed from %s to %s", address, s.Address())
	}
	if err := p.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if st := s.Stats(); st.Records != 2000 || st.Committed != 1000 {
		t.Errorf("after the restart: %+v", st)
	}
	p.Close()
	got := testmesh.Drain(t, m.Consumer(func(c *consumer.Config) { c.StopAtEnd = true }, "t"))
	if len(got) != 2000 {
		t.Fatalf("%d of 2000 records replay", len(got))
	}
	testmesh.InOrder(t, got, 0, "v")
}

func TestOnlyConfiguredTopics(t *testing.T) {
	m := testmesh.New(t)
	c := store.DefaultConfig()
	c.NodeConfig, c.Dir, c.Topics = m.Node, t.TempDir(), []string{"hello"}
	s, err := store.Start(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	p := m.Producer(nil)
	ctx := testmesh.Context(t)
	for _, topic := range []string{"hello2", "hello"} {
		if err := p.PublishBatch(ctx, testmesh.Records(topic, "v", 10)); err != nil {
			t.Fatal(err)
		}
	}
	testmesh.Until(t, "the topic to be stored", func() bool { return s.Stats().Records == 10 })
	testmesh.Until(t, "its acknowledgement", func() bool { return p.Stats().Unstored == 10 })
	if st := s.Stats(); st.Partitions != 1 || st.Records != 10 {
		t.Errorf("the other topic was stored as well: %+v", st)
	}
}

func TestManyPartitions(t *testing.T) {
	m := testmesh.New(t)
	s := m.Store("")
	p := m.Producer(nil)
	ctx := testmesh.Context(t)
	const topics, each = 300, 5
	var records []beck.Record
	names := make([]string, topics)
	for i := range names {
		names[i] = "topic-" + string(rune('a'+i%26)) + strings.Repeat("x", i/26)
		records = append(records, testmesh.Records(names[i], "v", each)...)
	}
	if err := p.PublishBatch(ctx, records); err != nil {
		t.Fatal(err)
	}
	if err := p.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	p.Close()
	got := testmesh.Drain(t, m.Consumer(func(c *consumer.Config) { c.StopAtEnd = true }, names...))
	if st := s.Stats(); len(got) != topics*each || st.Partitions != topics {
		t.Fatalf("%d of %d records replay, %d of %d partitions stored", len(got), topics*each, st.Partitions, topics)
	}
	testmesh.InOrder(t, got, 0, "v")
}

// A consumer may ask for more topics than a store lists at a time.
func TestManyTopics(t *testing.T) {
	m := testmesh.New(t)
	m.Store("")
	p := m.Producer(nil)
	const topics = 10_000
	names := make([]string, topics)
	records := make([]beck.Record, topics)
	for i := range names {
		names[i] = fmt.Sprint("topic-", i)
		records[i] = beck.Record{Topic: names[i], Value: []byte("v0")}
	}
	ctx := testmesh.Context(t)
	if err := errors.Join(p.PublishBatch(ctx, records), p.Flush(ctx)); err != nil {
		t.Fatal(err)
	}
	p.Close()
	got := testmesh.Drain(t, m.Consumer(func(c *consumer.Config) { c.StopAtEnd = true }, names...))
	if len(got) != topics {
		t.Fatalf("%d of %d records replay", len(got), topics)
	}
}

// A store that comes late has, soon after, what another has of a producer that
// is gone; and what it missed while it was away.
func TestStoresConverge(t *testing.T) {
	m := testmesh.New(t)
	old := m.Store("")
	p := m.Producer(nil)
	ctx := testmesh.Context(t)
	if err := p.PublishBatch(ctx, testmesh.Records("t", "v", 150_000)); err != nil {
		t.Fatal(err)
	}
	if err := p.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	p.Close()
	dir := t.TempDir()
	late := m.Store(dir)
	testmesh.Until(t, "the late store to have everything", func() bool { return late.Stats().Records == 150_000 })
	if err := late.Close(); err != nil {
		t.Fatal(err)
	}
	q := m.Producer(nil)
	if err := q.PublishBatch(ctx, testmesh.Records("t", "v", 1000)); err != nil {
		t.Fatal(err)
	}
	if err := q.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	q.Close()
	late = m.Store(dir)
	testmesh.Until(t, "the store to have what it missed", func() bool { return late.Stats().Records == 151_000 })
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	got := testmesh.Drain(t, m.Consumer(func(c *consumer.Config) { c.StopAtEnd = true }, "t"))
	if len(got) != 151_000 {
		t.Fatalf("%d of 151000 records replay from the late store", len(got))
	}
	testmesh.InOrder(t, got, 0, "v")
}
