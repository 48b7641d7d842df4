package core

import (
	"slices"
	"strings"
	"time"

	"github.com/beckmesh/beck/internal/planted"
)

// WindowConfig bounds a publisher's window.
type WindowConfig struct {
	Bytes        int64         // what the chunks of all topics may take
	StoreAcks    int           // different stores that must acknowledge a record before it may go; 0: the oldest goes
	Journal      bool          // records are shown to links by Log.Show only
	HeadDelay    time.Duration // from a record to its HEAD
	HeadInterval time.Duration // between HEADs while something is unacknowledged
	HeadMax      time.Duration // what the interval grows to while nothing is new
}

const (
	firstChunkBytes = 4 << 10
	maxChunkBytes   = 256 << 10
	minChunkBytes   = 512 // where topics are so many that their chunks must be smaller than the first
	// unfilled is the part of a window that the newest chunks of all topics may
	// take together: what is free in them keeps nothing.
	unfilled = 8
)

// Window is what a publisher keeps of all its topics, within one bound in
// bytes. Chunks leave oldest first and only when room is needed; a chunk whose
// records lack their acknowledgements never leaves, and then there is no room.
type Window struct {
	cfg  WindowConfig
	need int

	// Restoring makes room for everything: what a journal kept is not to be
	// dropped because the window is smaller now.
	Restoring bool

	logs   map[string]*Log
	sorted []*Log
	order  []*Chunk // of all logs, oldest first
	begun  int      // logs that have chunks
	spare  []spare  // of chunks that left, for those to come
	used   int64    // allocated by the chunks in order
	pinned int64    // allocated by chunks that left but are still being written

	soonest time.Time // the earliest HEAD planned
}

// NewWindow returns an empty window.
func NewWindow(cfg WindowConfig) *Window {
	return &Window{cfg: cfg, need: cfg.StoreAcks, logs: make(map[string]*Log)}
}

// Log returns the log of a topic, made when it is new.
func (w *Window) Log(topic string) (l *Log, fresh bool) {
	if l := w.logs[topic]; l != nil {
		return l, false
	}
	l = &Log{Topic: topic, window: w}
	l.heads.period = w.cfg.HeadInterval
	w.logs[topic] = l
	i, _ := slices.BinarySearchFunc(w.sorted, topic, func(l *Log, t string) int { return strings.Compare(l.Topic, t) })
	w.sorted = slices.Insert(w.sorted, i, l)
	return l, true
}

// Lookup returns the log of a topic, nil when nothing was published to it.
func (w *Window) Lookup(topic string) *Log { return w.logs[topic] }

// Logs returns all logs by topic. The slice is the window's own.
func (w *Window) Logs() []*Log { return w.sorted }

// Used returns the bytes held, with those of chunks that left but are still
// being written to a link.
func (w *Window) Used() int64 { return w.used + w.pinned }

// Reserve returns a chunk of l with at least size bytes free; a fresh one has no
// Data, which the caller then sets, or that of a chunk of the same Cap that has
// left. It returns nil while there is no room.
func (w *Window) Reserve(l *Log, size int) *Chunk {
	if c := l.active(); c != nil && c.Cap-c.Size >= size {
		return c
	}
	grown := firstChunkBytes
	if c := l.active(); c != nil {
		grown = 2 * c.Cap
	}
	capacity := max(size, min(grown, w.fullChunk()))
	if !w.Restoring && !w.makeRoom(int64(capacity)) {
		return nil
	}
	c := &Chunk{Log: l, First: l.next, Start: l.pos, Cap: capacity}
	if n := len(w.spare) - 1; n >= 0 && capacity == w.spare[n].capacity {
		c.Data, w.spare = w.spare[n].data, w.spare[:n]
	}
	if len(l.chunks) == 0 {
		w.begun++
	}
	l.chunks = append(l.chunks, c)
	w.order = append(w.order, c)
	w.used += int64(capacity)
	return c
}

// fullChunk returns the size that chunks grow to: the more topics have some, the
// less.
func (w *Window) fullChunk() int {
	share := w.cfg.Bytes / unfilled / int64(max(1, w.begun))
	return int(max(minChunkBytes, min(share, maxChunkBytes)))
}

// spare is the Data of a chunk that left.
type spare struct {
	capacity int
	data     any
}

// recycle keeps the bytes of a chunk that left, for the next one: a window that
// is full then takes no new memory. A new chunk makes one old one leave or none,
// so that more than a few are never needed.
func (w *Window) recycle(c *Chunk) {
	if full := w.fullChunk(); c.Cap == full && c.Data != nil {
		w.spare = slices.DeleteFunc(w.spare, func(s spare) bool { return s.capacity != full })
		if len(w.spare) < maxSpare {
			w.spare = append(w.spare, spare{full, c.Data})
		}
	}
	c.Data = nil
}

// maxSpare bounds the memory of left chunks that is kept beside the window.
const maxSpare = 2

// makeRoom drops the oldest chunks until size bytes fit, and says whether they
// do. Of what slow links still pin it counts at most half a window, so that they
// cannot take all of it from the others.
func (w *Window) makeRoom(size int64) bool {
	for w.used+min(w.pinned, w.cfg.Bytes/2)+size > w.cfg.Bytes && len(w.order) > 0 {
		oldest := w.order[0]
		needed := oldest.End()
		if planted.Is(planted.FreesBelowK) {
			needed = oldest.First
		}
		if oldest.Log.Acked() < needed && !planted.Is(planted.DropUnacked) {
			return false
		}
		w.drop(oldest)
	}
	return true
}

func (w *Window) drop(c *Chunk) {
	w.order[0] = nil
	w.order = w.order[1:]
	c.Log.chunks[0] = nil
	if c.Log.chunks = c.Log.chunks[1:]; len(c.Log.chunks) == 0 {
		w.begun--
	}
	w.used -= int64(c.Cap)
	c.dropped = true
	if c.pins > 0 {
		w.pinned += int64(c.Cap)
	} else {
		w.recycle(c)
	}
}

// Pin keeps c's bytes counted while a link writes them.
func (w *Window) Pin(c *Chunk) { c.pins++ }

// Unpin undoes one Pin.
func (w *Window) Unpin(c *Chunk) {
	c.pins--
	if c.pins == 0 && c.dropped {
		w.pinned -= int64(c.Cap)
		w.recycle(c)
	}
}

// Wrote schedules the HEAD of a log to which something was appended.
func (w *Window) Wrote(l *Log, now time.Time) {
	l.heads.period, l.wrote = w.cfg.HeadInterval, now
	due := now.Add(w.cfg.HeadDelay)
	if l.heads.due.IsZero() || due.Before(l.heads.due) {
		l.heads.due = due
		w.soonest = earlier(w.soonest, due)
	}
}

// Tick makes the HEADs that are due, and returns their logs: the links that
// subscribed to them then have something to send.
func (w *Window) Tick(now time.Time) (due []*Log) {
	if now.Before(w.soonest) {
		return nil
	}
	w.soonest = time.Time{}
	for _, l := range w.sorted {
		if h := &l.heads; !h.due.IsZero() && !now.Before(h.due) {
			w.announce(l, now)
			due = append(due, l)
		}
		w.soonest = earlier(w.soonest, l.heads.due)
	}
	return due
}

// Announce makes the HEAD of every log due now, as a producer does before it
// leaves.
func (w *Window) Announce(now time.Time) {
	w.soonest = time.Time{}
	for _, l := range w.sorted {
		w.announce(l, now)
		w.soonest = earlier(w.soonest, l.heads.due)
	}
}

func (w *Window) announce(l *Log, now time.Time) {
	h := &l.heads
	if !h.fresh && l.Acked() == l.next {
		h.period = min(2*h.period, w.cfg.HeadMax)
	}
	h.fresh = false
	h.gen++
	h.due = now.Add(h.period)
}

// NextWake returns when Tick has something to do; zero when nothing is planned.
// It is cheap, for use after every event.
func (w *Window) NextWake() time.Time { return w.soonest }

// Unacked returns how many records lack their acknowledgements.
func (w *Window) Unacked() (n uint64) {
	for _, l := range w.sorted {
		n += l.next - l.Acked()
	}
	return n
}
