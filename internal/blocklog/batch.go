package blocklog

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/beckmesh/beck/internal/planted"
	"github.com/cockroachdb/pebble/v2"
)

// Batch gathers blocks of many partitions to be committed together. It belongs
// to one goroutine, and to one batch of a log at a time: fill builders while a
// batch is being committed, and add them to the next one afterwards.
type Batch struct {
	log     *Log
	pebble  *pebble.Batch     // nil before the first block
	entries []entry           // in the order in which the partitions came
	index   map[Partition]int // nil once committed or discarded
	bytes   int
	key     []byte
}

// entry is a partition of a batch: its state before and after.
type entry struct {
	Partition
	before, after state
	known         bool // it had a state before
}

// NewBatch returns an empty batch, to be ended by Commit or Discard.
func (l *Log) NewBatch() *Batch {
	b := &Batch{log: l}
	if s, ok := l.spare.Get().(*spare); ok {
		b.entries, b.index = s.entries, s.index
	} else {
		b.index = map[Partition]int{}
	}
	return b
}

// spare is the memory of an ended batch, empty. A store with thousands of quiet
// topics fills it a few hundred times a second.
type spare struct {
	entries []entry
	index   map[Partition]int
}

// Add copies all blocks of b, which may be reset afterwards. A partition may be
// added several times, in sequence. A new partition begins at its first record,
// whatever its sequence; an existing one may be continued behind a hole. Errors,
// after which the batch is as before: [ErrOverlap] (the partition has that
// sequence or a later one), [ErrTooLarge], [ErrPartition], [ErrCommitted],
// [ErrClosed].
func (b *Batch) Add(p Partition, records *Builder) error {
	if records.Count() == 0 {
		return nil
	}
	if err := b.check(p, records); err != nil {
		return fmt.Errorf("blocklog: add to %v: %w", p, err)
	}
	e := b.entry(p)
	if !e.known {
		e.after.Tail = records.First()
	}
	now := b.log.opts.Now().UnixMilli()
	for i := range records.spans {
		block := records.block(i, now)
		b.key = blocks.appendKey(b.key[:0], p, block.first)
		op := b.pebble.SetDeferred(len(b.key), block.len())
		copy(op.Key, b.key)
		block.encode(op.Value)
		if err := op.Finish(); err != nil {
			return fmt.Errorf("blocklog: add to %v: %w", p, err)
		}
	}
	b.bytes += records.Bytes()
	e.known = true
	e.after.Next = records.Next()
	e.after.Records += uint64(records.Count())
	e.after.Bytes += uint64(records.Bytes())
	e.after.Updated = now
	return nil
}

// Bytes returns the encoded bytes of the blocks added.
func (b *Batch) Bytes() int { return b.bytes }

func (b *Batch) check(p Partition, records *Builder) error {
	if err := p.validate(); err != nil {
		return err
	}
	if b.bytes+records.Bytes() > MaxBatch {
		return fmt.Errorf("%w: batch of %d bytes", ErrTooLarge, b.bytes+records.Bytes())
	}
	if err := b.begin(records.Bytes()); err != nil {
		return err
	}
	s, known := b.log.state(p)
	if i, ok := b.index[p]; ok {
		s, known = b.entries[i].after, true
	}
	if known && records.First() < s.Next {
		return fmt.Errorf("%w: %d, the head is at %d", ErrOverlap, records.First(), s.Next)
	}
	return nil
}

// retainBatch is the memory that Pebble keeps of a batch for the next one.
const retainBatch = 8 << 20

// begin makes the Pebble batch with the first blocks, of n bytes, and room for
// their keys and states.
func (b *Batch) begin(n int) error {
	if b.index == nil {
		return ErrCommitted
	}
	if b.pebble != nil {
		return nil
	}
	if err := b.log.enter(); err != nil {
		return err
	}
	defer b.log.leave()
	b.pebble = b.log.db.NewBatchWithSize(n+n/16+4<<10, pebble.WithMaxRetainedSizeBytes(retainBatch))
	return nil
}

// entry returns the partition's entry, a new one if it has none. It is valid
// until the next call.
func (b *Batch) entry(p Partition) *entry {
	i, ok := b.index[p]
	if !ok {
		i = len(b.entries)
		b.index[p] = i
		s, known := b.log.state(p)
		b.entries = append(b.entries, entry{Partition: p, before: s, after: s, known: known})
	}
	return &b.entries[i]
}

// Commit writes the blocks and the states of their partitions, all or nothing,
// and returns when they are on disk; only then they can be read and
// [Log.State] tells of them. On any error nothing has changed for readers.
// [ErrSync] means that it is not known whether the batch will be there after a
// restart, and that the log must be opened again. [ErrOverlap]: another batch
// was committed for the same partition since Add. The batch cannot be used
// again in any case.
func (b *Batch) Commit() error {
	if b.index == nil {
		return fmt.Errorf("blocklog: commit: %w", ErrCommitted)
	}
	err := b.log.commit(b)
	b.Discard()
	if err != nil {
		return fmt.Errorf("blocklog: commit: %w", err)
	}
	return nil
}

// Discard drops a batch that is not to be committed.
func (b *Batch) Discard() {
	if b.pebble != nil {
		// What it returns was returned by Apply.
		_ = b.pebble.Close()
	}
	if b.index != nil {
		clear(b.entries)
		clear(b.index)
		b.log.spare.Put(&spare{b.entries[:0], b.index})
	}
	*b = Batch{log: b.log}
}

func (l *Log) commit(b *Batch) error {
	if err := l.enter(); err != nil {
		return err
	}
	defer l.leave()
	if len(b.entries) == 0 {
		return nil
	}
	l.writing.Lock()
	defer l.writing.Unlock()
	if err := b.encodeStates(); err != nil {
		return err
	}
	batch := b.pebble
	b.pebble = nil // write closes it
	if err := l.write(batch); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var fresh []Partition
	for i := range b.entries {
		e := &b.entries[i]
		if _, known := l.states[e.Partition]; !known {
			fresh = append(fresh, e.Partition)
		}
		l.states[e.Partition] = e.after
	}
	l.arrange(fresh)
	return nil
}

// encodeStates adds the states to the Pebble batch.
func (b *Batch) encodeStates() error {
	var value bytes.Buffer
	for i := range b.entries {
		e := &b.entries[i]
		if now, _ := b.log.state(e.Partition); now.State != e.before.State {
			return fmt.Errorf("%w: %v was written to since Add", ErrOverlap, e.Partition)
		}
		value.Reset()
		if err := e.after.encode(&value); err != nil {
			return fmt.Errorf("state of %v: %w", e.Partition, err)
		}
		b.key = states.appendPrefix(b.key[:0], e.Partition)
		if err := b.pebble.Set(b.key, value.Bytes(), nil); err != nil {
			return fmt.Errorf("state of %v: %w", e.Partition, err)
		}
	}
	return nil
}

// write applies b with fsync and closes it. It is called by one goroutine at a
// time. If the write-ahead log fails, [ErrSync] is returned from now on.
func (l *Log) write(b *pebble.Batch) (err error) {
	l.mu.RLock()
	err = l.failure
	l.mu.RUnlock()
	if err != nil {
		return errors.Join(err, b.Close())
	}
	defer func() {
		if r := recover(); r != nil { // Pebble keeps the batch
			err = fmt.Errorf("%w: %w", ErrSync, asError(r))
			l.mu.Lock()
			l.failure = err
			l.mu.Unlock()
		}
	}()
	durably := pebble.Sync
	if planted.Is(planted.CommitWithoutSync) {
		durably = pebble.NoSync
	}
	if err := l.db.Apply(b, durably); err != nil {
		return errors.Join(err, b.Close())
	}
	return b.Close()
}
