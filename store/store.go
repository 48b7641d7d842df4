// Package store keeps records on disk.
//
// A store subscribes to every topic, or to those it is configured for, writes
// what it receives to its log, and acknowledges to the producer what is synced
// to disk. It serves consumers that missed something, and other stores.
package store

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/blocklog"
	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/internal/mesh"
	"github.com/beckmesh/beck/internal/planted"
	"github.com/beckmesh/beck/internal/tally"
	"github.com/beckmesh/beck/internal/tracing"
	"github.com/beckmesh/beck/protocol"
)

// Store is a node that keeps records. Its methods may be called from any
// goroutine.
type Store struct {
	cfg      Config
	node     *mesh.Node
	log      *blocklog.Log
	rx       *mesh.Receiver
	tracer   *tracing.Tracer // nil without a provider
	keeper   *core.Keeper
	comparer *core.Comparer

	rules     blocklog.Rules
	rounds    rounds // wait for the committer
	upkeep    upkeep
	comparing comparing
	disk      *disk
	hold      hold
	again     map[core.Partition]bool // to be acknowledged once more
	heard     bool                    // somebody has subscribed to STORED
	spare     []*gather
	err       error // why the store stopped by itself
	failed    chan struct{}
	closed    chan struct{}
	closing   sync.Once
	stats     Stats
	times     times
	wrote     tally.Topics // to disk
	names     savedNames
}

// Start opens the directory and joins the mesh. A directory that another store
// uses is ErrInUse, one that holds something else ErrNotStore, one that a newer
// version wrote ErrFormat; the error says which directory.
func Start(c Config) (*Store, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	rules, _ := blocklog.ParseRules(c.Retain) // they are valid
	options := blocklog.Options{CacheBytes: c.CacheBytes, TombstoneAge: c.TombstoneAge, Logger: c.NodeConfig.WithDefaults().Logger}
	trouble := new(disk)
	trouble.watch(&options, c.OnFull)
	if d, ok := mesh.DriverFor(c.Listen).(diskDriver); ok {
		d.Disk(&options)
	}
	if c.disk != nil {
		c.disk(&options)
	}
	log, err := blocklog.Open(c.Dir, options)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", public(err))
	}
	s := newStore(c, log, rules)
	s.disk = trouble
	if err := s.trimAll(mesh.DriverFor(c.Listen).Now()); err != nil {
		return nil, errors.Join(fmt.Errorf("open store: %w", err), log.Close())
	}
	_, err = mesh.Start(mesh.Config{
		NodeConfig: c.NodeConfig, UUID: log.UUID(), Role: protocol.RoleStore, MessageBytes: c.MessageBytes,
	}, func(n *mesh.Node) mesh.Role {
		s.node = n
		s.tracer = tracing.New(c.NodeConfig, n.UUID(), "")
		s.rx = mesh.NewReceiver(n, s.intake(), (*role)(s))
		n.Work(s.commit)
		n.Work(s.keepUp)
		n.Work(s.compare)
		s.want(n.Now())
		return (*role)(s)
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start store: %w", err), log.Close())
	}
	return s, nil
}

// A diskDriver is a driver that has disks of its own, as the simulator's has.
type diskDriver interface {
	Disk(o *blocklog.Options)
}

func newStore(c Config, log *blocklog.Log, rules blocklog.Rules) *Store {
	return &Store{
		cfg: c, log: log, rules: rules, upkeep: newUpkeep(), keeper: core.NewKeeper(), comparer: core.NewComparer(blocklog.GrainRecords),
		again: make(map[core.Partition]bool), names: newSavedNames(),
		failed: make(chan struct{}), closed: make(chan struct{}), times: newTimes(),
	}
}

// intake returns an intake by a store's rules.
func (s *Store) intake() *core.Intake {
	in := core.DefaultIntakeConfig()
	in.Store, in.Earliest = true, true
	in.QueueBytes, in.AheadBytes = s.cfg.GatherBytes, s.cfg.GatherBytes/2
	in.AskMax = askMax
	return core.NewIntake(in)
}

// askMax is the longest time between two looks at what other stores have.
const askMax = 15 * time.Second

// want subscribes to the configured topics, and takes up what the log has.
func (s *Store) want(now time.Time) {
	if len(s.cfg.Topics) == 0 {
		s.rx.In.WantAll(now)
	} else {
		s.rx.In.Want(protocol.PositionsTopic, now) // every store keeps them
	}
	for _, t := range s.cfg.Topics {
		s.rx.In.Want(t, now)
	}
	var last time.Time
	for p, state := range s.log.Partitions() {
		q := core.Partition(p)
		if at := time.UnixMilli(state.Updated); at.After(last) {
			last = at
		}
		if planted.Is(planted.HeadAfterRestart) {
			state.Next++
		}
		s.keeper.Committed(q, state.Next)
		s.rx.In.Resume(q, state.Next)
		if state.Records < state.Next-state.Tail || state.Bare > 0 {
			s.upkeep.look[q] = true
		}
	}
	s.wasAway(last, now)
}

// public gives an error of the log the sentinel that applications match.
func public(err error) error {
	for _, e := range []struct{ from, to error }{
		{blocklog.ErrInUse, beck.ErrInUse}, {blocklog.ErrNotStore, beck.ErrNotStore}, {blocklog.ErrFormat, beck.ErrFormat},
	} {
		if errors.Is(err, e.from) {
			return matched{err, e.to}
		}
	}
	return err
}

// matched is an error that matches one more sentinel, without saying it twice.
type matched struct {
	error
	also error
}

func (m matched) Unwrap() []error { return []error{m.error, m.also} }

// Address returns the store's address. It belongs to the directory.
func (s *Store) Address() string { return s.node.UUID() }

// Topics returns the configured topics; none means all.
func (s *Store) Topics() []string {
	return slices.Clone(s.cfg.Topics)
}

// Heads returns, for each partition (an Offset without its offset), the offset
// behind the last record that is on disk here.
func (s *Store) Heads() map[beck.Offset]uint64 {
	heads := make(map[beck.Offset]uint64)
	for p, state := range s.log.Partitions() {
		heads[beck.Offset{Topic: p.Topic, Partition: p.Producer}] = state.Next
	}
	return heads
}

// Failed is closed when the store stopped by itself; Close then returns why.
func (s *Store) Failed() <-chan struct{} { return s.failed }

// Close leaves the mesh, commits what was received, and closes the directory.
// It returns why the store had stopped by itself, if it had. If the disk is full
// and stays so for some seconds, it gives up what was not acknowledged, and says
// so.
func (s *Store) Close() error {
	gaveUp := s.leave()
	s.closing.Do(func() { close(s.closed) })
	return errors.Join(s.err, gaveUp, s.log.Close())
}

// fail stops the store for good: what is on disk is served no more, and nothing
// is acknowledged. It needs the lock.
func (s *Store) fail(err error) {
	if s.err != nil {
		return
	}
	s.err = err
	s.node.Logger().Error("store stopped", "err", err)
	close(s.failed)
}
