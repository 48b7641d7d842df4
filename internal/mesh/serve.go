package mesh

import (
	"encoding/binary"

	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/internal/planted"
	"github.com/beckmesh/beck/internal/zmtp"
	"github.com/beckmesh/beck/protocol"
)

// ServeWindow does one step of an answer from what the node itself published.
// It takes the lock only to find the chunk.
func (n *Node) ServeWindow(s *Step, dst []byte, limit int) []byte {
	if s.Kind == core.JobHeads {
		return n.serveHeads(s, dst)
	}
	n.mu.Lock()
	t := n.topics[s.Partition.Topic]
	if t == nil || s.Partition.Producer != n.cfg.UUID {
		n.mu.Unlock()
		return Refuse(s, dst, 0, protocol.Trailer{})
	}
	tail, next := n.tail(t.Log), t.Log.Shown()
	c := t.Log.Find(s.Range.First)
	if c == nil || s.Range.First >= next {
		n.mu.Unlock()
		return Refuse(s, dst, next, tail)
	}
	n.window.Pin(c)
	wire, first := c.Data.([]byte)[:c.Size], c.First
	n.mu.Unlock()
	dst = t.appendDirect(dst, s, wire, core.Range{First: first, End: next}, limit)
	n.mu.Lock()
	n.unpin(c)
	n.mu.Unlock()
	return dst
}

// appendDirect turns the RECORDs of a chunk into DIRECT-RECORDs for the
// requester, from the sequence that is its turn. have is what wire begins with,
// and what must not be served yet.
func (t *Topic) appendDirect(dst []byte, s *Step, wire []byte, have core.Range, limit int) []byte {
	head := protocol.AppendDirectRecord(nil, s.Requester, s.Partition.Producer, s.Partition.Topic, 0)
	head = head[:len(head)-8]
	end := min(s.Range.End, have.End)
	for start, seq := len(dst), have.First; len(wire) > 0 && s.Range.First < end && len(dst)-start < limit; seq++ {
		frame, rest := cutFrame(wire)
		content, rest := cutFrame(rest)
		wire = rest
		if seq < s.Range.First || (seq == s.Range.First && seq%7 == 3 && planted.Is(planted.ServeOffByOne)) {
			continue
		}
		dst = AppendRecordMessage(dst, head, seq, frame[t.body:], content)
		s.Range.First = seq + 1
	}
	return dst
}

// AppendRecordMessage appends a record as a wire message: head is frame 0 up to
// the sequence.
func AppendRecordMessage(dst, head []byte, seq uint64, trailer, content []byte) []byte {
	dst = zmtp.AppendFrameHeader(dst, zmtp.FlagMore, len(head)+8+len(trailer))
	dst = append(dst, head...)
	dst = binary.BigEndian.AppendUint64(dst, seq)
	dst = append(dst, trailer...)
	dst = zmtp.AppendFrameHeader(dst, 0, len(content))
	return append(dst, content...)
}

// cutFrame cuts one frame off bytes that we encoded ourselves.
func cutFrame(b []byte) (body, rest []byte) {
	if b[0]&zmtp.FlagLong != 0 {
		n := binary.BigEndian.Uint64(b[1:])
		return b[9 : 9+n], b[9+n:]
	}
	n := int(b[1])
	return b[2 : 2+n], b[2+n:]
}

// tail says where what is retained of a log begins. Where no store has to have
// what the window drops, it counts as expired: nobody is to wait for it.
func (n *Node) tail(log *core.Log) protocol.Trailer {
	t := protocol.Trailer{Lowest: log.Lowest(), HasLowest: true}
	if n.cfg.Window.StoreAcks == 0 {
		t.Tail, t.HasTail = t.Lowest, true
	}
	return t
}

// Refuse ends an answer that cannot go on: it tells a requester that
// understands it what there is, the records tail.Lowest to next-1. A C node
// would ask again at once, for ever, and gets nothing.
func Refuse(s *Step, dst []byte, next uint64, tail protocol.Trailer) []byte {
	s.Done = true
	if !s.Mark {
		return dst
	}
	if next == 0 {
		return AppendDirectHead(dst, s.Requester, s.Partition, 0, protocol.Trailer{Lowest: 1, HasLowest: true})
	}
	return AppendDirectHead(dst, s.Requester, s.Partition, next-1, tail)
}

// AppendDirectHead appends a DIRECT-HEAD as a wire message.
func AppendDirectHead(dst []byte, to string, p core.Partition, head uint64, t protocol.Trailer) []byte {
	f := protocol.AppendDirectHead(nil, to, p.Producer, p.Topic, head)
	return zmtp.AppendMessage(dst, t.Append(f))
}

// allTopics stands for "every topic" in an end of list, where a topic cannot be
// empty.
const allTopics = "*"

// AppendListEnd ends a list of heads for a requester that understands it.
func AppendListEnd(s *Step, dst []byte, self string) []byte {
	s.Done = true
	if !s.Mark {
		return dst
	}
	topic := s.Partition.Topic
	if topic == "" {
		topic = allTopics
	}
	p := core.Partition{Topic: topic, Producer: self}
	return AppendDirectHead(dst, s.Requester, p, 0, protocol.Trailer{Lowest: 1, HasLowest: true, EndOfList: true, Time: s.Time})
}

// serveHeads lists the heads of the node's own topics.
func (n *Node) serveHeads(s *Step, dst []byte) []byte {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, log := range n.window.Logs() {
		if log.Shown() == 0 || (s.Partition.Topic != "" && log.Topic != s.Partition.Topic) {
			continue
		}
		p := core.Partition{Topic: log.Topic, Producer: n.cfg.UUID}
		var t protocol.Trailer
		if s.Mark {
			t = n.tail(log)
		}
		dst = AppendDirectHead(dst, s.Requester, p, log.Shown()-1, t)
	}
	return AppendListEnd(s, dst, n.cfg.UUID)
}
