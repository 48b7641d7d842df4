// Package testmesh gives a test a mesh of its own on loopback ports, which ends
// with the test.
package testmesh

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/consumer"
	"github.com/beckmesh/beck/producer"
	"github.com/beckmesh/beck/store"
	"github.com/beckmesh/beck/tower"
)

// Patience is how long a test waits for what must happen.
const Patience = 20 * time.Second

// Mesh is a tower and the settings of the nodes that join it.
type Mesh struct {
	t     testing.TB
	Tower *tower.Tower
	Node  beck.NodeConfig
}

// New starts a tower.
func New(t testing.TB) *Mesh {
	t.Helper()
	c := tower.DefaultConfig()
	c.Sub, c.Pub, c.Logger = "tcp://127.0.0.1:0", "tcp://127.0.0.1:0", Logger(t)
	tw, err := tower.Start(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tw.Close() })
	return &Mesh{t: t, Tower: tw, Node: beck.NodeConfig{
		Sub: []string{tw.Sub()}, Pub: []string{tw.Pub()}, Listen: "127.0.0.1:0", Logger: Logger(t),
	}}
}

// Logger returns a logger for nodes: warnings and worse go to the test's log.
func Logger(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// Producer starts a producer; edit may be nil.
func (m *Mesh) Producer(edit func(*producer.Config)) *producer.Producer {
	m.t.Helper()
	c := producer.DefaultConfig()
	c.NodeConfig = m.Node
	if edit != nil {
		edit(&c)
	}
	p, err := producer.Start(c)
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { p.Close() })
	return p
}

// Consumer starts a consumer of topics from their beginning; edit may be nil.
func (m *Mesh) Consumer(edit func(*consumer.Config), topics ...string) *consumer.Consumer {
	m.t.Helper()
	c := consumer.DefaultConfig()
	c.NodeConfig, c.Topics, c.Start = m.Node, topics, consumer.Earliest
	if edit != nil {
		edit(&c)
	}
	con, err := consumer.Start(c)
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { con.Close() })
	return con
}

// Store starts a store on dir, which is a fresh one when it is empty.
func (m *Mesh) Store(dir string, edits ...func(*store.Config)) *store.Store {
	m.t.Helper()
	c := store.DefaultConfig()
	c.NodeConfig, c.Dir = m.Node, dir
	if dir == "" {
		c.Dir = m.t.TempDir()
	}
	for _, edit := range edits {
		edit(&c)
	}
	s, err := store.Start(c)
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { s.Close() })
	return s
}

// Context returns a context that ends with the test's patience.
func Context(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	t.Cleanup(cancel)
	return ctx
}

// Until waits for a condition.
func Until(t testing.TB, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(Patience); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("gave up waiting for: %s", what)
		}
	}
}

// Records returns n records of a topic, with values "prefix0" to "prefix(n-1)".
func Records(topic, prefix string, n int) []beck.Record {
	records := make([]beck.Record, n)
	for i := range records {
		records[i] = beck.Record{Topic: topic, Value: fmt.Appendf(nil, "%s%d", prefix, i)}
	}
	return records
}

// Take polls n records.
func Take(t testing.TB, c *consumer.Consumer, n int) []beck.Record {
	t.Helper()
	ctx := Context(t)
	var all []beck.Record
	for len(all) < n {
		records, err := c.Poll(ctx, n-len(all))
		if err != nil {
			t.Fatalf("after %d of %d records: %v", len(all), n, err)
		}
		all = append(all, records...)
	}
	return all
}

// Drain polls until the end of what was known at the start.
func Drain(t testing.TB, c *consumer.Consumer) []beck.Record {
	t.Helper()
	ctx := Context(t)
	var all []beck.Record
	for {
		records, err := c.Poll(ctx, 1000)
		all = append(all, records...)
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatalf("after %d records: %v", len(all), err)
		}
	}
}

// InOrder fails the test unless each partition's records follow each other from
// first on, with values prefix and their offset.
func InOrder(t testing.TB, records []beck.Record, first uint64, prefix string) {
	t.Helper()
	next := make(map[string]uint64)
	for _, r := range records {
		key := r.Topic + "/" + r.Partition
		if _, known := next[key]; !known {
			next[key] = first
		}
		if want := fmt.Sprintf("%s%d", prefix, r.Offset); r.Offset != next[key] || string(r.Value) != want {
			t.Fatalf("got %s offset %d value %q, want offset %d value %q", key, r.Offset, r.Value, next[key], want)
		}
		next[key]++
	}
}
