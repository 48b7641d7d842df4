package store

import (
	"errors"
	"fmt"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/blocklog"
	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/protocol"
)

// upkeep is what a store has to do besides taking and serving records. The
// node's lock guards it.
type upkeep struct {
	look    map[core.Partition]bool   // holes are to be looked for; until then nothing is acknowledged
	lapses  map[core.Partition]uint64 // expired below, others say: to be noted with the next commit
	purges  map[core.Partition]*purge
	purging bool      // one of them is under way
	due     bool      // retention is to be applied
	next    time.Time // when it will be
	merge   time.Time // when small blocks are to be merged
}

const (
	retentionEvery = time.Second
	mergeEvery     = 5 * time.Second
	mergeBytes     = 8 << 20 // merged at a time
	lookAtOnce     = 100     // partitions looked at before others have their turn
)

func newUpkeep() upkeep {
	return upkeep{
		look: make(map[core.Partition]bool), lapses: make(map[core.Partition]uint64),
		purges: make(map[core.Partition]*purge),
	}
}

// tickUpkeep returns when retention is to be applied next. It needs the lock.
func (s *Store) tickUpkeep(now time.Time) time.Time {
	u := &s.upkeep
	if !now.Before(u.next) {
		u.due, u.next = true, now.Add(retentionEvery)
		s.node.WakeWorkers()
	}
	return u.next
}

// keepUp is a worker: it does what takes the disk some time and nobody waits for.
func (s *Store) keepUp() bool {
	switch {
	case s.err != nil || s.disk.broken:
		return false
	case len(s.upkeep.look) > 0:
		s.lookForHoles()
	case s.upkeep.due:
		s.upkeep.due = false
		s.enforce()
	default:
		return false
	}
	return true
}

// lookAt has holes of partitions looked for. It needs the lock.
func (s *Store) lookAt(ps []core.Partition) {
	for _, p := range ps {
		s.upkeep.look[p] = true
	}
	if len(ps) > 0 {
		s.node.WakeWorkers()
	}
}

// lookForHoles tells the intake what partitions lack on disk.
func (s *Store) lookForHoles() {
	parts := sortedPartitions(s.upkeep.look)
	for _, p := range parts[:min(len(parts), lookAtOnce)] {
		s.node.Unlock()
		state, _ := s.log.State(blocklog.Partition(p))
		found, err := s.log.Holes(blocklog.Partition(p))
		s.node.Lock()
		if errors.Is(err, blocklog.ErrReopening) {
			return
		}
		delete(s.upkeep.look, p)
		if err != nil {
			s.node.Logger().Error("holes cannot be looked for", "partition", p.String(), "err", err)
			continue
		}
		var holes []core.Range
		for _, h := range found {
			if h.First < state.Next { // what came since is of no concern
				holes = append(holes, core.Range{First: h.First, End: h.Next})
			}
		}
		s.rx.In.Lack(p, holes, state.Next, s.node.Now())
		s.rx.Act()
		s.acknowledge(p)
	}
}

// trimAll applies retention before anything is served.
func (s *Store) trimAll(now time.Time) error {
	for more := true; more; {
		report, err := s.log.Enforce(s.rules, now)
		if err != nil {
			return err
		}
		s.countTrims(report)
		more = report.More
	}
	return nil
}

// enforce applies retention, and merges small blocks now and then.
func (s *Store) enforce() {
	now := s.node.Now()
	merge := !now.Before(s.upkeep.merge)
	if merge {
		s.upkeep.merge = now.Add(mergeEvery)
	}
	s.node.Unlock()
	report, err := s.log.Enforce(s.rules, now)
	if merge {
		_, failed := s.log.MergeSmall(mergeBytes)
		err = errors.Join(err, failed)
	}
	s.node.Lock()
	if err != nil && !s.diskTrouble(err) {
		s.node.Logger().Error("retention", "err", err)
	}
	s.countTrims(report)
	for _, t := range report.Trims {
		s.rx.In.Trim(core.Partition(t.Partition), t.Tail, now)
	}
	s.rx.Act()
	s.upkeep.due = s.upkeep.due || report.More
}

func (s *Store) countTrims(report blocklog.Trimmed) {
	for _, t := range report.Trims {
		s.stats.Trimmed += t.Records
	}
}

// lapse notes that records below a sequence have expired elsewhere, so that
// nobody waits for those that are not here. It needs the lock.
func (s *Store) lapse(p core.Partition, below uint64) {
	s.upkeep.lapses[p] = max(s.upkeep.lapses[p], below)
}

// takeLapses returns what is to be noted of partitions that are being written.
func (s *Store) takeLapses(gathered map[core.Partition]*gather) map[core.Partition]uint64 {
	taken := make(map[core.Partition]uint64)
	for p, below := range s.upkeep.lapses {
		if gathered[p] != nil {
			taken[p] = below
			delete(s.upkeep.lapses, p)
		}
	}
	return taken
}

// expire notes lapses in the log. It runs without the lock.
func (s *Store) expire(lapses map[core.Partition]uint64) error {
	for _, p := range sortedPartitions(lapses) {
		if err := s.log.Expire(blocklog.Partition(p), lapses[p]); err != nil {
			return err
		}
	}
	return nil
}

// purge is a deletion of what is below a sequence.
type purge struct {
	told  uint64 // another store has done so
	asked uint64 // the application asks for it: as far as there are records now
	done  []func(error)
}

// wantPurge returns the purge of a partition that comes next, to be extended. It
// needs the lock.
func (s *Store) wantPurge(p core.Partition) *purge {
	w := s.upkeep.purges[p]
	if w == nil {
		w = new(purge)
		s.upkeep.purges[p] = w
	}
	s.node.WakeWorkers()
	return w
}

// toldPurge takes what another store says was purged. It needs the lock.
func (s *Store) toldPurge(p core.Partition, below uint64) {
	if below == 0 {
		return
	}
	if state, _ := s.log.State(blocklog.Partition(p)); state.Purged < below {
		w := s.wantPurge(p)
		w.told = max(w.told, below)
	}
}

// purge deletes what is to be deleted, and tells the other stores. Nothing is
// being written meanwhile, but records are being received. It needs the lock.
func (s *Store) purge() {
	for _, p := range sortedPartitions(s.upkeep.purges) {
		w := s.upkeep.purges[p]
		delete(s.upkeep.purges, p)
		before, _ := s.log.State(blocklog.Partition(p))
		s.upkeep.purging = true
		s.node.Unlock()
		below := max(w.told, min(w.asked, before.Next))
		err := s.log.Purge(blocklog.Partition(p), below)
		s.node.Lock()
		s.upkeep.purging = false
		if err == nil {
			s.purged(p, before)
		} else if !s.diskTrouble(err) {
			s.node.Logger().Error("purge", "partition", p.String(), "err", err)
		}
		for _, done := range w.done {
			done(err)
		}
	}
}

func (s *Store) purged(p core.Partition, before blocklog.State) {
	state, _ := s.log.State(blocklog.Partition(p))
	now := s.node.Now()
	s.stats.Trimmed += before.Records - min(state.Records, before.Records)
	s.keeper.Committed(p, state.Next)
	if g := s.gathered[p]; g != nil && (g.records.Count() == 0 || g.records.First() < state.Next) {
		delete(s.gathered, p)
		s.rx.In.Rewind(p, state.Next, now)
		s.rx.In.Consumed(g.bytes, now)
	} else {
		s.rx.In.Trim(p, state.Tail, now)
	}
	s.rx.Act()
	s.node.Logger().Info("purged", "topic", p.Topic, "partition", p.Producer, "below", state.Purged)
	s.tell(p, state)
}

// Purge deletes the records of a partition whose offset is below before, from
// this store and, as they hear of it, from all others; they do not come back from
// a store that was away for less than Config.TombstoneAge. An offset beyond the
// last record means all there are now: what is published later stays. Purge
// returns when they are gone here; the space on disk is given back in the
// background. A producer or a C store that still has them is not told.
func (s *Store) Purge(topic, partition string, before uint64) error {
	if err := protocol.ValidTopic(topic); err != nil {
		return fmt.Errorf("purge topic %q: %w", topic, err)
	}
	if err := protocol.ValidAddress(partition); err != nil {
		return fmt.Errorf("purge partition %q: %w", partition, err)
	}
	p := core.Partition{Topic: topic, Producer: partition}
	result := make(chan error, 1)
	s.node.Lock()
	w := s.wantPurge(p)
	w.asked, w.done = max(w.asked, before), append(w.done, func(err error) { result <- err })
	s.node.Unlock()
	select {
	case err := <-result:
		return err
	case <-s.failed:
		return s.err
	case <-s.closed:
		select {
		case err := <-result:
			return err
		default:
			return fmt.Errorf("purge: %w", beck.ErrClosed)
		}
	}
}

// gathering reports whether something is to be written. It needs the lock.
func (s *Store) gathering() bool {
	return s.err == nil && (len(s.gathered) > 0 || len(s.upkeep.purges) > 0 || s.disk.batch != nil)
}
