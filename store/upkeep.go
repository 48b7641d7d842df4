package store

import (
	"errors"
	"time"

	"github.com/beckmesh/beck/internal/blocklog"
	"github.com/beckmesh/beck/internal/core"
)

// upkeep is what a store has to do besides taking and serving records. The
// node's lock guards it.
type upkeep struct {
	look    map[core.Partition]bool   // what they lack is to be looked for; until then nothing is acknowledged
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

// lookForBare has the trailers that partitions lack asked for: a store came that
// may have them. It needs the lock.
func (s *Store) lookForBare() {
	for p, state := range s.log.Partitions() {
		if state.Bare > 0 {
			s.lookAt([]core.Partition{core.Partition(p)})
		}
	}
}

// lookForHoles tells the intake what partitions lack on disk. What damaged files are
// in the way of is given up first.
func (s *Store) lookForHoles() {
	parts := sortedPartitions(s.upkeep.look)
	for _, p := range parts[:min(len(parts), lookAtOnce)] {
		s.node.Unlock()
		state, _ := s.log.State(blocklog.Partition(p))
		found, err := s.log.Holes(blocklog.Partition(p))
		bare, failed := s.log.BareRanges(blocklog.Partition(p))
		cut, notCut := s.log.CutOut(blocklog.Partition(p))
		err = errors.Join(err, failed, notCut)
		s.node.Lock()
		if errors.Is(err, blocklog.ErrReopening) {
			return
		}
		delete(s.upkeep.look, p)
		for _, q := range cut { // they have holes that were not found yet
			s.upkeep.look[core.Partition(q)] = true
		}
		if err != nil {
			s.node.Logger().Error("holes cannot be looked for", "partition", p.String(), "err", err)
			continue
		}
		now := s.node.Now()
		s.rx.In.Lack(p, below(found, state.Next), state.Next, now)
		s.rx.In.Bare(p, below(bare, state.Next), state.Next, now)
		s.rx.Act()
		s.acknowledge(p)
	}
}

// below returns the ranges that begin below a sequence.
func below(found []blocklog.Range, end uint64) (ranges []core.Range) {
	for _, r := range found {
		if r.First < end {
			ranges = append(ranges, core.Range{First: r.First, End: r.Next})
		}
	}
	return ranges
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
	damaged, failed := s.log.Inspect()
	err = errors.Join(err, failed)
	if merge {
		_, failed := s.log.MergeSmall(mergeBytes)
		err = errors.Join(err, failed)
	}
	s.node.Lock()
	if err != nil && !s.diskTrouble(err) {
		s.node.Logger().Error("retention", "err", err)
	}
	if damage := new(blocklog.CorruptError); errors.As(err, &damage) {
		damaged = append(damaged, damage.Partition)
	}
	for _, p := range damaged {
		s.lookAt([]core.Partition{core.Partition(p)})
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

// takeLapses returns what is to be noted of partitions when a round is on disk.
// What lies behind a gap must be there before the gap counts as expired.
func (s *Store) takeLapses(gathered round) map[core.Partition]uint64 {
	taken := make(map[core.Partition]uint64)
	for p, below := range s.upkeep.lapses {
		if g := gathered[p]; g != nil && (g.records.Next() >= below || !s.rounds.holds(p)) {
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

// gathering reports whether something is to be written. It needs the lock.
func (s *Store) gathering() bool {
	return s.err == nil && (len(s.rounds.list) > 0 || len(s.upkeep.purges) > 0 || s.disk.batch != nil)
}
