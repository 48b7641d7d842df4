package mesh

import (
	"encoding/binary"
	"strings"

	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/internal/zmtp"
	"github.com/beckmesh/beck/protocol"
)

// Topic is a topic that the node publishes: its log, and the bytes that every
// RECORD of it begins with.
type Topic struct {
	Log     *core.Log
	prefix  []byte // frame 0 up to the sequence
	body    int    // length of frame 0 without a trailer
	trailer int    // length of the last record's trailer, for which header is
	header  []byte // frame header of frame 0, and the prefix
}

// Window returns the node's window. It needs the lock.
func (n *Node) Window() *core.Window { return n.window }

// Room is signalled when the window may have room again, or something was
// acknowledged. Its lock is the node's.
func (n *Node) Room() interface {
	Wait()
	Broadcast()
} {
	return n.room
}

// KnownTopic returns a topic that Topic has returned before, else nil. It needs
// the lock.
func (n *Node) KnownTopic(name string) *Topic { return n.topics[name] }

// Topic returns a topic to publish to, made when it is new. It needs the lock.
func (n *Node) Topic(name string) *Topic {
	if t := n.topics[name]; t != nil {
		return t
	}
	log, _ := n.window.Log(name)
	frame := protocol.AppendRecord(nil, name, n.cfg.UUID, 0)
	t := &Topic{Log: log, prefix: frame[:len(frame)-8], body: len(frame)}
	t.headerFor(0)
	n.topics[name] = t
	for _, a := range n.accepted {
		a.link.outlet.Follow(log)
	}
	return t
}

// headerFor makes the header of records that have a trailer of that length, as
// nearly always the one before had.
func (t *Topic) headerFor(trailer int) {
	t.trailer = trailer
	t.header = append(zmtp.AppendFrameHeader(t.header[:0], zmtp.FlagMore, t.body+trailer), t.prefix...)
}

// recordSize returns the bytes on the wire of a record whose trailer has the
// length for which the header is.
func (t *Topic) recordSize(content []byte) int {
	size := len(t.header) + 8 + t.trailer + 2 + len(content)
	if len(content) > 255 {
		size += 7
	}
	return size
}

// Append encodes a record at the end of its topic's log; trailer may be empty.
// Both are copied. ok is false while the window has no room. It needs the lock;
// Push follows.
func (n *Node) Append(t *Topic, content, trailer []byte) (seq uint64, ok bool) {
	if len(trailer) != t.trailer {
		t.headerFor(len(trailer))
	}
	size := t.recordSize(content)
	c := n.window.Reserve(t.Log, size)
	if c == nil {
		return 0, false
	}
	if c.Data == nil {
		c.Data = make([]byte, c.Cap)
	}
	seq = t.Log.Next()
	t.encode(c.Data.([]byte)[c.Size:c.Size+size], seq, content, trailer)
	if _, first := t.Log.Commit(c, size); first {
		n.window.Wrote(t.Log, n.driver.Now())
		n.WakeAt(n.window.NextWake())
	}
	return seq, true
}

// encode writes a record as a wire message, of which dst has the size.
func (t *Topic) encode(dst []byte, seq uint64, content, trailer []byte) {
	n := copy(dst, t.header)
	binary.BigEndian.PutUint64(dst[n:], seq)
	n += 8 + copy(dst[n+8:], trailer)
	header := zmtp.AppendFrameHeader(dst[:n], 0, len(content))
	copy(dst[len(header):], content)
}

// Show lets the links have the records of a log up to a mark, when the journal
// has them. It needs the lock, and gives it up while it writes.
func (n *Node) Show(log *core.Log, m core.Mark) {
	log.Show(m)
	n.push(log)
}

// Push brings what was appended to the links. It needs the lock, and gives it
// up while it writes.
func (n *Node) Push(t *Topic) { n.push(t.Log) }

// follow moves the cursors of a link whose subscriptions changed.
func (n *Node) follow(a *Accepted, prefix string) {
	if prefix != "" && prefix[0] != byte(protocol.KindRecord) && prefix[0] != byte(protocol.KindHead) {
		return
	}
	for _, log := range n.window.Logs() {
		if len(prefix) > 1 && !overlaps(prefix[1:], log.Topic) {
			continue
		}
		a.link.outlet.Follow(log)
	}
	a.link.wakeWriter()
}

// overlaps reports whether a subscription's topic part can match a topic.
func overlaps(prefix, topic string) bool {
	full := topic + "\x00"
	return strings.HasPrefix(full, prefix) || strings.HasPrefix(prefix, full)
}
