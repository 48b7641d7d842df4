package blocklog

import (
	"errors"
	"fmt"
	"math"

	"github.com/cockroachdb/pebble/v2"
	"github.com/vmihailenco/msgpack/v5"
)

// storedMarks is how marks are stored, under one key a partition: msgpack maps, in
// which what a later version adds is passed over.
type storedMarks struct {
	Marks []storedMark `msgpack:"marks"`
}

type storedMark struct {
	First uint64 `msgpack:"first"`
	Next  uint64 `msgpack:"next"`
	With  string `msgpack:"with"`
	Found int64  `msgpack:"found"`
}

// putMarks writes the marks of a partition, or deletes them if there are none.
func putMarks(b *pebble.Batch, p Partition, kept []Conflict) error {
	key := conflicts.appendPrefix(nil, p)
	if len(kept) == 0 {
		return b.Delete(key, nil)
	}
	var s storedMarks
	for _, c := range kept {
		s.Marks = append(s.Marks, storedMark{First: c.First, Next: c.Next, With: c.With, Found: c.Found})
	}
	raw, err := msgpack.Marshal(&s)
	if err != nil {
		return err
	}
	return b.Set(key, raw, nil)
}

// pruneMarks takes the marks out that the tail of e passes.
func (c *change) pruneMarks(e *entry) error {
	tail := e.after.Tail
	if e.dropped {
		tail = math.MaxUint64
	}
	m := c.log.marks(e.Partition)
	kept := m.above(tail)
	if len(kept) == len(m.kept) {
		return nil
	}
	e.pruned, e.marks = true, marks{kept, m.further}
	return putMarks(c.batch, e.Partition, kept)
}

// publishMarks makes visible what pruneMarks left. It needs mu.
func (l *Log) publishMarks(e *entry) {
	switch {
	case e.dropped || e.pruned && len(e.marks.kept) == 0:
		delete(l.conflicts, e.Partition)
	case e.pruned:
		l.conflicts[e.Partition] = e.marks
	}
}

// loadMarks reads the marks of all partitions. Those that an older version left,
// which raised a tail or forgot a partition, are dropped.
func (l *Log) loadMarks() error {
	old := l.db.NewBatch()
	err := l.eachOf(conflicts, func(key, raw []byte) error { return l.loadMark(key, raw, old) })
	if err != nil || old.Empty() {
		return errors.Join(err, old.Close())
	}
	return l.write(old)
}

func (l *Log) loadMark(key, raw []byte, old *pebble.Batch) error {
	p, ok := conflicts.parsePrefix(key)
	if !ok {
		return fmt.Errorf("unknown key %q", key)
	}
	var stored storedMarks
	if err := msgpack.Unmarshal(raw, &stored); err != nil {
		return fmt.Errorf("conflicts of %v: %w", p, err)
	}
	var all marks
	for _, m := range stored.Marks {
		all.kept = append(all.kept, Conflict{Range{m.First, m.Next}, m.With, m.Found})
	}
	tail := uint64(math.MaxUint64)
	if s, known := l.state(p); known {
		tail = s.Tail
	}
	kept := all.above(tail)
	if len(kept) > 0 {
		l.conflicts[p] = marks{kept: kept}
	}
	if len(kept) < len(all.kept) {
		return putMarks(old, p, kept)
	}
	return nil
}
