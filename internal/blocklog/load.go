package blocklog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// load reads the states of all partitions and checks each against its last
// block. Both are written in one batch, so a difference means that somebody
// else wrote here; the blocks are right, because they are what can be served.
func (l *Log) load() error {
	if err := l.loadStates(); err != nil {
		return err
	}
	if err := l.checkSeal(); err != nil {
		return err
	}
	if err := l.resumeExcision(); err != nil {
		return err
	}
	ends, err := l.ends()
	if isDamage(err) {
		// The states stand. Read will name the ranges that are damaged.
		l.opts.Logger.Error("heads cannot be checked", "error", err)
		ends = nil
	} else if err != nil {
		return err
	}
	if err := l.repairAll(ends); err != nil {
		return err
	}
	if err := l.upgrade(); err != nil {
		return err
	}
	return l.loadMarks()
}

// repairAll makes the states anew that do not end where their blocks end.
func (l *Log) repairAll(ends map[Partition]uint64) error {
	for _, p := range slices.SortedFunc(maps.Keys(ends), Partition.compare) {
		s, known := l.state(p)
		if known && s.Next == ends[p] {
			continue
		}
		was := s.Next
		s.Next, s.Updated = ends[p], l.opts.Now().UnixMilli()
		if err := l.rebuild(p, s, known); err != nil {
			return fmt.Errorf("repair state of %v: %w", p, err)
		}
		s, _ = l.state(p)
		l.opts.Logger.Warn("state of a partition did not match its blocks and was repaired",
			"topic", p.Topic, "producer", p.Producer, "tail", s.Tail, "next", s.Next, "was", was)
	}
	return nil
}

// upgrade rebuilds what was written before there were sums.
func (l *Log) upgrade() error {
	var old []Partition
	for p, q := range l.parts {
		if q.stale {
			old = append(old, p)
		}
	}
	if len(old) == 0 {
		return nil
	}
	l.opts.Logger.Info("reading all records once, for a store of an older version", "partitions", len(old))
	slices.SortFunc(old, Partition.compare)
	for _, p := range old {
		s, _ := l.state(p)
		if err := l.rebuild(p, s, true); err != nil {
			return fmt.Errorf("upgrade %v: %w", p, err)
		}
	}
	return nil
}

func (l *Log) loadStates() error {
	return l.eachOf(states, func(key, raw []byte) error {
		p, ok := states.parsePrefix(key)
		if !ok {
			return fmt.Errorf("unknown key %q", key)
		}
		s, err := parseState(raw)
		if err != nil {
			return fmt.Errorf("%v: %w", p, err)
		}
		l.parts[p] = &part{state: s, hash: hashState(key, raw)}
		return nil
	})
}

// ends returns for each partition where its head has to be: behind its last
// block, its last quarantined one, and not below its tail.
func (l *Log) ends() (map[Partition]uint64, error) {
	ends := make(map[Partition]uint64, len(l.parts))
	for p, s := range l.parts {
		ends[p] = s.Tail
	}
	raise := func(p Partition, end uint64) { ends[p] = max(ends[p], end) }
	return ends, errors.Join(l.lastBlocks(raise), l.lastQuarantined(raise))
}

func (l *Log) lastQuarantined(raise func(Partition, uint64)) error {
	return l.eachOf(quarantine, func(key, raw []byte) error {
		p, _, ok := quarantine.parseKey(key)
		if !ok || len(raw) < seqLen {
			return fmt.Errorf("unknown key %q", key)
		}
		raise(p, binary.BigEndian.Uint64(raw))
		return nil
	})
}

// lastBlocks finds the partitions that have blocks by leaping from one to the
// next, and looks at the last block of each: two seeks a partition.
func (l *Log) lastBlocks(raise func(Partition, uint64)) (err error) {
	lower, upper := blocks.bounds()
	it, err := l.db.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for ok := it.First(); ok; {
		p, _, ok2 := blocks.parseKey(it.Key())
		if !ok2 {
			return fmt.Errorf("unknown key %q", it.Key())
		}
		behind := blocks.appendEnd(nil, p)
		if !it.SeekLT(behind) {
			return it.Error()
		}
		end, err := l.blockEnd(p, it)
		if err != nil {
			return err
		}
		raise(p, end)
		ok = it.SeekGE(behind)
	}
	return it.Error()
}

// blockEnd returns the sequence behind the block at it. A damaged block is put
// in quarantine, and everything that its partition claims above it with it.
func (l *Log) blockEnd(p Partition, it *pebble.Iterator) (uint64, error) {
	raw, err := it.ValueAndErr()
	if err != nil {
		return 0, err
	}
	b, err := parseBlock(raw)
	first := keySeq(it.Key())
	if err == nil && b.first != first {
		err = errKey
	}
	if errors.Is(err, ErrFormat) {
		return 0, fmt.Errorf("records from %d of %v: %w", first, p, err)
	}
	if err == nil {
		return b.next(), nil
	}
	s, _ := l.state(p)
	next := max(s.Next, first+1)
	err = l.setAside(p, first, next, raw, err)
	if bad := new(CorruptError); errors.As(err, &bad) && bad.Quarantined {
		return next, nil
	}
	return 0, err
}

// rebuild makes the sums of a partition anew by reading all of its blocks, and
// the state from s, of which Tail and Next stand; Tail only if the partition was
// known.
func (l *Log) rebuild(p Partition, s state, known bool) error {
	s.uncount()
	s.stale = false
	c := l.newChange()
	if err := c.batch.DeleteRange(grains.appendKey(nil, p, 0), grains.appendEnd(nil, p), nil); err != nil {
		return c.abort(err)
	}
	next, from := s.Next, s.Tail
	if !known {
		s.Tail, from = next, 0
	}
	begun := false
	_, err := l.walk(p, from, next, func(b block) bool {
		if !begun {
			if !known {
				s.Tail = b.first
			}
			begun, s.Next = true, max(s.Tail, b.first)
		}
		c.recount(p, &s, b)
		return true
	})
	if err != nil {
		return c.abort(err)
	}
	if grainOf(s.Next) != grainOf(next) {
		c.closeOpen(p, &s)
	}
	s.Next = next
	if s.Tail == next && s.Emptied == 0 {
		s.Emptied = l.opts.Now().UnixMilli()
	}
	c.entry(p, s)
	return c.commit()
}

// recount counts a block that may lie across grains.
func (c *change) recount(p Partition, s *state, b block) {
	for k := grainOf(max(b.first, s.Tail)); k <= grainOf(b.next()-1); k++ {
		from := max(k*GrainRecords, s.Tail)
		if o := b.sum(from, grainEnd(k)); o.records > 0 {
			c.appended(p, s, &run{grain: k, next: min(b.next(), grainEnd(k)), time: b.time, sums: o})
		}
	}
}
