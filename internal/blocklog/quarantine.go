package blocklog

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// setAside moves a damaged block to the quarantine, where it is kept for
// whoever wants to look at it, and returns the error that names it. The value
// there is the end of the range (big-endian) and the block's bytes.
func (l *Log) setAside(p Partition, first, next uint64, raw []byte, cause error) error {
	e := &CorruptError{Partition: p, First: first, Next: next, Cause: cause}
	if l.disk.fullFor() > 0 { // reading must not wait for room
		return e
	}
	err := l.move(p, first, next, raw)
	e.Quarantined = err == nil
	l.opts.Logger.Error("damaged block", "topic", p.Topic, "producer", p.Producer,
		"first", first, "next", next, "cause", cause, "quarantined", e.Quarantined)
	if err != nil {
		return errors.Join(e, fmt.Errorf("quarantine: %w", err))
	}
	return e
}

// move does nothing if the block is not the one that was read: another reader
// was faster, or it was merged or trimmed.
func (l *Log) move(p Partition, first, next uint64, raw []byte) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	key := blocks.appendKey(nil, p, first)
	same, err := l.holds(key, raw)
	if err != nil || !same {
		return err
	}
	c := l.newChange()
	if err := c.setAside(p, first, next, key, raw); err != nil {
		return c.abort(err)
	}
	return c.commit()
}

func (c *change) setAside(p Partition, first, next uint64, key, raw []byte) error {
	if err := c.batch.Delete(key, nil); err != nil {
		return err
	}
	value := append(binary.BigEndian.AppendUint64(nil, next), raw...)
	if err := c.batch.Set(quarantine.appendKey(nil, p, first), value, nil); err != nil {
		return err
	}
	return c.countLeft(p, first, next)
}

// countLeft counts what is left within a range. What else was there is not known
// any more.
func (c *change) countLeft(p Partition, first, next uint64) error {
	s, known := c.log.state(p)
	if !known || s.stale { // it will be rebuilt
		return nil
	}
	e := c.entry(p, s)
	e.after.oldest = 0 // the next one may be older
	for k := grainOf(max(first, s.Tail)); k <= grainOf(min(next, s.Next)-1) && s.Tail < s.Next; k++ {
		g, err := c.log.recountGrain(p, k, &s)
		if err != nil {
			return err
		}
		if err := c.replaced(p, &e.after, k, g); err != nil {
			return err
		}
	}
	return nil
}

// noteGone notes in the quarantine how far records went whose bytes cannot be read.
func (c *change) noteGone(p Partition, gone Range) error {
	s, _ := c.log.state(p)
	gone = Range{max(gone.First, s.Tail), min(gone.Next, s.Next)}
	if gone.First >= gone.Next {
		return nil
	}
	key := quarantine.appendKey(nil, p, gone.First)
	raw, err := c.log.blockAt(key) // an earlier block of the same offsets
	if err != nil {
		return err
	}
	value := binary.BigEndian.AppendUint64(nil, gone.Next)
	if len(raw) >= seqLen {
		value = append(value, raw[seqLen:]...)
	}
	return c.batch.Set(key, value, nil)
}

// recountGrain reads the blocks of a grain. Damaged ones do not count.
func (l *Log) recountGrain(p Partition, k uint64, s *state) (g sums, err error) {
	from, to := max(k*GrainRecords, s.Tail), min(grainEnd(k), s.Next)
	_, err = l.walk(p, from, to, func(b block) bool {
		g.add(b.sum(from, to))
		return true
	})
	return g, err
}

// sweepQuarantine forgets what was put aside of records that have expired. What
// reaches above the tail stays: it says that the head was that high.
func (c *change) sweepQuarantine(p Partition, tail uint64) error {
	lower, upper := quarantine.appendKey(nil, p, 0), quarantine.appendKey(nil, p, tail)
	return eachKey(c.log.db, lower, upper, func(key, raw []byte) error {
		if len(raw) >= seqLen && binary.BigEndian.Uint64(raw) <= tail {
			return c.batch.Delete(key, nil)
		}
		return nil
	})
}

// holds says whether key leads to exactly value.
func (l *Log) holds(key, value []byte) (bool, error) {
	found, closer, err := l.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	same := bytes.Equal(found, value)
	return same, closer.Close()
}

// maxDamage bounds how many damaged ranges are remembered. A disk with more of
// them is beyond saving seconds.
const maxDamage = 10_000

// remember notes a range that cannot be read. Meeting it again would cost
// seconds each time: Pebble tries for every bit of a damaged block whether its
// flip explains the checksum.
func (l *Log) remember(bad *CorruptError) {
	if known := l.damageAt(bad.Partition, bad.First); known != nil && known.Next >= bad.Next {
		return
	}
	l.opts.Logger.Error("records cannot be read", "topic", bad.Partition.Topic,
		"producer", bad.Partition.Producer, "first", bad.First, "next", bad.Next, "cause", bad.Cause)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.damaged < maxDamage {
		l.damage[bad.Partition] = append(l.damage[bad.Partition], bad)
		l.damaged++
	}
}

// damageAt returns the remembered damage that seq lies in, or nil.
func (l *Log) damageAt(p Partition, seq uint64) *CorruptError {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for _, bad := range l.damage[p] {
		if bad.First <= seq && seq < bad.Next {
			return bad
		}
	}
	return nil
}

// Unreadable returns the ranges of a partition at or above its tail that were met
// since the log was opened and that damaged files of Pebble are in the way of, in
// order. State counts their records as held, and nothing can be filled in there
// before [Log.CutOut].
func (l *Log) Unreadable(p Partition) (ranges []Range) {
	s, _ := l.State(p)
	l.mu.RLock()
	defer l.mu.RUnlock()
	for _, bad := range l.damage[p] {
		if first := max(bad.First, s.Tail); first < bad.Next {
			ranges = append(ranges, Range{first, bad.Next})
		}
	}
	slices.SortFunc(ranges, func(a, b Range) int { return cmp.Compare(a.First, b.First) })
	return ranges
}

// isDamage tells that Pebble's files are not what was written from trouble with
// reading them. A file that is too short is damaged, too.
func isDamage(err error) bool {
	return pebble.IsCorruptionError(err) || errors.Is(err, errBlob) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
