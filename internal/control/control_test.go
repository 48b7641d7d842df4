package control_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/blocklog"
	"github.com/beckmesh/beck/internal/control"
	"github.com/beckmesh/beck/internal/survey"
	"github.com/beckmesh/beck/internal/testdisk"
	"github.com/beckmesh/beck/internal/testmesh"
	"github.com/beckmesh/beck/store"
)

// serve starts a store in a directory, and listens there.
func serve(t *testing.T, m *testmesh.Mesh, dir string) (*store.Store, *control.Server, *control.Client) {
	t.Helper()
	st := m.Store(dir)
	s, err := control.Serve(dir, st, survey.Config{NodeConfig: m.Node})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) // before the mesh
	return st, s, control.NewClient(dir)
}

func checkpoint(t *testing.T, c *control.Client) *control.Lease {
	t.Helper()
	l, err := c.Checkpoint(testmesh.Context(t))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// wantNone waits until a store's directory has no checkpoints.
func wantNone(t *testing.T, dir string) {
	t.Helper()
	testmesh.Until(t, "the checkpoints to be removed", func() bool {
		names, _ := filepath.Glob(filepath.Join(dir, "checkpoints", "*"))
		return len(names) == 0
	})
}

// TestBackupWhileStoring: all that was acknowledged before a backup began is in it,
// in order and whole, whatever comes meanwhile.
func TestBackupWhileStoring(t *testing.T) {
	m, dir, top := testmesh.New(t), filepath.Join(t.TempDir(), "s"), t.TempDir()
	_, _, c := serve(t, m, dir)
	p := m.Producer(nil)
	var acknowledged atomic.Uint64
	quit, done := make(chan struct{}), make(chan error, 1)
	go func() {
		for {
			select {
			case <-quit:
				done <- nil
				return
			default:
			}
			off, err := p.PublishSync(context.Background(), beck.Record{Topic: "hello", Value: fmt.Append(nil, "v", acknowledged.Load())})
			if err != nil {
				done <- err
				return
			}
			acknowledged.Store(off.Offset + 1)
		}
	}()
	for i := range uint64(3) {
		testmesh.Until(t, "more records", func() bool { return acknowledged.Load() > i*50 })
		before := acknowledged.Load()
		l := checkpoint(t, c)
		testmesh.Until(t, "acknowledgements to go on", func() bool { return acknowledged.Load() > before+5 })
		file, restored := filepath.Join(top, fmt.Sprint(i)), filepath.Join(top, fmt.Sprint("restored", i))
		a, err := blocklog.Backup(l.Context, l.Dir, file, false, blocklog.Options{}, nil)
		l.Close()
		wantNone(t, dir)
		if err != nil || a.Records < before {
			t.Fatalf("%+v, %v; %d had been acknowledged", a, err, before)
		}
		if _, _, err := blocklog.Restore(testmesh.Context(t), file, restored, false, blocklog.Options{}, nil); err != nil {
			t.Fatal(err)
		}
		audit, err := blocklog.Verify(testmesh.Context(t), restored, blocklog.Options{}, nil)
		if err != nil || audit.Faulty > 0 || audit.Missing > 0 || audit.Records != a.Records {
			t.Fatalf("%+v, %v", audit, err)
		}
		wantValues(t, restored, a.Records)
	}
	close(quit)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// wantValues: a restored store has so many records, with the values "vOFFSET".
func wantValues(t *testing.T, dir string, records uint64) {
	t.Helper()
	l, err := blocklog.Open(dir, blocklog.Options{Logger: testmesh.Logger(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for p := range l.Partitions() {
		next := uint64(0)
		for next < records {
			first := next
			if err := l.Read(p, next, 0, func(r blocklog.Record) bool {
				if want := fmt.Sprint("v", next); r.Seq != next || string(r.Content) != want {
					t.Fatalf("record %d is %q, want %d %q", r.Seq, r.Content, next, want)
				}
				next++
				return true
			}); err != nil || next == first {
				t.Fatalf("read up to %d of %d: %v", next, records, err)
			}
		}
	}
}

// TestCheckpointGoesWithClient: it is there until its client closes it, or is gone.
func TestCheckpointGoesWithClient(t *testing.T) {
	m, dir := testmesh.New(t), t.TempDir()
	serve(t, m, dir)
	ctx, cancel := context.WithCancel(testmesh.Context(t))
	c := control.NewClient(dir)
	l, err := c.Checkpoint(ctx)
	if err != nil {
		t.Fatal(err)
	}
	second := checkpoint(t, c)
	if _, err := os.Stat(filepath.Join(l.Dir, "store.json")); err != nil || l.Dir == second.Dir {
		t.Errorf("%s and %s: %v", l.Dir, second.Dir, err)
	}
	second.Close()
	cancel() // as the system does with the connection of a process that was killed
	<-l.Context.Done()
	wantNone(t, dir)
	l.Close()
}

// TestCheckpointGoesWithStore: the client is told.
func TestCheckpointGoesWithStore(t *testing.T) {
	m, dir := testmesh.New(t), t.TempDir()
	_, s, c := serve(t, m, dir)
	l := checkpoint(t, c)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	<-l.Context.Done()
	if err := context.Cause(l.Context); !errors.Is(err, control.ErrGone) {
		t.Error(err)
	}
	l.Close()
	wantNone(t, dir)
	if _, err := c.Checkpoint(testmesh.Context(t)); !errors.Is(err, control.ErrNobody) {
		t.Errorf("%v, want %v", err, control.ErrNobody)
	}
}

// TestMostCheckpoints: one more is refused, and no longer when one was closed.
func TestMostCheckpoints(t *testing.T) {
	m, dir := testmesh.New(t), t.TempDir()
	_, _, c := serve(t, m, dir)
	var held []*control.Lease
	for range control.MostCheckpoints {
		held = append(held, checkpoint(t, c))
	}
	if _, err := c.Checkpoint(testmesh.Context(t)); err == nil || !strings.Contains(err.Error(), "4 checkpoints are held") {
		t.Errorf("one more: %v", err)
	}
	held[0].Close()
	testmesh.Until(t, "another one", func() bool {
		l, err := c.Checkpoint(testmesh.Context(t))
		if err == nil {
			held[0] = l
		}
		return err == nil
	})
	for _, l := range held {
		l.Close()
	}
	wantNone(t, dir)
}

// TestBackupOnFullDisk: the backup fails, and nothing of it is left on either side.
func TestBackupOnFullDisk(t *testing.T) {
	small := testdisk.Mount(t, 64<<10)
	m, dir := testmesh.New(t), t.TempDir()
	_, _, c := serve(t, m, dir)
	p := m.Producer(nil)
	if _, err := p.PublishSync(testmesh.Context(t), beck.Record{Topic: "large", Value: make([]byte, 1<<20)}); err != nil {
		t.Fatal(err)
	}
	l := checkpoint(t, c)
	_, err := blocklog.Backup(l.Context, l.Dir, filepath.Join(small, "backup"), false, blocklog.Options{}, nil)
	if err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("%v, want that there is no space", err)
	}
	if names, _ := filepath.Glob(filepath.Join(small, "*")); len(names) > 0 {
		t.Errorf("left over: %v", names)
	}
	l.Close()
	wantNone(t, dir)
	if _, err := p.PublishSync(testmesh.Context(t), beck.Record{Topic: "large"}); err != nil {
		t.Error(err)
	}
}

// TestOnlyItsUser: nobody else may reach the socket.
func TestOnlyItsUser(t *testing.T) {
	m, dir := testmesh.New(t), t.TempDir()
	serve(t, m, dir)
	info, err := os.Stat(filepath.Join(dir, "control"))
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info, err)
	}
}

// TestLongName: a directory whose name is longer than that of a socket may be.
func TestLongName(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("long/", 30))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	m := testmesh.New(t)
	_, s, c := serve(t, m, dir)
	checkpoint(t, c).Close()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := c.Checkpoint(testmesh.Context(t)); !errors.Is(err, control.ErrNobody) {
		t.Error(err)
	}
}

// TestNobody: where there is no socket, or one that a crash left.
func TestNobody(t *testing.T) {
	m, dir := testmesh.New(t), t.TempDir()
	st, c := m.Store(dir), control.NewClient(dir)
	if _, err := c.Plan(testmesh.Context(t), control.Order{}); !errors.Is(err, control.ErrNobody) {
		t.Error(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "control"), 0o700); err != nil {
		t.Fatal(err)
	}
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "control", "socket"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	ln.SetUnlinkOnClose(false)
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Plan(testmesh.Context(t), control.Order{}); !errors.Is(err, control.ErrNobody) {
		t.Error(err)
	}
	s, err := control.Serve(dir, st, survey.Config{NodeConfig: m.Node})
	if err != nil {
		t.Fatal(err)
	}
	checkpoint(t, c).Close()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestPurge: what the plan shows goes here, and from the other stores.
func TestPurge(t *testing.T) {
	m, dir := testmesh.New(t), t.TempDir()
	one, _, c := serve(t, m, dir)
	two := m.Store("")
	p := m.Producer(nil)
	testmesh.Until(t, "both stores to have the records", func() bool {
		if one.Stats().Records < 10 {
			if err := p.PublishBatch(testmesh.Context(t), testmesh.Records("hello", "v", 10)); err != nil {
				t.Fatal(err)
			}
			_ = p.Flush(testmesh.Context(t))
		}
		return one.Stats().Records >= 10 && two.Stats().Records == one.Stats().Records
	})
	ctx := testmesh.Context(t)
	plan, err := c.Plan(ctx, control.Order{Topic: "hello", Before: 7})
	want := control.Purged{Partition: p.Address(), Below: 7, Records: 7}
	if err != nil || len(plan) != 1 || plan[0] != want {
		t.Fatalf("%+v, %v, want %+v", plan, err, want)
	}
	if none, err := c.Plan(ctx, control.Order{Topic: "other", Before: 7}); err != nil || len(none) > 0 {
		t.Errorf("%+v, %v", none, err)
	}
	before := one.Stats().Records
	d := control.Deletion{Topic: "hello", Partitions: plan}
	if err := c.Purge(ctx, d); err != nil {
		t.Fatal(err)
	}
	if n := one.Stats().Records; n != before-7 {
		t.Errorf("%d records of %d are left", n, before)
	}
	testmesh.Until(t, "both stores to say that it is gone", func() bool {
		stores, err := c.Stores(ctx, d)
		if err != nil || len(stores) != 2 {
			t.Fatalf("%+v, %v", stores, err)
		}
		return stores[0].Left == 0 && stores[1].Left == 0 && two.Stats().Records == before-7
	})
	d.Partitions = []control.Purged{{Partition: p.Address(), Below: 1 << 40}}
	d.Topic = "hello"
	if err := c.Purge(ctx, d); err != nil || one.Stats().Records != 0 {
		t.Errorf("%v, %d records are left", err, one.Stats().Records)
	}
}

// TestStoresLeft: a store that has not heard of a deletion is named.
func TestStoresLeft(t *testing.T) {
	m, dir := testmesh.New(t), t.TempDir()
	st, _, c := serve(t, m, dir)
	p := m.Producer(nil)
	if _, err := p.PublishSync(testmesh.Context(t), beck.Record{Topic: "hello"}); err != nil {
		t.Fatal(err)
	}
	stores, err := c.Stores(testmesh.Context(t), control.Deletion{
		Topic: "hello", Partitions: []control.Purged{{Partition: p.Address(), Below: 1}},
	})
	if want := (control.Holder{Address: st.Address(), Left: 1}); err != nil || len(stores) != 1 || stores[0] != want {
		t.Errorf("%+v, %v, want %+v", stores, err, want)
	}
}

// TestRefused: what is asked wrongly is answered by an error in JSON.
func TestRefused(t *testing.T) {
	m, dir := testmesh.New(t), t.TempDir()
	serve(t, m, dir)
	web := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(dir, "control", "socket"))
		},
	}}
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"GET", "/v1/checkpoint", "", http.StatusMethodNotAllowed},
		{"POST", "/v2/checkpoint", "", http.StatusNotFound},
		{"POST", "/v1/purge", `{"topics": []}`, http.StatusBadRequest},
		{"POST", "/v1/purge", ``, http.StatusBadRequest},
		{"POST", "/v1/purge", `{"topic": "hello", "partitions": [{"partition": "x"}]}`, http.StatusInternalServerError},
		{"POST", "/v1/purge", `{"topic": "hello"}`, http.StatusOK},
		{"POST", "/v1/purge/plan", `{"topic": "` + strings.Repeat("x", 17<<20) + `"}`, http.StatusBadRequest},
	} {
		r, err := http.NewRequestWithContext(testmesh.Context(t), c.method, "http://store"+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := web.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != c.status {
			t.Errorf("%s %s %.60s: %s, want %d", c.method, c.path, c.body, resp.Status, c.status)
		}
		_ = resp.Body.Close()
	}
	err := control.NewClient(dir).Purge(testmesh.Context(t), control.Deletion{Topic: "hello", Partitions: []control.Purged{{}}})
	if err == nil || !strings.HasPrefix(err.Error(), "the store says: purge partition") {
		t.Error(err)
	}
}

// TestFullDisk: a store whose disk is full makes no checkpoint and begins no purge, and
// says so at once.
func TestFullDisk(t *testing.T) {
	disk := testdisk.Mount(t, 48<<20)
	m, dir := testmesh.New(t), filepath.Join(disk, "s")
	st, s, c := serve(t, m, dir)
	t.Cleanup(func() { _ = st.Close() }) // before it is unmounted
	p := m.Producer(nil)
	if _, err := p.PublishSync(testmesh.Context(t), beck.Record{Topic: "large", Value: make([]byte, 1<<20)}); err != nil {
		t.Fatal(err)
	}
	ballast := filepath.Join(disk, "ballast")
	fill(t, ballast)
	stored := make(chan error, 1)
	p.PublishFunc(testmesh.Context(t), beck.Record{Topic: "large", Value: make([]byte, 1<<20)}, func(_ beck.Offset, err error) { stored <- err })
	testmesh.Until(t, "the disk to be full", func() bool { return st.Stats().DiskFull })
	if _, err := c.Checkpoint(testmesh.Context(t)); err == nil || !strings.Contains(err.Error(), "disk is full") {
		t.Errorf("a checkpoint: %v", err)
	}
	err := c.Purge(testmesh.Context(t), control.Deletion{Topic: "large", Partitions: []control.Purged{{Partition: p.Address(), Below: 1}}})
	if err == nil || !strings.Contains(err.Error(), "the disk is full") {
		t.Errorf("a purge: %v", err)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if err := <-stored; err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// fill writes a file until there is no room.
func fill(t *testing.T, name string) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	for piece := make([]byte, 1<<20); len(piece) > 0; {
		if _, err := f.Write(piece); err != nil {
			piece = piece[:len(piece)/2]
		}
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}
