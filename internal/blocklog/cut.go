package blocklog

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// CutOut gives up what was met in a partition and cannot be read because files of
// Pebble are damaged, so that other stores can fill it in: it is a hole then. It
// returns the partitions that lack something since, or may; others than p where the
// damage goes across them. What is damaged is read again first, which takes seconds:
// trouble that has passed costs nothing.
//
// Where the damage cannot be bounded, because what is beside it in the same file is
// no block, or is met again and again though nothing is found, it stays: see
// [Log.Unreadable]. While the disk is full nothing is done.
// Errors are those of the disk, and [ErrClosed].
func (l *Log) CutOut(p Partition) (lacking []Partition, err error) {
	if err := l.enter(); err != nil {
		return nil, err
	}
	defer l.leave()
	gone := map[Partition][]Range{}
	for _, bad := range l.curable(p) {
		if err = l.cutOut(bad, gone); err != nil {
			err = fmt.Errorf("blocklog: cut %d to %d out of %v: %w", bad.First, bad.Next-1, p, err)
			break
		}
	}
	for q, ranges := range gone { // not before: so far counting passes them by
		l.forgetDamage(q, ranges)
	}
	return slices.SortedFunc(maps.Keys(gone), Partition.compare), errors.Join(err, l.countAgain(gone))
}

// countAgain counts what can be read within ranges. As long as there is damage beside
// it, counting may pass it by.
func (l *Log) countAgain(gone map[Partition][]Range) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	c := l.newChange()
	for p, ranges := range gone {
		around := ranges[0]
		for _, r := range ranges[1:] {
			around = Range{min(around.First, r.First), max(around.Next, r.Next)}
		}
		if err := c.countLeft(p, around.First, around.Next); err != nil {
			return c.abort(err)
		}
	}
	if len(c.entries) == 0 {
		return c.abort(nil)
	}
	return c.commit()
}

// curable returns the damage of a partition that may be cut out.
func (l *Log) curable(p Partition) []*CorruptError {
	if l.disk.fullFor() > 0 {
		return nil
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	return slices.DeleteFunc(slices.Clone(l.damage[p]), func(bad *CorruptError) bool { return bad.stays })
}

// cutOut adds what is not damaged any more to gone.
func (l *Log) cutOut(bad *CorruptError, gone map[Partition][]Range) error {
	keys, err := l.valueless(bad)
	switch {
	case isDamage(err):
		return l.exciseAt(bad, gone)
	case err != nil:
		return err
	case len(keys) == 0:
		l.pass(bad, gone)
		return nil
	}
	if err := l.giveUp(bad, keys); err != nil {
		return err
	}
	gone[bad.Partition] = append(gone[bad.Partition], Range{bad.First, bad.Next})
	return nil
}

// mostPasses bounds how often the same damage is believed to have passed. It may lie
// beside other damage, and be met until that is cut out.
const mostPasses = 5

// pass adds damage to gone of which nothing was found when it was looked for. If it is
// met again and again all the same, it stays: looking for it would have no end.
func (l *Log) pass(bad *CorruptError, gone map[Partition][]Range) {
	at := place{bad.Partition, bad.First}
	l.mu.Lock()
	l.passed[at]++
	often := l.passed[at] > mostPasses
	l.mu.Unlock()
	if often {
		l.leaveDamage(bad, errReadable)
		return
	}
	gone[bad.Partition] = append(gone[bad.Partition], Range{bad.First, bad.Next})
}

// place is an offset of a partition.
type place struct {
	Partition
	seq uint64
}

// valueless returns the keys in the damaged range whose blocks cannot be read. An
// error of damage says that the keys cannot be read either.
func (l *Log) valueless(bad *CorruptError) (lost [][]byte, err error) {
	keys, err := l.keysIn(bad)
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		switch _, err := l.blockAt(key); {
		case isDamage(err):
			lost = append(lost, key)
		case err != nil:
			return nil, err
		}
	}
	return lost, nil
}

// keysIn returns the keys of the blocks that may hold what is in a damaged range.
func (l *Log) keysIn(bad *CorruptError) (keys [][]byte, err error) {
	r := reader{log: l, partition: bad.Partition, from: bad.First, next: bad.Next}
	if err := r.open(); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	for ok := r.seek(); ok && keySeq(r.iter.Key()) < bad.Next; ok = r.iter.Next() {
		keys = append(keys, slices.Clone(r.iter.Key()))
	}
	return keys, r.iter.Error()
}

// giveUp deletes blocks that cannot be read. The quarantine, which has no bytes to
// keep here, says how far they went.
func (l *Log) giveUp(bad *CorruptError, keys [][]byte) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	c := l.newChange()
	for _, key := range keys {
		if err := c.batch.Delete(key, nil); err != nil {
			return c.abort(err)
		}
	}
	p, first := bad.Partition, min(bad.First, keySeq(keys[0]))
	if err := errors.Join(c.noteGone(p, Range{first, bad.Next}), c.countLeft(p, first, bad.Next)); err != nil {
		return c.abort(err)
	}
	return c.commit()
}

// forgetDamage forgets what was met within ranges.
func (l *Log) forgetDamage(p Partition, ranges []Range) {
	l.mu.Lock()
	defer l.mu.Unlock()
	was := len(l.damage[p])
	l.damage[p] = slices.DeleteFunc(l.damage[p], func(bad *CorruptError) bool {
		return slices.ContainsFunc(ranges, func(r Range) bool { return r.First <= bad.First && bad.Next <= r.Next })
	})
	if l.damaged -= was - len(l.damage[p]); len(l.damage[p]) == 0 {
		delete(l.damage, p)
	}
}
