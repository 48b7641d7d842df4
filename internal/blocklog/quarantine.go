package blocklog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// setAside moves a damaged block to the quarantine, where it is kept for
// whoever wants to look at it, and returns the error that names it. The value
// there is the end of the range (big-endian) and the block's bytes.
func (l *Log) setAside(p Partition, first, next uint64, raw []byte, cause error) error {
	e := &CorruptError{Partition: p, First: first, Next: next, Cause: cause}
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
// was faster.
func (l *Log) move(p Partition, first, next uint64, raw []byte) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	key := blocks.appendKey(nil, p, first)
	same, err := l.holds(key, raw)
	if err != nil || !same {
		return err
	}
	b := l.db.NewBatch()
	if err := b.Delete(key, nil); err != nil {
		return errors.Join(err, b.Close())
	}
	value := append(binary.BigEndian.AppendUint64(nil, next), raw...)
	if err := b.Set(quarantine.appendKey(nil, p, first), value, nil); err != nil {
		return errors.Join(err, b.Close())
	}
	return l.write(b)
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
