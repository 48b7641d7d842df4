package store_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/consumer"
	"github.com/beckmesh/beck/internal/blocklog"
	"github.com/beckmesh/beck/internal/testmesh"
	"github.com/beckmesh/beck/producer"
	"github.com/beckmesh/beck/store"
)

// badDisk is a disk in memory that forgets what was not synced, and fails.
type badDisk struct {
	mem   *vfs.MemFS
	syncs atomic.Int64 // so many fsyncs of the write-ahead log fail
	all   atomic.Bool  // every fsync fails
	full  atomic.Bool
}

func newBadDisk() *badDisk { return &badDisk{mem: vfs.NewCrashableMem()} }

// MaybeError is called before every operation.
func (d *badDisk) MaybeError(op errorfs.Op) error {
	switch op.Kind {
	case errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo:
		if d.all.Load() || strings.HasSuffix(op.Path, ".log") && d.syncs.Load() > 0 && d.syncs.Add(-1) >= 0 {
			return errors.New("input/output error")
		}
	case errorfs.OpCreate, errorfs.OpFileWrite, errorfs.OpFilePreallocate:
		if d.full.Load() {
			return syscall.ENOSPC
		}
	}
	return nil
}

func (d *badDisk) String() string { return "bad disk" }

func (d *badDisk) start(t *testing.T, m *testmesh.Mesh, edit func(*store.Config)) *store.Store {
	t.Helper()
	c := store.DefaultConfig()
	c.NodeConfig, c.Dir = m.Node, "store"
	store.SetDisk(&c, func(o *blocklog.Options) { o.FS = errorfs.Wrap(d.mem, d) })
	if edit != nil {
		edit(&c)
	}
	s, err := store.Start(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// head returns what is on a disk that has just lost power, of the one partition
// that there is.
func head(t *testing.T, fs vfs.FS) uint64 {
	t.Helper()
	l, err := blocklog.Open("store", blocklog.Options{FS: fs, Logger: testmesh.Logger(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for p, state := range l.Partitions() {
		var n uint64
		if err := l.Read(p, 0, 0, func(r blocklog.Record) bool { n++; return r.Seq == n-1 }); err != nil || n != state.Next {
			t.Fatalf("%d of %d records can be read: %v", n, state.Next, err)
		}
		return state.Next
	}
	return 0
}

// TestFailedSync fails one fsync after the other while records come. The store
// opens its log again each time, and at no time is more acknowledged than a loss
// of power would leave. In the end all is acknowledged and can be read.
func TestFailedSync(t *testing.T) {
	m, d := testmesh.New(t), newBadDisk()
	s := d.start(t, m, nil)
	p := m.Producer(func(c *producer.Config) { c.MinStoreAcks = 1 })
	ctx := testmesh.Context(t)
	const rounds, each = 6, 2000
	for round := range uint64(rounds) {
		d.syncs.Store(1)
		if err := p.PublishBatch(ctx, testmesh.Records("t", "v", int(round+1)*each)[round*each:]); err != nil {
			t.Fatal(err)
		}
		testmesh.Until(t, "the log to be opened again", func() bool {
			acknowledged := p.Stats().Stored
			if left := head(t, d.mem.CrashClone(vfs.CrashCloneCfg{})); left < acknowledged {
				t.Fatalf("%d records are acknowledged, a loss of power would leave %d", acknowledged, left)
			}
			return s.Stats().Reopened > round
		})
		if err := p.Flush(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if left := head(t, d.mem.CrashClone(vfs.CrashCloneCfg{})); left != rounds*each {
		t.Errorf("all is acknowledged, a loss of power would leave %d", left)
	}
	if st := s.Stats(); st.Reopened < rounds || st.Records != rounds*each || st.Committed != rounds*each {
		t.Errorf("%+v", st)
	}
	p.Close()
	got := testmesh.Drain(t, m.Consumer(func(c *consumer.Config) { c.StopAtEnd = true }, "t"))
	if len(got) != rounds*each {
		t.Fatalf("%d of %d records replay", len(got), rounds*each)
	}
	testmesh.InOrder(t, got, 0, "v")
}

// TestDiskGivenUp: a store whose disk fails for good stops, and says why.
func TestDiskGivenUp(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	t.Parallel()
	m, d := testmesh.New(t), newBadDisk()
	s := d.start(t, m, nil)
	p := m.Producer(func(c *producer.Config) { c.MinStoreAcks = 1 })
	ctx := testmesh.Context(t)
	if err := errors.Join(p.PublishBatch(ctx, testmesh.Records("t", "v", 100)), p.Flush(ctx)); err != nil {
		t.Fatal(err)
	}
	d.all.Store(true)
	if err := p.PublishBatch(ctx, testmesh.Records("t", "v", 200)[100:]); err != nil {
		t.Fatal(err)
	}
	select {
	case <-s.Failed():
	case <-time.After(2 * time.Minute):
		t.Fatal("it goes on")
	}
	if n := p.Stats().Stored; n != 100 {
		t.Errorf("%d records are acknowledged", n)
	}
	if err := s.Close(); err == nil || !strings.Contains(err.Error(), "input/output error") ||
		!strings.Contains(err.Error(), "attempt") {
		t.Errorf("it stopped with %v", err)
	}
	if left := head(t, d.mem.CrashClone(vfs.CrashCloneCfg{})); left < 100 {
		t.Errorf("%d records are left", left)
	}
}

// TestCloseOnFullDisk: closing does not wait for room for ever.
func TestCloseOnFullDisk(t *testing.T) {
	m, d := testmesh.New(t), newBadDisk()
	var told atomic.Value
	told.Store([]bool(nil))
	s := d.start(t, m, func(c *store.Config) {
		c.OnFull = func(full bool) { told.Store(append(told.Load().([]bool), full)) }
	})
	p := m.Producer(func(c *producer.Config) { c.MinStoreAcks = 1 })
	ctx := testmesh.Context(t)
	if err := errors.Join(p.PublishBatch(ctx, testmesh.Records("t", "v", 100)), p.Flush(ctx)); err != nil {
		t.Fatal(err)
	}
	fill := func(full bool) {
		d.full.Store(full)
		r := beck.Record{Topic: "t", Value: []byte(strings.Repeat("x", 100_000))}
		if err := p.Publish(ctx, r); err != nil {
			t.Fatal(err)
		}
		testmesh.Until(t, fmt.Sprint("full to be ", full), func() bool { return s.Stats().DiskFull == full })
	}
	fill(true)
	d.full.Store(false)
	if err := p.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	fill(true)
	if got := fmt.Sprint(told.Load()); got != "[true false true]" {
		t.Errorf("told %s", got)
	}
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	select {
	case err := <-closed:
		if !errors.Is(err, blocklog.ErrFull) {
			t.Errorf("closed with %v", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("close waits for room")
	}
	if n := p.Stats().Stored; n != 101 {
		t.Errorf("%d records are acknowledged", n)
	}
	d.full.Store(false) // what was left behind ends
}
