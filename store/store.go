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
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/blocklog"
	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/internal/mesh"
	"github.com/beckmesh/beck/internal/planted"
	"github.com/beckmesh/beck/protocol"
)

// Store is a node that keeps records. Its methods may be called from any
// goroutine.
type Store struct {
	cfg    Config
	node   *mesh.Node
	log    *blocklog.Log
	rx     *mesh.Receiver
	keeper *core.Keeper

	gathered map[core.Partition]*gather // waits for the committer
	again    map[core.Partition]bool    // to be acknowledged once more
	heard    bool                       // somebody has subscribed to STORED
	spare    []*gather
	err      error // why the store stopped by itself
	failed   chan struct{}
	stats    Stats
}

// gather is what a partition received since the last commit.
type gather struct {
	records *blocklog.Builder
	bytes   int64 // of the intake's room
}

// Start opens the directory and joins the mesh. A directory that another store
// uses is ErrInUse, one that holds something else ErrNotStore, one that a newer
// version wrote ErrFormat; the error says which directory.
func Start(c Config) (*Store, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	options := blocklog.Options{CacheBytes: c.CacheBytes, Logger: c.NodeConfig.WithDefaults().Logger}
	if d, ok := mesh.DriverFor(c.Listen).(diskDriver); ok {
		d.Disk(&options)
	}
	log, err := blocklog.Open(c.Dir, options)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", public(err))
	}
	s := newStore(c, log)
	_, err = mesh.Start(mesh.Config{
		NodeConfig: c.NodeConfig, UUID: log.UUID(), Role: protocol.RoleStore, MessageBytes: c.MessageBytes,
	}, func(n *mesh.Node) mesh.Role {
		s.node = n
		s.rx = mesh.NewReceiver(n, s.intake(), (*role)(s))
		n.Work(s.commit)
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

func newStore(c Config, log *blocklog.Log) *Store {
	return &Store{
		cfg: c, log: log, keeper: core.NewKeeper(),
		gathered: make(map[core.Partition]*gather),
		again:    make(map[core.Partition]bool), failed: make(chan struct{}),
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
	for p, state := range s.log.Partitions() {
		q := core.Partition(p)
		if planted.Is(planted.HeadAfterRestart) {
			state.Next++
		}
		s.keeper.Committed(q, state.Next)
		s.rx.In.Resume(q, state.Next)
	}
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
// It returns why the store had stopped by itself, if it had.
func (s *Store) Close() error {
	s.node.Close()
	return errors.Join(s.err, s.log.Close())
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

// Stats is what a store counts.
type Stats struct {
	Partitions int               // kept
	Records    uint64            // kept
	Bytes      uint64            // of their contents
	DiskBytes  uint64            // that they take on disk
	Committed  uint64            // records written to disk since the start
	Commits    uint64            // syncs they took
	Duplicates uint64            // records that came again
	NoRoom     uint64            // records that did not fit, and are fetched later
	Lost       uint64            // records that nobody had
	Links      int               // nodes that we listen to now
	Towers     int               // towers there now
	Malformed  map[string]uint64 // messages dropped, by kind
}

// Stats returns what was counted so far.
func (s *Store) Stats() Stats {
	s.node.Lock()
	n, st := s.node.Stats(), s.stats
	st.Duplicates, st.NoRoom = s.rx.In.Stats.Duplicates, s.rx.In.Stats.NoRoom
	s.node.Unlock()
	st.Links, st.Towers, st.Malformed = n.Dialled, n.Towers, n.Malformed
	for _, state := range s.log.Partitions() {
		st.Partitions++
		st.Records += state.Records
		st.Bytes += state.Bytes
	}
	st.DiskBytes = s.log.DiskBytes()
	return st
}

// commit is the committer: it writes all that was gathered in one batch, syncs
// it, then releases the acknowledgements. The next batch fills meanwhile. It
// needs the lock, which it gives up while it writes.
func (s *Store) commit() bool {
	if len(s.gathered) == 0 || s.err != nil {
		return false
	}
	batch := s.gathered
	s.gathered = make(map[core.Partition]*gather, len(batch))
	s.node.Unlock()
	err := s.write(batch)
	s.node.Lock()
	if err != nil {
		s.fail(err)
		return false
	}
	s.committed(batch, s.node.Now())
	return true
}
