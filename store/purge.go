package store

import (
	"fmt"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/blocklog"
	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/internal/planted"
	"github.com/beckmesh/beck/protocol"
)

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
	if below == 0 || planted.Is(planted.PurgeStays) {
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
	if bytes, dropped := s.rounds.drop(p, state.Next); dropped {
		s.rx.In.Rewind(p, state.Next, now)
		s.rx.In.Consumed(bytes, now)
		s.lookAt([]core.Partition{p}) // what was to be filled in is still missing
	} else {
		s.rx.In.Trim(p, state.Tail, now)
	}
	s.rx.Act()
	s.node.Logger().Info("purged", "topic", p.Topic, "partition", p.Producer, "below", state.Purged)
	s.tell(p, state)
}

// Purged is what a purge deletes of a partition.
type Purged struct {
	Partition string // the producer's address
	Below     uint64 // offsets below it
	Records   uint64 // so many are held
}

// PlanPurge returns what Purge would delete of a topic, by partition, and deletes
// nothing. Partitions without records below before are left out, and all but one
// unless partition is empty.
func (s *Store) PlanPurge(topic, partition string, before uint64) ([]Purged, error) {
	plan, err := s.log.PlanPurge(blocklog.PurgeOrder{Topic: topic, Producer: partition, Before: before})
	list := make([]Purged, len(plan))
	for i, p := range plan {
		list[i] = Purged{p.Producer, p.Below, p.Records}
	}
	return list, err
}

// Purge deletes the records of a partition whose offset is below before, from
// this store and, as they hear of it, from all others; they do not come back from
// a store that was away for less than Config.TombstoneAge. An offset beyond the
// last record means all there are now: what is published later stays. Purge
// returns when they are gone here; the space on disk is given back in the
// background. A producer or a C store that still has them is not told.
func (s *Store) Purge(topic, partition string, before uint64) error {
	result := make(chan error, 1)
	s.PurgeFunc(topic, partition, before, func(err error) { result <- err })
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

// PurgeFunc is Purge that does not wait: done is called with the outcome, at most
// once, and not after Close. It must not block, or call the store.
func (s *Store) PurgeFunc(topic, partition string, before uint64, done func(error)) {
	if err := protocol.ValidTopic(topic); err != nil {
		done(fmt.Errorf("purge topic %q: %w", topic, err))
		return
	}
	if err := protocol.ValidAddress(partition); err != nil {
		done(fmt.Errorf("purge partition %q: %w", partition, err))
		return
	}
	s.node.Lock()
	defer s.node.Unlock()
	w := s.wantPurge(core.Partition{Topic: topic, Producer: partition})
	w.asked, w.done = max(w.asked, before), append(w.done, done)
}
