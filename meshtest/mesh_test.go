package meshtest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/consumer"
	"github.com/beckmesh/beck/meshtest"
	"github.com/beckmesh/beck/producer"
	"github.com/beckmesh/beck/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// networks runs a test on links in memory and on ports.
func networks(t *testing.T, test func(t *testing.T, option meshtest.Option)) {
	t.Run("memory", func(t *testing.T) { test(t, meshtest.Patience(20*time.Second)) })
	t.Run("ports", func(t *testing.T) { test(t, meshtest.OnPorts()) })
}

func TestPublishAndExpect(t *testing.T) {
	networks(t, func(t *testing.T, option meshtest.Option) {
		m := meshtest.New(t, option)
		m.Publish("t", "a", "b")
		m.Publish("t", "c")
		m.Expect("t", "a", "b", "c")
		if got := m.Values("t"); !slices.Equal(got, []string{"a", "b", "c"}) {
			t.Errorf("the topic holds %q", got)
		}
		if got := m.Values("other"); len(got) != 0 {
			t.Errorf("a topic that nobody wrote holds %q", got)
		}
	})
}

func TestMuchGoesThroughMemory(t *testing.T) {
	m := meshtest.New(t)
	const n, size = 2000, 10 << 10 // far more than a link holds
	p := m.Producer()
	go func() {
		for i := range n {
			value := append(make([]byte, size), fmt.Sprint(i)...)
			if err := p.Publish(m.Context(), beck.Record{Topic: "t", Value: value}); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	for i, r := range m.Take(m.Consumer("t"), n) {
		if r.Offset != uint64(i) || string(r.Value[size:]) != fmt.Sprint(i) {
			t.Fatalf("record %d has offset %d and ends with %q", i, r.Offset, r.Value[size:])
		}
	}
}

func TestSeveralProducersInAnyOrder(t *testing.T) {
	m := meshtest.New(t)
	for i := range 3 {
		record := beck.Record{Topic: "t", Value: fmt.Append(nil, i)}
		if _, err := m.Producer().PublishSync(m.Context(), record); err != nil {
			t.Fatal(err)
		}
	}
	m.Expect("t", "2", "0", "1")
}

func TestWithoutStores(t *testing.T) {
	networks(t, func(t *testing.T, option meshtest.Option) {
		m := meshtest.New(t, option, meshtest.NoStore())
		m.Publish("t", "only in memory")
		m.Expect("t", "only in memory")
		if n := len(m.Stores()); n != 0 {
			t.Errorf("the mesh has %d stores", n)
		}
	})
}

func TestStoresOnADirectory(t *testing.T) {
	dir := t.TempDir()
	t.Run("first", func(t *testing.T) {
		m := meshtest.New(t, meshtest.Stores(2), meshtest.Dir(dir))
		p := m.Producer(func(c *producer.Config) { c.MinStoreAcks = 2 })
		if _, err := p.PublishSync(m.Context(), beck.Record{Topic: "t", Value: []byte("kept")}); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("again", func(t *testing.T) {
		meshtest.New(t, meshtest.Stores(2), meshtest.Dir(dir)).Expect("t", "kept")
	})
	t.Run("one of them", func(t *testing.T) {
		m := meshtest.New(t, meshtest.NoStore())
		m.Store(filepath.Join(dir, "store-1"))
		m.Expect("t", "kept")
	})
}

func TestStoreConfigIsUsed(t *testing.T) {
	m := meshtest.New(t, meshtest.StoreConfig(func(c *store.Config) { c.Topics = []string{"kept"} }))
	m.Publish("kept", "x")
	p := m.Producer()
	if err := p.Publish(m.Context(), beck.Record{Topic: "other"}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := p.Flush(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a topic that no store keeps was flushed: %v", err)
	}
}

func TestKillAndRestart(t *testing.T) {
	networks(t, func(t *testing.T, option meshtest.Option) {
		m := meshtest.New(t, option, meshtest.Stores(2))
		m.Publish("t", "before")
		first, second := m.Stores()[0], m.Stores()[1]
		address := first.Address()
		m.KillStore(first)
		m.Publish("t", "without it")
		first = m.RestartStore(first)
		if first.Address() != address || m.Stores()[0] != first {
			t.Error("the restarted store is not the one that was killed")
		}
		awaitRecords(t, m, first, 2)
		m.KillStore(second)
		m.Expect("t", "before", "without it")
	})
}

// awaitRecords waits until the store has so many records of the topic t.
func awaitRecords(t *testing.T, m *meshtest.Mesh, s *store.Store, n uint64) {
	t.Helper()
	ctx := m.Context()
	for {
		var has uint64
		for place, next := range s.Heads() {
			if place.Topic == "t" {
				has += next
			}
		}
		if has >= n {
			return
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			t.Fatalf("the store has %d of %d records", has, n)
		}
	}
}

func TestPartitionAndHeal(t *testing.T) {
	m := meshtest.New(t)
	p, c := m.Producer(), m.Consumer("t")
	record := beck.Record{Topic: "t", Value: []byte("x")}
	if _, err := p.PublishSync(m.Context(), record); err != nil {
		t.Fatal(err)
	}
	m.Take(c, 1)
	m.Partition(p)
	if err := p.Publish(m.Context(), record); err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if got, err := c.Poll(short, 1); len(got) > 0 || !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("across the partition came %d records, %v", len(got), err)
	}
	if n := p.Stats().Unstored; n != 1 {
		t.Fatalf("%d records are not stored, want 1", n)
	}
	m.Heal()
	m.Take(c, 1)
	if err := p.Flush(m.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestPartitionOfOnesOwnNode(t *testing.T) {
	m := meshtest.New(t, meshtest.NoStore())
	c, err := consumer.Start(m.ConsumerConfig("t"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	m.Partition(c)
	m.Publish("t", "x")
	short, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if got, err := c.Poll(short, 1); len(got) > 0 || !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("across the partition came %d records, %v", len(got), err)
	}
	m.Heal()
	m.Take(c, 1)
}

func TestTowerRestarts(t *testing.T) {
	networks(t, func(t *testing.T, option meshtest.Option) {
		m := meshtest.New(t, option)
		m.Publish("t", "with the tower")
		m.KillTower()
		m.Publish("t", "without")
		c := m.Consumer("t")
		short, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		if got, err := c.Poll(short, 1); len(got) > 0 || !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("a consumer that nobody introduced got %d records, %v", len(got), err)
		}
		m.RestartTower()
		m.Take(c, 2)
	})
}

func TestMeshesDoNotMeet(t *testing.T) {
	m, other := meshtest.New(t), meshtest.New(t)
	m.Publish("t", "x")
	other.Publish("t", "y")
	m.Expect("t", "x")
	other.Expect("t", "y")
}

// TestFailures sees that the helpers fail a test, and what they say.
func TestFailures(t *testing.T) {
	for _, tt := range []struct {
		name    string
		options []meshtest.Option
		do      func(*meshtest.Mesh)
		want    string
	}{
		{"too few", []meshtest.Option{meshtest.Patience(time.Second)}, func(m *meshtest.Mesh) {
			m.Publish("t", "a")
			m.Expect("t", "a", "b")
		}, `topic "t" has 1 of 2 records`},
		{"others", nil, func(m *meshtest.Mesh) {
			m.Publish("t", "a", "b")
			m.Expect("t", "b", "a")
		}, `got ["a" "b"]`},
		{"no such topic", nil, func(m *meshtest.Mesh) { m.Publish("", "a") }, "publish 1 records"},
		{"a store of another mesh", nil, func(m *meshtest.Mesh) { m.KillStore(new(store.Store)) }, "not started by this mesh"},
		{"partition of ports", []meshtest.Option{meshtest.OnPorts()}, func(m *meshtest.Mesh) { m.Partition() }, "cannot be partitioned"},
		{"stores", []meshtest.Option{meshtest.Stores(-1)}, func(*meshtest.Mesh) {}, "want 0 to 64"},
		{"patience", []meshtest.Option{meshtest.Patience(0)}, func(*meshtest.Mesh) {}, "want more than 0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inner := newT()
			inner.run(func() { tt.do(meshtest.New(inner, tt.options...)) })
			if !strings.Contains(inner.failed, tt.want) {
				t.Errorf("the test failed with %q, want %q", inner.failed, tt.want)
			}
		})
	}
}

func TestReadsEnd(t *testing.T) {
	m := meshtest.New(t)
	c := m.ConsumerWith(func(c *consumer.Config) { c.StopAtEnd = true }, "t")
	if _, err := c.Poll(m.Context(), 1); err != io.EOF {
		t.Errorf("Poll returned %v, want io.EOF", err)
	}
}
