package bench

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/beckmesh/beck/internal/procs"
	"github.com/beckmesh/beck/internal/workload"
)

// run is one measurement: its processes, and what is known of them.
type run struct {
	c      Config
	group  *procs.Group
	dir    string // of the store
	topic  string // what the names of the topics begin with
	node   Role   // what all nodes have in common
	tower  *procs.Process
	store  *procs.Process
	watch  *watch
	report workload.Report

	mu    sync.Mutex // guards what follows
	phase string
	total uint64
	now   uint64
}

// topicRandom is how many letters tell the topics of one run from another's in
// the same mesh. Every record carries the name, twice: so it is not longer than
// names are elsewhere.
const topicRandom = 8

// Run measures, and returns what it took. Every process that it started is gone
// when it returns. A record that was lost, came twice or was changed is an error
// of package workload, a process that ended procs.ErrRole, a run in which
// nothing went on ErrStalled.
func Run(ctx context.Context, c Config) (report *workload.Report, err error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	r := &run{c: c, group: procs.NewGroup(ctx), topic: "bench-" + rand.Text()[:topicRandom], phase: "getting ready"}
	r.group.Log = c.Log
	defer r.group.Close()
	defer r.group.Watch(c.Patience, r.stalled)()
	r.report = workload.Report{
		Mode: string(c.Mode), Count: c.Count, Size: c.Size,
		Producers: c.Producers, Consumers: c.Consumers, Topics: c.Topics,
	}
	if c.Mode == Store {
		r.report.Consumers = 0
	}
	if c.Mode == Latency || c.Mode == Join {
		r.report.Rate = c.Rate
	}
	removeDir, err := r.makeDir()
	if err != nil {
		return nil, err
	}
	if r.watch, err = newWatch(c); err != nil {
		return nil, errors.Join(err, removeDir())
	}
	defer r.watch.close()
	defer func() {
		r.group.Close() // before its directory goes
		if e := removeDir(); err == nil && e != nil {
			err = e
		}
	}()
	if err := r.startMesh(); err != nil {
		return nil, err
	}
	if err := r.measure(); err != nil {
		return nil, err
	}
	return &r.report, nil
}

func (r *run) measure() error {
	switch r.c.Mode {
	case Store:
		return r.runStore()
	case Replay:
		return r.runReplay()
	case Join:
		return r.runJoin()
	case Idle:
		return r.runIdle()
	}
	return r.runDirect()
}

// makeDir makes the store's directory if there is a store, and says what it
// holds.
func (r *run) makeDir() (remove func() error, err error) {
	remove = func() error { return nil }
	if len(r.c.Sub) > 0 || !r.c.hasStore() {
		return remove, nil
	}
	if r.dir = r.c.Dir; r.dir == "" {
		if r.dir, err = os.MkdirTemp("", "beck-bench-"); err != nil {
			return nil, err
		}
		dir := r.dir
		remove = func() error { return os.RemoveAll(dir) }
		r.dir = filepath.Join(dir, "store") // a directory that is not a store's is refused
	}
	if inMemory(filepath.Dir(r.dir)) {
		r.report.Note = "the store's directory is in memory: syncing costs nothing there"
	}
	r.report.StoreHeldBytes = dirBytes(r.dir)
	return remove, nil
}

// dirBytes returns the size of all files below dir; 0 if it is not there.
func dirBytes(dir string) (total int64) {
	_ = filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil // what has gone meanwhile takes no room
		}
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() {
			total += info.Size()
		}
		return nil
	})
	return total
}

// startMesh starts tower and store, unless there is a running mesh.
func (r *run) startMesh() (err error) {
	r.node = Role{
		Sub: r.c.Sub, Pub: r.c.Pub, Listen: r.c.Listen, Host: r.c.Host, Topic: r.topic, Shape: r.c.shape(),
		HTTP: r.c.Scrape > 0,
	}
	if len(r.c.Sub) > 0 {
		return nil
	}
	if r.tower, err = r.start(Role{Role: roleTower, HTTP: r.node.HTTP}, nil); err != nil {
		return err
	}
	var at endpoints
	if err := r.tower.AwaitReady(&at); err != nil {
		return err
	}
	r.node.Sub, r.node.Pub = []string{at.Sub}, []string{at.Pub}
	r.see(at.served)
	if !r.c.hasStore() {
		return nil
	}
	role := r.node
	role.Role, role.Dir = roleStore, r.dir
	if r.store, err = r.start(role, nil); err != nil {
		return err
	}
	if err := r.store.AwaitReady(nil); err != nil {
		return err
	}
	r.report.StoreStartSeconds = time.Since(r.store.Started).Seconds()
	return nil
}

func (r *run) start(role Role, progress func(uint64)) (*procs.Process, error) {
	args := slices.Concat(r.c.Args, r.watch.args(), []string{role.json()})
	return r.group.Start(role.Role, progress, r.c.Program, args...)
}

// startProducers starts them all; progress is told the index of the one that
// came further.
func (r *run) startProducers(role Role, progress func(i int, n uint64)) (list []*procs.Process, err error) {
	role.Role, role.Batch = roleProducer, r.c.Batch
	for i := range r.c.Producers {
		role.Index, role.Lose = i, nil
		if i == 0 {
			role.Lose = r.c.Lose
		}
		p, err := r.start(role, func(n uint64) { progress(i, n) })
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, nil
}

func (r *run) awaitReady(list []*procs.Process) error {
	for _, p := range list {
		var at served
		if err := p.AwaitReady(&at); err != nil {
			return err
		}
		r.see(at)
	}
	return nil
}

// see has a node watched that serves its metrics.
func (r *run) see(at served) {
	if at.HTTP != "" {
		r.watch.urls = append(r.watch.urls, at.HTTP)
	}
}

// letGo starts the measurement for tower, store and the given processes.
func (r *run) letGo(list ...*procs.Process) {
	for _, p := range r.with(list...) {
		p.Go()
	}
}

// with returns the given processes behind tower and store, where these are there.
func (r *run) with(list ...*procs.Process) (all []*procs.Process) {
	for _, p := range append([]*procs.Process{r.tower, r.store}, list...) {
		if p != nil {
			all = append(all, p)
		}
	}
	return all
}

// use adds what tower, store and the given processes used.
func (r *run) use(list ...*procs.Process) error {
	for _, p := range r.with(list...) {
		u, err := p.Usage()
		if err != nil {
			return err
		}
		r.report.AddUsage(p.Name, u.CPUSeconds, u.PeakRSS)
	}
	return nil
}

// awaitTimes waits for all processes, and returns when the first of them began
// and the last ended.
func awaitTimes(list []*procs.Process) (all times, err error) {
	for i, p := range list {
		var t times
		if err := p.AwaitDone(&t); err != nil {
			return all, err
		}
		if i == 0 {
			all = t
		}
		all.Begin, all.End = min(all.Begin, t.Begin), max(all.End, t.End)
	}
	return all, nil
}

// enter begins a phase of the run, in which total records will be counted.
func (r *run) enter(phase string, total uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.phase, r.total, r.now = phase, total, 0
	if r.c.Watcher != nil {
		r.c.Watcher.Phase(phase, total)
	}
}

// reach notes how far the phase is.
func (r *run) reach(n uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = n
	if r.c.Watcher != nil {
		r.c.Watcher.Progress(n)
	}
}

func (r *run) stalled() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.total == 0 {
		return fmt.Errorf("%w: nothing happened for %s while %s", ErrStalled, r.c.Patience, r.phase)
	}
	return fmt.Errorf("%w: nothing happened for %s while %s, %d of %d are done",
		ErrStalled, r.c.Patience, r.phase, r.now, r.total)
}
