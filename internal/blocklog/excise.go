package blocklog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/cockroachdb/pebble/v2"
	"github.com/vmihailenco/msgpack/v5"
)

// excision takes a range of keys out of Pebble's tables, because some in it cannot
// be read. A deletion would not do: Pebble would go on reading what lies below it.
//
// The tables are cut at keys that can be read. Before the damage that is the last one
// of them, for how far its part of the file goes is not known; so it is among those
// that are taken out, and put back.
//
// It is written down, with the block that is to be put back, before it is begun, and
// that is deleted when it is done. What a crash interrupts is done again.
type excision struct {
	Start []byte `msgpack:"start"` // the first key
	End   []byte `msgpack:"end"`   // behind the last one
	Block []byte `msgpack:"block"` // at Start, empty if there was none that could be read
}

// excisionKey leads to the excision that is under way.
var excisionKey = []byte("x")

// exciseAt takes out what is damaged around a range, and adds to gone what is not
// damaged any more.
func (l *Log) exciseAt(bad *CorruptError, gone map[Partition][]Range) error {
	x, err := l.bound(bad)
	if err == nil {
		l.writing.Lock()
		defer l.writing.Unlock()
		if x.Block, err = l.blockAt(x.Start); err == nil || isDamage(err) {
			err = l.excise(&x)
		}
	}
	switch {
	case errors.Is(err, errReadable):
		l.pass(bad, gone)
		return nil
	case errors.Is(err, errUnbounded) || isDamage(err):
		l.leaveDamage(bad, err)
		return nil
	case err != nil:
		return err
	}
	for p, r := range l.within(&x) {
		gone[p] = append(gone[p], r)
	}
	return nil
}

// leaveDamage notes that there is nothing to be done about a range.
func (l *Log) leaveDamage(bad *CorruptError, why error) {
	l.mu.Lock()
	bad.stays = true
	l.mu.Unlock()
	l.opts.Logger.Error("damage cannot be cut out: only another directory helps, filled from other stores",
		"topic", bad.Partition.Topic, "producer", bad.Partition.Producer, "first", bad.First, "next", bad.Next, "cause", why)
}

// blockAt returns the bytes at a key, nil if there is none.
func (l *Log) blockAt(key []byte) ([]byte, error) {
	raw, closer, err := l.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return bytes.Clone(raw), closer.Close()
}

// excise writes down what it is about to do and does it.
func (l *Log) excise(x *excision) error {
	raw, err := msgpack.Marshal(x)
	if err != nil {
		return err
	}
	c := l.newChange()
	err = c.batch.Set(excisionKey, raw, nil)
	for p, r := range l.within(x) {
		err = errors.Join(err, c.noteGone(p, r))
	}
	if err != nil {
		return c.abort(err)
	}
	if err := c.commit(); err != nil {
		return err
	}
	return l.finishExcision(x)
}

// finishExcision does what was written down. If that fails for damage, it is
// forgotten.
func (l *Log) finishExcision(x *excision) error {
	err := l.guarded(func() error {
		return l.db.Excise(context.Background(), pebble.KeyRange{Start: x.Start, End: x.End})
	})
	c := l.newChange()
	switch {
	case isDamage(err):
		return errors.Join(err, c.batch.Delete(excisionKey, nil), c.commit())
	case err != nil:
		return c.abort(err)
	case len(x.Block) > 0:
		err = c.batch.Set(x.Start, x.Block, nil)
	}
	if err = errors.Join(err, c.commit()); err != nil {
		return err
	}
	return l.countAround(x)
}

// countAround counts what the partitions have that something was taken out of. All
// damage that was met in them is forgotten before: what is still there is met again,
// and the rest was beside what was taken out.
func (l *Log) countAround(x *excision) error {
	c := l.newChange()
	err := c.batch.Delete(excisionKey, nil)
	for p, r := range l.within(x) {
		l.forgetDamage(p, []Range{{0, math.MaxUint64}})
		err = errors.Join(err, c.countLeft(p, r.First, r.Next))
	}
	if err != nil {
		return c.abort(err)
	}
	return c.commit()
}

// resumeExcision does what a crash interrupted.
func (l *Log) resumeExcision() error {
	raw, closer, err := l.db.Get(excisionKey)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("excision: %w", err)
	}
	var x excision
	if err := errors.Join(msgpack.Unmarshal(raw, &x), closer.Close()); err != nil {
		return fmt.Errorf("excision: %w", err)
	}
	if err := l.finishExcision(&x); err != nil && !isDamage(err) {
		return fmt.Errorf("excision: %w", err)
	}
	return nil
}

// within returns which offsets of which partitions an excision takes out.
func (l *Log) within(x *excision) map[Partition]Range {
	l.mu.RLock()
	defer l.mu.RUnlock()
	found := map[Partition]Range{}
	for p := range l.parts {
		lower, upper := blocks.appendKey(nil, p, 0), blocks.appendEnd(nil, p)
		if bytes.Compare(upper, x.Start) <= 0 || bytes.Compare(x.End, lower) <= 0 {
			continue
		}
		r := Range{0, math.MaxUint64}
		if bytes.Compare(lower, x.Start) < 0 {
			r.First = keySeq(x.Start)
		}
		if bytes.Compare(x.End, upper) < 0 && bytes.Compare(x.End, lower) > 0 {
			r.Next = keySeq(x.End)
		}
		found[p] = r
	}
	return found
}
