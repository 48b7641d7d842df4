package journal

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"sync"

	"github.com/beckmesh/beck/protocol"
)

// Journal is the open journal of a producer. Its methods may be called from any
// goroutine.
type Journal struct {
	opts Options
	home *journalHome
	uuid string

	// io is held over reading and writing, by Sync, Replay and Close. It guards
	// segments, active, spare, written, and what topics say about the files.
	io       sync.Mutex
	segments []*segment // those before active, oldest first
	active   *active
	spare    *batch
	written  int // how many topics are in the files

	mu      sync.Mutex // guards the following; never held over I/O
	table   *table
	pending *batch
	bytes   int64 // of the files
	failure error // why nothing is accepted any more
	closed  bool
}

// Topic is the state of one topic: the records held are First to Next-1, and
// Next is the sequence that comes next, even if First equals it.
type Topic struct {
	Name        string
	First, Next uint64
}

// Open opens the journal in dir, and makes one if dir does not exist or is
// empty. It returns [ErrInUse], [ErrNotJournal], [ErrFormat] or [ErrCorrupt] in
// an error that names the directory or the file, and bounds of o in any other.
// A torn tail is cut. A journal that was copied from elsewhere gets a new UUID
// and is empty: its records and its sequences belong to the original, and are
// set aside. The journal must be closed.
func Open(dir string, o Options) (*Journal, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("journal: open: %w", err)
	}
	h, err := openHome(dir, o.FS)
	if err != nil {
		return nil, fmt.Errorf("journal: open: %w", err)
	}
	j := &Journal{opts: o, home: h, pending: &batch{}, spare: &batch{}}
	if err := j.recover(); err != nil {
		return nil, errors.Join(fmt.Errorf("journal: open %q: %w", h.Path, err), h.Close())
	}
	return j, nil
}

// UUID returns the producer's address, 32 upper-case hex characters. It is made
// with the journal; one that was copied or emptied has a new one when it is
// opened.
func (j *Journal) UUID() string { return j.uuid }

// Topics yields every topic that the journal ever had a record of, in the order
// of their first records, as they are when iterating begins: what was appended
// and not synced is included.
func (j *Journal) Topics() iter.Seq[Topic] {
	return func(yield func(Topic) bool) {
		j.mu.Lock()
		states := j.table.states()
		j.mu.Unlock()
		for _, s := range states {
			if !yield(Topic{s.name, s.trimmed, s.next}) {
				return
			}
		}
	}
}

// Append adds a record, in memory only: [Journal.Sync] makes it durable. Value
// and trailer are copied; trailer may be nil. A new topic may begin at any
// sequence, an old one goes on at its next, otherwise the error is
// [ErrSequence]. [ErrTooLarge], [ErrTopics] and [protocol.ErrTopic] say what is
// out of bounds. The memory is bounded by what the caller appends before it
// syncs. After a failed Sync it returns [ErrSync].
func (j *Journal) Append(topic string, seq uint64, value, trailer []byte) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.append(topic, seq, value, trailer); err != nil {
		return fmt.Errorf("journal: append record %d of %q: %w", seq, topic, err)
	}
	return nil
}

func (j *Journal) append(topic string, seq uint64, value, trailer []byte) error {
	if err := j.usable(); err != nil {
		return err
	}
	if err := checkSize(len(value), len(trailer)); err != nil {
		return err
	}
	if seq == math.MaxUint64 {
		return ErrSequence
	}
	p := j.table.byName[topic]
	if p == nil {
		if err := protocol.ValidTopic(topic); err != nil {
			return err
		}
		if len(j.table.topics) == MaxTopics {
			return fmt.Errorf("%w: %d", ErrTopics, MaxTopics)
		}
		p = j.table.add(topic, seq)
		j.pending.define(p)
	}
	if seq != p.next {
		return fmt.Errorf("%w: the next is %d", ErrSequence, p.next)
	}
	j.pending.record(p, seq, value, trailer)
	p.next++
	return nil
}

func checkSize(value, trailer int) error {
	if value > MaxRecord || trailer > MaxRecord-value {
		return fmt.Errorf("%w: %d bytes and a trailer of %d, at most %d", ErrTooLarge, value, trailer, MaxRecord)
	}
	return nil
}

// usable returns why nothing can be done any more. It needs mu.
func (j *Journal) usable() error {
	if j.closed {
		return ErrClosed
	}
	return j.failure
}

// Trim says that the records of a topic below upTo are acknowledged: they are
// not replayed again, and their space is freed by a later [Journal.Sync], a file
// at a time, oldest first. It does no I/O. A crash may forget a trim, which
// means that records are replayed once more; Sync and Close write it down. What
// is beyond the topic's next sequence is not trimmed, an unknown topic is
// ignored.
func (j *Journal) Trim(topic string, upTo uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	p := j.table.byName[topic]
	if p == nil || j.closed {
		return
	}
	if upTo = min(upTo, p.next); upTo > p.trimmed {
		p.trimmed = upTo
		j.pending.trim(p)
	}
}

// Bytes returns what the journal takes on disk, with what is waiting to be
// written, without what was set aside.
func (j *Journal) Bytes() int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.bytes + int64(len(j.pending.bytes))
}

// Close syncs what was appended and the trims, closes the files and releases
// the directory. It returns [ErrSync] if something could not be written, now or
// before. The directory is released in any case; further calls do nothing.
func (j *Journal) Close() error {
	j.io.Lock()
	defer j.io.Unlock()
	j.mu.Lock()
	closed, b, err := j.closed, j.pending, j.failure
	if !closed {
		b.complete(j.table)
		b.room()
		b.bytes = appendEnd(b.bytes)
	}
	j.closed = true
	j.mu.Unlock()
	if closed {
		return nil
	}
	if err == nil {
		err = j.fail(j.flush(b, true))
	}
	if j.active != nil {
		err = errors.Join(err, j.active.file.Close())
	}
	if err = errors.Join(err, j.home.Close()); err != nil {
		return fmt.Errorf("journal: close: %w", err)
	}
	return nil
}
