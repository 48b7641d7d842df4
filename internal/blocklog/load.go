package blocklog

import (
	"bytes"
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
	ends, err := l.ends()
	if pebble.IsCorruptionError(err) {
		// The states stand. Read will name the ranges that are damaged.
		l.opts.Logger.Error("heads cannot be checked", "error", err)
		return nil
	}
	if err != nil {
		return err
	}
	for _, p := range slices.SortedFunc(maps.Keys(ends), Partition.compare) {
		if s, ok := l.states[p]; ok && s.Next == ends[p] {
			continue
		}
		if err := l.repair(p, ends[p]); err != nil {
			return fmt.Errorf("repair state of %v: %w", p, err)
		}
	}
	return nil
}

// scan returns an iterator over all keys of s.
func (l *Log) scan(s space) (*pebble.Iterator, error) {
	lower, upper := s.bounds()
	return l.db.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
}

func (l *Log) loadStates() (err error) {
	it, err := l.scan(states)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for ok := it.First(); ok; ok = it.Next() {
		p, ok := states.parsePrefix(it.Key())
		if !ok {
			return fmt.Errorf("unknown key %q", it.Key())
		}
		raw, err := it.ValueAndErr()
		if err != nil {
			return err
		}
		if l.states[p], err = parseState(raw); err != nil {
			return fmt.Errorf("%v: %w", p, err)
		}
	}
	return it.Error()
}

// ends returns for each partition where its head has to be: behind its last
// block, its last quarantined one, and not below its tail.
func (l *Log) ends() (map[Partition]uint64, error) {
	ends := make(map[Partition]uint64, len(l.states))
	for p, s := range l.states {
		ends[p] = s.Tail
	}
	raise := func(p Partition, end uint64) { ends[p] = max(ends[p], end) }
	return ends, errors.Join(l.lastBlocks(raise), l.lastQuarantined(raise))
}

func (l *Log) lastQuarantined(raise func(Partition, uint64)) (err error) {
	it, err := l.scan(quarantine)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for ok := it.First(); ok; ok = it.Next() {
		p, _, ok := quarantine.parseKey(it.Key())
		raw, err := it.ValueAndErr()
		if err != nil {
			return err
		}
		if !ok || len(raw) < seqLen {
			return fmt.Errorf("unknown key %q", it.Key())
		}
		raise(p, binary.BigEndian.Uint64(raw))
	}
	return it.Error()
}

// lastBlocks finds the partitions that have blocks by leaping from one to the
// next, and looks at the last block of each: two seeks a partition.
func (l *Log) lastBlocks(raise func(Partition, uint64)) (err error) {
	it, err := l.scan(blocks)
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
	next := max(l.states[p].Next, first+1)
	err = l.setAside(p, first, next, raw, err)
	if bad := new(CorruptError); errors.As(err, &bad) && bad.Quarantined {
		return next, nil
	}
	return 0, err
}

// repair makes the state of p anew from its blocks.
func (l *Log) repair(p Partition, end uint64) error {
	old, known := l.states[p]
	s := old
	if err := l.recount(p, &s, known); err != nil {
		return err
	}
	s.Next = end
	if !known && s.Records == 0 {
		s.Tail = end
	}
	s.Updated = l.opts.Now().UnixMilli()
	l.opts.Logger.Warn("state of a partition did not match its blocks and was repaired",
		"topic", p.Topic, "producer", p.Producer, "tail", s.Tail, "next", s.Next, "was", old.Next)
	var value bytes.Buffer
	if err := s.encode(&value); err != nil {
		return err
	}
	b := l.db.NewBatch()
	if err := b.Set(states.appendPrefix(nil, p), value.Bytes(), nil); err != nil {
		return err
	}
	if err := l.write(b); err != nil {
		return err
	}
	l.states[p] = s
	return nil
}

// recount sets Records, Bytes and, of a partition that had no state, Tail.
func (l *Log) recount(p Partition, s *state, known bool) error {
	r := reader{log: l, partition: p}
	if err := r.open(); err != nil {
		return err
	}
	s.Records, s.Bytes = 0, 0
	for ok := r.iter.First(); ok; ok = r.iter.Next() {
		raw, err := r.iter.ValueAndErr()
		if err != nil {
			return errors.Join(err, r.close())
		}
		b, err := parseBlock(raw)
		if err != nil {
			continue // Read will put it in quarantine
		}
		if !known && s.Records == 0 {
			s.Tail = b.first
		}
		s.Records += uint64(b.count)
		s.Bytes += uint64(b.len())
	}
	return errors.Join(r.iter.Error(), r.close())
}
