package core

import (
	"sort"
	"time"
)

// Log is what a publisher retains of one topic: consecutive chunks, the
// acknowledgements of the stores, and when the next HEAD is due.
//
// Positions are bytes since the log's first record, and never go back.
type Log struct {
	Topic string

	window *Window
	first  uint64 // with which it began
	chunks []*Chunk
	Mark        // what was appended
	shown  Mark // what links may have: with a journal, what it has on disk

	acks acks
	// Waits is for the shell, which has a clock: it marks what it appends, and looks
	// how long that took when it is acknowledged.
	Waits Stopwatch

	heads headClock
	wrote time.Time // when something was appended first since the last HEAD
}

// Wrote returns about when the newest record was appended: at the latest a HEAD's
// delay before it was. Zero: nothing was since the start.
func (l *Log) Wrote() time.Time { return l.wrote }

// Mark is a place in a log, between two records.
type Mark struct {
	next   uint64 // sequence of the record behind it
	pos    int64  // position of that record
	newest int64  // position of the record before it
}

// Next returns the sequence that the next record will have, which is also the
// number of records ever appended.
func (l *Log) Next() uint64 { return l.next }

// Shown returns the sequence after the last record that links may have. Without
// a journal that is Next.
func (l *Log) Shown() uint64 { return l.shown.next }

// End returns the place behind the last record, for Show when the journal has
// everything before it.
func (l *Log) End() Mark { return l.Mark }

// Show lets links have what stands before m.
func (l *Log) Show(m Mark) {
	if m.next > l.shown.next {
		l.shown = m
	}
}

// Restore makes a log that has nothing yet begin at sequence first: what came
// before has been acknowledged.
func (l *Log) Restore(first uint64) {
	l.first, l.next, l.shown.next, l.acks.released = first, first, first, first
}

// Appended returns how many records were appended since the log was made, restored
// ones included, and what they take as they are encoded.
func (l *Log) Appended() (records, bytes uint64) { return l.next - l.first, uint64(l.pos) }

// Lowest returns the lowest sequence still retained; Next when there is none.
func (l *Log) Lowest() uint64 {
	if len(l.chunks) == 0 {
		return l.next
	}
	return l.chunks[0].First
}

// Bytes returns what the retained records take, as they are encoded.
func (l *Log) Bytes() uint64 { return uint64(l.pos - l.tail()) }

// Unacked returns how many records lack their acknowledgements, and what the chunks
// hold from the first of them on.
func (l *Log) Unacked() (records, bytes uint64) {
	acked := l.Acked()
	if c := l.Find(acked); c != nil {
		bytes = uint64(l.pos - c.Start)
	}
	return l.next - acked, bytes
}

// Acked returns how many records, from the first on, have the acknowledgements
// that the window asks for. Without stores to wait for (need 0) it is Shown.
func (l *Log) Acked() uint64 {
	if l.window.need == 0 {
		return l.shown.next
	}
	return min(l.acks.released, l.shown.next)
}

// Commit records that size bytes at the end of c hold the next record, and
// returns its sequence. c must come from Reserve with nothing in between.
// first is true when nothing was appended since the last HEAD: the caller then
// calls Window.Wrote with the time.
func (l *Log) Commit(c *Chunk, size int) (seq uint64, first bool) {
	seq = l.next
	c.Count++
	c.Size += size
	l.newest = l.pos
	l.pos += int64(size)
	l.next++
	if !l.window.cfg.Journal {
		l.shown = l.Mark
	}
	first = !l.heads.fresh
	l.heads.fresh = true
	return seq, first
}

// tail returns the position of the oldest retained byte.
func (l *Log) tail() int64 {
	if len(l.chunks) == 0 {
		return l.pos
	}
	return l.chunks[0].Start
}

// at returns the chunk that holds position pos, nil at the end of the log.
func (l *Log) at(pos int64) *Chunk {
	i := sort.Search(len(l.chunks), func(i int) bool { return l.chunks[i].end() > pos })
	if i == len(l.chunks) {
		return nil
	}
	return l.chunks[i]
}

// Find returns the chunk that holds sequence seq, nil when it is not retained.
func (l *Log) Find(seq uint64) *Chunk {
	i := sort.Search(len(l.chunks), func(i int) bool { return l.chunks[i].End() > seq })
	if i == len(l.chunks) || l.chunks[i].First > seq {
		return nil
	}
	return l.chunks[i]
}

func (l *Log) active() *Chunk {
	if len(l.chunks) == 0 {
		return nil
	}
	return l.chunks[len(l.chunks)-1]
}

// headClock says when a log's HEAD is due, and which have been announced.
type headClock struct {
	fresh  bool      // something was appended since the last HEAD
	gen    uint64    // number of the newest HEAD that links should have sent
	due    time.Time // zero: none
	period time.Duration
}

// Ack notes that store has everything up to and including seq, and returns how
// far the log is now acknowledged. ok is false when seq was never written: then
// somebody else uses this producer's identity.
func (l *Log) Ack(store string, seq uint64) (acked uint64, ok bool) {
	if seq >= l.next {
		return l.Acked(), false
	}
	l.acks.add(store, seq+1, l.window.need)
	return l.Acked(), true
}
