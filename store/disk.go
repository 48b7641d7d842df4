package store

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/blocklog"
	"github.com/beckmesh/beck/internal/core"
)

// disk is what a store knows of trouble with its disk. The node's lock guards
// it, but for full.
//
// While the disk is full, the committer waits inside the log; what is received
// fills the intake's room, and no more is taken. Nothing is acknowledged, and
// reading goes on.
//
// After a failed fsync nobody knows what is on disk. The log is opened again,
// which tells; what of the failed batch is not there is written again from
// memory, where it still takes the intake's room. So nothing has to be received
// a second time, and nothing is acknowledged that was not found or synced.
type disk struct {
	full     atomic.Bool
	broken   bool                      // the log is to be opened again
	failures int                       // since something was last written
	next     time.Time                 // when it is to be tried again
	batch    round                     // what could not be written; nil: nothing
	lapses   map[core.Partition]uint64 // to be noted with it
}

const (
	// maxFailures is how many writes and reopenings may fail in a row before the
	// store gives up.
	maxFailures = 6
	// mendFirst is the time between the second of them and the third. It doubles
	// each time.
	mendFirst = time.Second
)

// watch has o tell the store, and the application, that the disk is full.
func (d *disk) watch(o *blocklog.Options, told func(full bool)) {
	o.OnFull = func(full bool) {
		d.full.Store(full)
		if told != nil {
			told(full)
		}
	}
}

// diskTrouble says whether an error of the log goes away by opening it again,
// which is seen to then. It needs the lock.
func (s *Store) diskTrouble(err error) bool {
	if errors.Is(err, blocklog.ErrSync) && !s.disk.broken {
		s.disk.failed(s.node.Now())
		s.node.Logger().Error("a write did not reach the disk: nothing is acknowledged until the log was opened again", "err", err)
		s.node.WakeWorkers()
	}
	return errors.Is(err, blocklog.ErrSync) || errors.Is(err, blocklog.ErrReopening) || errors.Is(err, blocklog.ErrReopened)
}

// failed counts a failure and says when to try again: the first time at once.
func (d *disk) failed(now time.Time) {
	d.broken = true
	if d.failures++; d.failures > 1 {
		d.next = now.Add(mendFirst << (d.failures - 2))
	}
}

// wrote notes that the disk is well. It needs the lock.
func (d *disk) wrote() {
	if !d.broken {
		d.failures, d.next = 0, time.Time{}
	}
}

// take returns what is to be written next: what failed, or the oldest round. It
// needs the lock.
func (s *Store) take() (batch round, lapses map[core.Partition]uint64) {
	if d := s.disk; d.batch != nil {
		batch, lapses = d.batch, d.lapses
		d.batch, d.lapses = nil, nil
		return batch, lapses
	}
	batch = s.rounds.next()
	return batch, s.takeLapses(batch)
}

// writeFailed keeps what could not be written for later, or gives up. It needs
// the lock.
func (s *Store) writeFailed(batch round, lapses map[core.Partition]uint64, err error) (again bool) {
	switch {
	case errors.Is(err, blocklog.ErrClosed): // Close gave up on a full disk
		return false
	case !s.diskTrouble(err):
		s.fail(err)
		return false
	}
	s.disk.batch, s.disk.lapses = batch, lapses
	return !s.disk.broken || s.mend()
}

// mend opens the log again when it is time to. It needs the lock, which it
// gives up meanwhile.
func (s *Store) mend() bool {
	d := s.disk
	if s.err != nil || s.node.Now().Before(d.next) {
		return false // Tick wakes the workers every second
	}
	if d.failures > maxFailures {
		s.fail(fmt.Errorf("%w %d times in a row: what was acknowledged is in %q, and no more can be written", beck.ErrDisk, d.failures, s.cfg.Dir))
		return false
	}
	s.node.Unlock()
	err := s.log.Reopen()
	s.node.Lock()
	switch {
	case err == nil:
		s.mended()
		return true
	case errors.Is(err, blocklog.ErrClosed):
		return false
	case errors.Is(err, blocklog.ErrLost), errors.Is(err, blocklog.ErrFull), d.failures >= maxFailures:
		s.fail(fmt.Errorf("after a failed write, at attempt %d: %w", d.failures, err))
		return false
	}
	d.failed(s.node.Now())
	s.node.Logger().Error("the log cannot be opened again yet", "attempt", d.failures-1, "again", d.next.Sub(s.node.Now()), "err", err)
	return false
}

// mended goes on from what is on disk. It needs the lock.
func (s *Store) mended() {
	s.disk.broken = false
	s.stats.Reopened++
	now := s.node.Now()
	for p, state := range s.log.Partitions() {
		s.keeper.Committed(core.Partition(p), state.Next)
		s.rx.In.Trim(core.Partition(p), state.Tail, now)
	}
	batch := sortedPartitions(s.disk.batch)
	for _, p := range batch {
		s.settle(p, s.disk.batch[p], now)
	}
	s.lookAt(batch) // the write that failed may have begun some above what they have
	s.rx.Act()
	s.node.Logger().Warn("the log was opened again after a failed write: what is on disk is acknowledged, the rest is written again",
		"partitions", len(s.disk.batch))
}

// settle finds out what of a gather that could not be written was, after all. It
// needs the lock.
func (s *Store) settle(p core.Partition, g *gather, now time.Time) {
	state, known := s.log.State(blocklog.Partition(p))
	switch {
	case !known || g.records.Count() == 0 || state.Next <= g.records.First():
		return
	case state.Next >= g.records.Next():
		s.stats.Committed += uint64(g.records.Count())
	default: // a purge came between
		s.rx.In.Rewind(p, state.Next, now)
	}
	g.records.Reset() // the rest is acknowledged with the next commit
}

// leave leaves the mesh. If the disk is full and stays so, what waits for room
// is given up, and the error is that of closing the log.
func (s *Store) leave() error {
	left := make(chan struct{})
	go func() {
		s.node.Close()
		close(left)
	}()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-left:
			return nil
		case <-tick.C:
			if s.disk.full.Load() {
				err := s.log.Close() // waits some seconds for room
				<-left
				return err
			}
		}
	}
}
