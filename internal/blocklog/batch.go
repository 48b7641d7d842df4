package blocklog

import (
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
	db      *pebble.DB        // that pebble is for
	entries []entry           // in the order in which the partitions came
	index   map[Partition]int // nil once committed or discarded
	runs    []run             // what Add appended, in order
	fills   []belated         // what Fill was given
	// completions are what Complete was given.
	completions []belated
	bytes       int
	key         []byte
}

// run are the records of one grain that are appended to a partition.
type run struct {
	entry int    // index of its partition
	grain uint64 // where they are
	next  uint64 // behind the last one
	time  int64  // of the first block, ms
	sums
}

// NewBatch returns an empty batch, to be ended by Commit or Discard.
func (l *Log) NewBatch() *Batch {
	b := &Batch{log: l}
	if s, ok := l.spare.Get().(*spare); ok {
		b.entries, b.index, b.runs = s.entries, s.index, s.runs
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
	runs    []run
}

// Begin makes a new partition that begins at tail, empty, so that records that
// come later than others can still be filled in down to there: tail is the
// lowest sequence that its producer, or, the producer gone, any store offers.
// Records may be added in the same batch. [ErrOverlap]: the partition exists;
// [ErrPartition], [ErrCommitted] and [ErrClosed] are the others.
func (b *Batch) Begin(p Partition, tail uint64) error {
	err := b.begin(p, 0)
	if err == nil {
		if _, known := b.head(p); known {
			err = fmt.Errorf("%w: it exists", ErrOverlap)
		}
	}
	if err != nil {
		return fmt.Errorf("blocklog: begin %v: %w", p, err)
	}
	b.append(&b.entries[b.entry(p)], tail)
	return nil
}

// Add copies all blocks of b, which may be reset afterwards. A partition may be
// added several times, in sequence. A new partition begins at its first record,
// whatever its sequence, unless Begin said otherwise; an existing one may be
// continued behind a hole. Errors, after which the batch is as before:
// [ErrOverlap] (the partition has that sequence or a later one; for what is
// missing below there is Fill), [ErrTooLarge], [ErrPartition], [ErrCommitted],
// [ErrClosed].
func (b *Batch) Add(p Partition, records *Builder) error {
	if records.Count() == 0 {
		return nil
	}
	if err := b.check(p, records); err != nil {
		return fmt.Errorf("blocklog: add to %v: %w", p, err)
	}
	i := b.entry(p)
	e := &b.entries[i]
	if !e.adds {
		b.append(e, records.First())
	}
	now := rising(e.updated, b.log.opts.Now().UnixMilli())
	for n := range records.spans {
		block := records.block(n, now)
		var err error
		if b.key, err = put(b.pebble, b.key, p, block); err != nil {
			return fmt.Errorf("blocklog: add to %v: %w", p, err)
		}
		b.count(i, block)
	}
	b.bytes += records.Bytes()
	e.next = records.Next()
	return nil
}

// append has records appended to e, from first on if it is new.
func (b *Batch) append(e *entry, first uint64) {
	s, known := b.log.state(e.Partition)
	e.adds, e.known, e.base, e.first, e.next = true, known, s.Next, first, first
	e.updated = s.Updated
}

// clockStep is how far a clock may be set back, ms, for the times in the blocks of a
// partition to rise all the same. If it was further ahead than that, it was wrong.
const clockStep = 60_000

// rising returns now, or when the partition was last written to if the clock was set
// back a little since: [Log.SeenAt] relies on it.
func rising(last, now int64) int64 {
	if last > now && last-now <= clockStep {
		return last
	}
	return now
}

// put adds a block to a Pebble batch. It returns the memory for the key.
func put(to *pebble.Batch, key []byte, p Partition, b block) ([]byte, error) {
	key = blocks.appendKey(key[:0], p, b.first)
	op := to.SetDeferred(len(key), b.len())
	copy(op.Key, key)
	b.encode(op.Value)
	return key, op.Finish()
}

// count sums up a block of partition i. A builder's block lies in one grain.
func (b *Batch) count(i int, block block) {
	s, k := block.sum(block.first, block.next()), grainOf(block.first)
	if n := len(b.runs); n > 0 && b.runs[n-1].entry == i && b.runs[n-1].grain == k {
		b.runs[n-1].add(s)
		b.runs[n-1].next = block.next()
		return
	}
	b.runs = append(b.runs, run{entry: i, grain: k, next: block.next(), time: block.time, sums: s})
}

// Bytes returns the encoded bytes of the blocks added.
func (b *Batch) Bytes() int { return b.bytes }

func (b *Batch) check(p Partition, records *Builder) error {
	if err := b.fits(records.Bytes()); err != nil {
		return err
	}
	if err := b.begin(p, records.Bytes()); err != nil {
		return err
	}
	if next, known := b.head(p); known && records.First() < next {
		return fmt.Errorf("%w: %d, the head is at %d", ErrOverlap, records.First(), next)
	}
	return nil
}

// fits returns ErrTooLarge if there is no room for n more bytes.
func (b *Batch) fits(n int) error {
	if b.bytes+n > MaxBatch {
		return fmt.Errorf("%w: batch of %d bytes", ErrTooLarge, b.bytes+n)
	}
	return nil
}

// head returns where a partition is to be continued; false if it is new.
func (b *Batch) head(p Partition) (next uint64, known bool) {
	if i, ok := b.index[p]; ok && b.entries[i].adds {
		return b.entries[i].next, true
	}
	s, known := b.log.state(p)
	return s.Next, known
}

// retainBatch is the memory that Pebble keeps of a batch for the next one.
const retainBatch = 8 << 20

// begin makes the Pebble batch with the first blocks, of n bytes, and room for
// their keys and states.
func (b *Batch) begin(p Partition, n int) error {
	if err := p.validate(); err != nil {
		return err
	}
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
	b.db = b.log.db
	b.pebble = b.db.NewBatchWithSize(n+n/16+4<<10, pebble.WithMaxRetainedSizeBytes(retainBatch))
	return nil
}

// entry returns the index of the partition's entry, a new one if it has none.
func (b *Batch) entry(p Partition) int {
	i, ok := b.index[p]
	if !ok {
		i = len(b.entries)
		b.index[p] = i
		b.entries = append(b.entries, entry{Partition: p})
	}
	return i
}

// Commit writes the blocks and the states of their partitions, all or nothing,
// and returns when they are on disk; only then they can be read and
// [Log.State] tells of them. On any error nothing has changed for readers.
// [ErrSync] means that it is not known whether the batch will be there after a
// restart, and that the log must be opened again. [ErrOverlap]: another batch
// was committed for the same partition since Add, or it was purged beyond its
// head, or what Fill was given is there by now; [ErrConflict]: what Complete was
// given is there with other contents by now; [ErrReopened]: see [Log.Reopen]. The
// batch cannot be used again in any case.
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
		b.log.spare.Put(&spare{b.entries[:0], b.index, b.runs[:0]})
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
	if b.db != l.db {
		return ErrReopened
	}
	l.writing.Lock()
	defer l.writing.Unlock()
	c := change{log: l, batch: b.pebble, entries: b.entries, key: b.key}
	b.pebble = nil // the change closes it
	if err := c.gather(b); err != nil {
		return c.abort(err)
	}
	return c.commit()
}

// gather works out what the partitions of a batch become.
func (c *change) gather(b *Batch) error {
	for i := range c.entries {
		if err := c.resume(&c.entries[i]); err != nil {
			return err
		}
	}
	for i := range b.fills {
		if err := c.fill(&c.entries[b.fills[i].entry], &b.fills[i]); err != nil {
			return err
		}
	}
	if err := c.complete(b.completions); err != nil {
		return err
	}
	for i := range b.runs {
		r := &b.runs[i]
		e := &c.entries[r.entry]
		c.appended(e.Partition, &e.after, r)
	}
	return nil
}

// resume begins with the state that the partition has now. Trimming since Add
// is fine; appending is not.
func (c *change) resume(e *entry) error {
	s, known := c.log.state(e.Partition)
	now := c.log.opts.Now().UnixMilli()
	if !known { // new, or a tombstone that was dropped meanwhile
		s = state{State: State{Tail: e.first, Next: e.first, Emptied: now}}
	} else if e.adds && (!e.known || s.Next != e.base) {
		return fmt.Errorf("%w: %v was written to since Add", ErrOverlap, e.Partition)
	}
	if e.adds {
		s.Updated = rising(s.Updated, now)
	}
	e.after = s
	return nil
}

// write applies b with fsync and closes it. It is called by one goroutine at a
// time.
func (l *Log) write(b *pebble.Batch) error {
	l.mu.RLock()
	err := l.failure
	l.mu.RUnlock()
	if err != nil {
		return errors.Join(err, b.Close())
	}
	return l.guarded(func() error { return l.apply(b) })
}

// guarded changes the database by f, in one goroutine at a time. If the write-ahead
// log fails, [ErrSync] is returned by all writes from now on. Close gives up on an f
// that waits for room on the disk.
func (l *Log) guarded(f func() error) error {
	l.running.Add(1)
	done := make(chan error, 1)
	go func() {
		defer l.running.Done()
		done <- l.recovered(f)
	}()
	select {
	case err := <-done:
		return err
	case <-l.abandoned:
		return fmt.Errorf("%w, and %w", ErrClosed, ErrFull)
	}
}

// recovered calls f and takes note of a panic by which Pebble says that it failed.
func (l *Log) recovered(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil { // Pebble keeps the batch
			err = fmt.Errorf("%w: %w", ErrSync, asError(r))
			l.mu.Lock()
			l.failure = err
			l.mu.Unlock()
		}
	}()
	return f()
}

func (l *Log) apply(b *pebble.Batch) error {
	durably := pebble.Sync
	if planted.Is(planted.CommitWithoutSync) {
		durably = pebble.NoSync
	}
	return errors.Join(l.db.Apply(b, durably), b.Close())
}
