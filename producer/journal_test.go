package producer_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/consumer"
	"github.com/beckmesh/beck/internal/testmesh"
	"github.com/beckmesh/beck/producer"
)

func journaled(dir string) func(*producer.Config) {
	return func(c *producer.Config) { c.Journal, c.Linger = dir, 10*time.Millisecond }
}

// A producer that ends with unstored records publishes them when it is started
// on its journal again, under the same address and with the next offset.
func TestJournalGoesOn(t *testing.T) {
	m := testmesh.New(t)
	dir := filepath.Join(t.TempDir(), "journal")
	ctx := testmesh.Context(t)
	p := m.Producer(journaled(dir))
	address := p.Address()
	if err := p.PublishBatch(ctx, testmesh.Records("t", "v", 1000)); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	p = m.Producer(journaled(dir))
	if p.Address() != address || p.NextOffset("t") != 1000 || p.Stats().Recovered != 1000 {
		t.Fatalf("%s goes on at %d with %+v; it was %s and had published 1000", p.Address(), p.NextOffset("t"), p.Stats(), address)
	}
	m.Store("")
	if err := p.PublishBatch(ctx, testmesh.Records("t", "v", 1100)[1000:]); err != nil {
		t.Fatal(err)
	}
	if err := p.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if s := p.Stats(); s.Stored != 1100 || s.Unstored != 0 {
		t.Errorf("after Flush: %+v", s)
	}
	p.Close()
	got := testmesh.Drain(t, m.Consumer(func(c *consumer.Config) { c.StopAtEnd = true }, "t"))
	if len(got) != 1100 {
		t.Fatalf("%d of 1100 records replay", len(got))
	}
	testmesh.InOrder(t, got, 0, "v")
	if p = m.Producer(journaled(dir)); p.Stats().Recovered != 0 || p.NextOffset("t") != 1100 {
		t.Errorf("with everything stored it goes on at %d with %+v", p.NextOffset("t"), p.Stats())
	}
}

// Without stores to wait for, PublishSync returns when the journal has it.
func TestJournalSyncsWithoutStores(t *testing.T) {
	p := testmesh.New(t).Producer(func(c *producer.Config) {
		c.Journal, c.MinStoreAcks = t.TempDir(), 0
	})
	ctx := testmesh.Context(t)
	for i := range uint64(20) {
		if o, err := p.PublishSync(ctx, beck.Record{Topic: "t"}); err != nil || o.Offset != i {
			t.Fatalf("record %d: %v, %v", i, o, err)
		}
	}
}

func TestJournalRefused(t *testing.T) {
	m := testmesh.New(t)
	used, foreign := t.TempDir(), t.TempDir()
	m.Producer(journaled(used))
	if err := os.WriteFile(filepath.Join(foreign, "letter.txt"), []byte("dear"), 0o600); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]error{used: beck.ErrInUse, foreign: beck.ErrNotJournal} {
		c := producer.DefaultConfig()
		c.NodeConfig, c.Journal = m.Node, dir
		p, err := producer.Start(c)
		if !errors.Is(err, want) {
			t.Errorf("Start returned %v, want %v", err, want)
		}
		if p != nil {
			p.Close()
		}
	}
}

// What a record has besides its value, and how that is compressed, is kept too.
func TestJournalKeepsWholeRecords(t *testing.T) {
	m := testmesh.New(t)
	dir := filepath.Join(t.TempDir(), "journal")
	ctx := testmesh.Context(t)
	compressed := func(c *producer.Config) { journaled(dir)(c); c.Compression = producer.Zstd }
	want := beck.Record{
		Topic: "t", Key: []byte{}, Value: bytes.Repeat([]byte("value "), 100),
		Headers: []beck.Header{{Name: "n", Value: []byte("1")}, {Name: "n", Value: []byte{}}},
		Time:    time.UnixMilli(1_000_000_000_000).UTC(),
	}
	p := m.Producer(compressed)
	want.Partition, want.Source = p.Address(), beck.FromProducer
	if err := p.Publish(ctx, want); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	m.Producer(compressed)
	got := testmesh.Take(t, m.Consumer(nil, "t"), 1)[0]
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("the record (-want +got):\n%s", d)
	}
}
