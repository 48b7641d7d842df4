package blocklog

import (
	"fmt"
	"time"
)

// Merged says what merging did.
type Merged struct {
	Partitions int // that were looked at
	Before     int // blocks that were merged
	After      int // blocks that they became
	Bytes      int // their encoded length
}

func (m *Merged) add(o Merged) {
	m.Partitions += o.Partitions
	m.Before += o.Before
	m.After += o.After
	m.Bytes += o.Bytes
}

const (
	// minRun blocks at least are merged, so that a record is written again only
	// a few times in its life.
	minRun = 8
	// A block may stand for records whose times differ by a sixteenth of their
	// age, or a minute: what expires by age stays that much longer at most.
	spanFraction = 16
	minSpan      = time.Minute
	// stepBytes of blocks are written at once, so that commits hardly wait.
	stepBytes = 1 << 20
)

// MergeSmall merges small blocks of partitions that gathered many of them, until
// it has written about limit bytes (0 or less: no limit). It is meant for the
// background, every few seconds; it costs nothing if there is nothing to do. See
// Compact.
func (l *Log) MergeSmall(limit int) (Merged, error) {
	var total Merged
	for limit <= 0 || total.Bytes < limit {
		p, ok := l.nextSmall()
		if !ok {
			break
		}
		m, err := l.Compact(p)
		total.add(m)
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// Compact merges runs of small consecutive blocks of a partition into blocks of
// up to [Options.BlockBytes], synced, the old ones out and the new one in at
// once: who reads meanwhile sees the one or the other. A merged block bears the
// time of its newest record, so blocks are merged only while their times are
// close in proportion to their age, and bare ones only with bare ones. Damaged
// blocks are left for Read to find.
func (l *Log) Compact(p Partition) (Merged, error) {
	total := Merged{Partitions: 1}
	if err := l.enter(); err != nil {
		return Merged{}, err
	}
	defer l.leave()
	ks, err := l.smallGrains(p)
	for i := 0; i < len(ks) && err == nil; i++ {
		var m Merged
		m, err = l.compactGrain(p, ks[i])
		total.add(m)
	}
	l.merged(p)
	if err != nil {
		return total, fmt.Errorf("blocklog: compact %v: %w", p, err)
	}
	return total, nil
}

// nextSmall takes a partition from the list of those that are worth merging.
func (l *Log) nextSmall() (Partition, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.small) > 0 {
		p := l.small[0]
		l.small = l.small[1:]
		if l.parts[p] != nil {
			return p, true
		}
	}
	return Partition{}, false
}

// merged notes that p was merged: it is worth it again with twice the blocks.
func (l *Log) merged(p Partition) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if q := l.parts[p]; q != nil {
		q.merged, q.small = q.Blocks, false
	}
}

// fragmented says whether q has many small blocks.
func (l *Log) fragmented(q *part) bool {
	return q.Blocks >= 2*max(minRun, q.merged) && l.smallBlocks(q.Bytes, q.Blocks)
}

// smallBlocks says whether blocks are on average far from full.
func (l *Log) smallBlocks(bytes, blocks uint64) bool {
	return blocks >= minRun && bytes/blocks < uint64(l.opts.BlockBytes)/4
}

// smallGrains returns the grains of p that consist of many small blocks.
func (l *Log) smallGrains(p Partition) (ks []uint64, err error) {
	s, _ := l.state(p)
	err = l.eachHeld(p, &s, func(k uint64, g sums) error {
		if l.smallBlocks(g.bytes, g.blocks) {
			ks = append(ks, k)
		}
		return nil
	})
	return ks, err
}

// compactGrain merges the blocks of one grain, in steps.
func (l *Log) compactGrain(p Partition, k uint64) (total Merged, err error) {
	for from, more := k*GrainRecords, true; more; {
		m, err := l.compactStep(p, k, from)
		if err != nil {
			return total, err
		}
		total.add(m.done)
		from, more = m.next, m.next != 0
	}
	return total, nil
}

// compactStep merges what is worth writing at once. It reads before it takes
// the lock; if something other than appending happens to the partition meanwhile,
// it reads again with the lock held, so that it gets on in a busy partition too.
func (l *Log) compactStep(p Partition, k, from uint64) (*merger, error) {
	m, changes, err := l.findRuns(p, k, from)
	if err != nil || len(m.runs) == 0 {
		return m, err
	}
	l.writing.Lock()
	defer l.writing.Unlock()
	if s, now, known := l.look(p); known && now == changes {
		return m, m.write(k, s)
	}
	if m, _, err = l.findRuns(p, k, from); err != nil || len(m.runs) == 0 {
		return m, err
	}
	s, _ := l.state(p)
	return m, m.write(k, s)
}

// findRuns looks for what to merge in grain k at or above from.
func (l *Log) findRuns(p Partition, k, from uint64) (*merger, uint64, error) {
	s, changes, _ := l.look(p)
	m := &merger{log: l, partition: p, now: l.opts.Now().UnixMilli()}
	return m, changes, m.find(max(from, s.Tail), min(grainEnd(k), s.Next))
}

// merger merges the blocks of a stretch of a partition.
type merger struct {
	log       *Log
	partition Partition
	now       int64
	open      mergeRun
	runs      []mergeRun // to be written
	next      uint64     // where another step begins, 0: none
	done      Merged
}

// mergeRun are consecutive blocks that become one.
type mergeRun struct {
	olds           []old
	records        []byte
	count          uint32
	bare           bool
	oldest, newest int64 // of their times
}

// old is a block that is merged.
type old struct {
	first uint64
	count uint32
	len   int // encoded
}

// find collects runs within [from, to) until they are enough for a step.
func (m *merger) find(from, to uint64) error {
	_, err := m.log.walk(m.partition, from, to, func(b block) bool {
		if b.first < from || b.next() > to || b.len() > m.log.opts.BlockBytes/2 {
			m.end()
			return true
		}
		if !m.fits(b) {
			m.end()
		}
		if m.done.Bytes >= stepBytes {
			m.next = b.first
			return false
		}
		m.open.add(b)
		return true
	})
	m.end()
	return err
}

// fits says whether b can continue the open run.
func (m *merger) fits(b block) bool {
	r := &m.open
	if len(r.olds) == 0 {
		return true
	}
	newest := max(r.newest, b.time)
	span := newest - min(r.oldest, b.time)
	return b.first == r.next() && b.bare == r.bare && len(r.records)+b.len() <= m.log.opts.BlockBytes &&
		span <= max(minSpan.Milliseconds(), (m.now-newest)/spanFraction)
}

// end puts the open run with those to be written, if it is worth it.
func (m *merger) end() {
	r := m.open
	m.open = mergeRun{}
	for len(r.olds) >= minRun && r.olds[0].len > len(r.records)/2 {
		r.cut() // it was merged before: writing it again gains nothing
	}
	if len(r.olds) < minRun {
		return
	}
	m.runs = append(m.runs, r)
	m.done.Before += len(r.olds)
	m.done.After++
	m.done.Bytes += r.block().len()
}

func (r *mergeRun) add(b block) {
	if len(r.olds) == 0 {
		r.oldest, r.newest, r.bare = b.time, b.time, b.bare
	}
	r.olds = append(r.olds, old{b.first, b.count, b.len()})
	r.records = append(r.records, b.records...)
	r.count += b.count
	r.oldest, r.newest = min(r.oldest, b.time), max(r.newest, b.time)
}

// cut takes the first block out.
func (r *mergeRun) cut() {
	r.records = r.records[r.olds[0].len-blockOverhead:]
	r.count -= r.olds[0].count
	r.olds = r.olds[1:]
}

func (r *mergeRun) next() uint64 { return r.olds[0].first + uint64(r.count) }

func (r *mergeRun) block() block {
	return block{first: r.olds[0].first, count: r.count, time: r.newest, bare: r.bare, records: r.records}
}

// write puts merged blocks in the place of the old ones. Nothing may have
// happened to the partition but appending since they were read.
func (m *merger) write(k uint64, s state) error {
	c := m.log.newChange()
	if err := m.change(c, k, s); err != nil {
		return c.abort(err)
	}
	return c.commit()
}

func (m *merger) change(c *change, k uint64, s state) error {
	g, err := c.sumsOf(m.partition, &s, k)
	if err != nil {
		return err
	}
	for i := range m.runs {
		r := &m.runs[i]
		for _, o := range r.olds {
			g.bytes -= uint64(o.len)
			g.blocks--
			c.key = blocks.appendKey(c.key[:0], m.partition, o.first)
			if err := c.batch.DeleteSized(c.key, uint32(o.len), nil); err != nil {
				return err
			}
		}
		b := r.block()
		g.bytes += uint64(b.len())
		g.blocks++
		if c.key, err = put(c.batch, c.key, m.partition, b); err != nil {
			return err
		}
	}
	return c.replaced(m.partition, &c.entry(m.partition, s).after, k, g)
}
