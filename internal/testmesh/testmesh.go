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
	"github.com/beckmesh/beck/meshtest"
	"github.com/beckmesh/beck/producer"
	"github.com/beckmesh/beck/store"
	"github.com/beckmesh/beck/tower"
)

// Patience is how long a test waits for what must happen.
const Patience = 20 * time.Second

// Mesh is a tower and the settings of the nodes that join it: a mesh of package
// meshtest on real sockets and without stores, whose producers wait for a store
// unless they are told otherwise. Node may be changed.
type Mesh struct {
	*meshtest.Mesh
	Tower *tower.Tower
	Node  beck.NodeConfig
}

// New starts a tower.
func New(t testing.TB) *Mesh {
	t.Helper()
	m := meshtest.New(t, meshtest.OnPorts(), meshtest.NoStore(), meshtest.Logger(Logger(t)))
	return &Mesh{Mesh: m, Tower: m.Tower(), Node: m.NodeConfig()}
}

// Logger returns a logger for nodes: warnings and worse go to the test's log.
func Logger(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// Producer starts a producer; edit may be nil.
func (m *Mesh) Producer(edit func(*producer.Config)) *producer.Producer {
	return m.Mesh.Producer(func(c *producer.Config) {
		c.NodeConfig, c.MinStoreAcks = m.Node, producer.DefaultConfig().MinStoreAcks
		if edit != nil {
			edit(c)
		}
	})
}

// Consumer starts a consumer of topics from their beginning; edit may be nil.
func (m *Mesh) Consumer(edit func(*consumer.Config), topics ...string) *consumer.Consumer {
	return m.Mesh.ConsumerWith(func(c *consumer.Config) {
		c.NodeConfig = m.Node
		if edit != nil {
			edit(c)
		}
	}, topics...)
}

// Store starts a store on dir, which is a fresh one when it is empty.
func (m *Mesh) Store(dir string, edits ...func(*store.Config)) *store.Store {
	join := func(c *store.Config) { c.NodeConfig = m.Node }
	return m.Mesh.Store(dir, append([]func(*store.Config){join}, edits...)...)
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
