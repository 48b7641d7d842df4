package sim

import (
	"bytes"
	"encoding/binary"
	"io"

	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/internal/zmtp"
	"github.com/beckmesh/beck/protocol"
)

// tap reads along with what a node sends on a link, for promises that a
// consumer cannot see: every record has the content that was published, a HEAD
// names no record that the link has not sent, an ACK none that is not durable.
type tap struct {
	world    *World
	from, to *host
	bytes    []byte // of the write at hand, not read yet
	reader   *zmtp.Reader
	open     int   // bytes sent of a message that is not complete
	acks     []ack // that ended in the write at hand

	prefix []byte // frame 0 up to the sequence, of the last record
	last   stream
	parts  map[*partition]*told
}

// told is what a link has said of a partition.
type told struct {
	*partition
	head   uint64 // sequence after the highest that a HEAD named
	stated uint64 // the highest that a DIRECT-HEAD named
}

// stream is what the prefix of a record says.
type stream struct {
	*told
	direct bool
}

// ack is an ACK on its way to a producer.
type ack struct {
	part  *partition
	store string // UUID of who sent it
	end   uint64
}

// arrive counts the ACK, as the producer may from now on.
func (a ack) arrive() { a.part.stores[a.store] = max(a.part.stores[a.store], a.end) }

func (w *World) newTap(from, to *host) *tap {
	t := &tap{world: w, from: from, to: to, parts: make(map[*partition]*told)}
	t.reader = zmtp.NewReader(t, zmtp.Limits{Block: 4 << 10})
	return t
}

// Read gives the reader what was sent.
func (t *tap) Read(b []byte) (int, error) {
	if len(t.bytes) == 0 {
		return 0, io.EOF
	}
	n := copy(b, t.bytes)
	t.bytes = t.bytes[n:]
	return n, nil
}

// sent looks at a write, and returns the ACKs that are complete with it.
func (t *tap) sent(b []byte) []ack {
	t.bytes, t.acks = b, nil
	t.open += len(b)
	for len(t.bytes) > 0 {
		if err := t.reader.Fill(); err != nil {
			break
		}
		for {
			m, ok, err := t.reader.Next()
			if err != nil {
				t.failf("the stream is broken: %v", err)
				return nil
			}
			if !ok {
				break
			}
			for _, f := range m.Frames {
				t.open -= len(zmtp.AppendFrameHeader(nil, 0, len(f))) + len(f)
			}
			if !m.Command {
				t.message(m)
			}
		}
	}
	return t.acks
}

func (t *tap) failf(format string, args ...any) {
	t.world.failf("%s to %s: "+format, append([]any{t.from.machine.name, t.to.machine.name}, args...)...)
}

func (t *tap) message(m zmtp.Msg) {
	f := m.Frames[0]
	if n := len(t.prefix); len(m.Frames) == 2 && n > 0 && len(f) >= n+8 && bytes.Equal(f[:n], t.prefix) {
		t.record(binary.BigEndian.Uint64(f[n:]), m.Frames[1])
		return
	}
	msg, err := protocol.Parse(f)
	if err != nil {
		t.failf("not a message: %q: %v", f, err)
		return
	}
	if msg.Kind.HasContent() && len(m.Frames) == 2 {
		t.prefix = append(t.prefix[:0], f[:len(f)-len(msg.Trailer)-8]...)
		t.last = stream{t.told(&msg), msg.Kind == protocol.KindDirectRecord}
		t.record(msg.Sequence, m.Frames[1])
		return
	}
	t.control(f, &msg)
}

func partitionOf(m *protocol.Message) core.Partition {
	return core.Partition{Topic: string(m.Subject), Producer: string(m.Sender)}
}

// told returns what the link has said of the partition that a message is about.
func (t *tap) told(m *protocol.Message) *told {
	p := t.world.model.part(partitionOf(m))
	if t.parts[p] == nil {
		t.parts[p] = &told{partition: p}
	}
	return t.parts[p]
}

// record checks a record that one of our nodes sends. What C producers answer is
// known to be wrong.
func (t *tap) record(seq uint64, content []byte) {
	p := t.last
	if t.from.foreign || p.reserved() {
		return
	}
	switch {
	case seq >= uint64(len(p.records)):
		t.failf("%v@%d was never published (%d were)", p, seq, len(p.records))
	case string(content) != p.records[seq] && !(p.foreign && t.world.misled):
		t.failf("%v@%d is %q, published was %q", p, seq, content, p.records[seq])
	case !p.direct && seq < p.head:
		t.failf("a HEAD named %v@%d, and %d came behind it", p, p.head-1, seq)
	}
}

func (t *tap) control(frame []byte, m *protocol.Message) {
	switch m.Kind {
	case protocol.KindHead:
		t.told(m).head = m.Sequence + 1
	case protocol.KindDirectHead:
		t.directHead(m)
	case protocol.KindAck:
		p := t.world.model.part(core.Partition{Topic: string(m.Subject), Producer: string(m.To)})
		t.acks = append(t.acks, ack{p, t.from.node.UUID(), m.Sequence + 1})
		t.from.noteAck(t.to, frame)
		if t.from.acks != nil {
			t.from.acks(p, m.Sequence+1)
		}
	}
}

// directHead checks that what a store of ours says of its heads does not go back.
func (t *tap) directHead(m *protocol.Message) {
	trailer, err := protocol.ParseTrailer(m.Trailer)
	if t.from.foreign || err != nil || trailer.EndOfList || trailer.HasLowest && trailer.Lowest > m.Sequence {
		return
	}
	p := t.told(m)
	if m.Sequence < p.stated {
		t.failf("the head of %v goes back from %d to %d", p, p.stated, m.Sequence)
	}
	p.stated = m.Sequence
}

// maxReplays is how many ACKs a host remembers for each producer.
const maxReplays = 16

// noteAck remembers an ACK, to be sent again by a fault.
func (h *host) noteAck(to *host, frame []byte) {
	if h.sentAcks == nil {
		h.sentAcks = make(map[string][][]byte)
	}
	list := h.sentAcks[to.node.UUID()]
	if len(list) == maxReplays {
		list = list[1:]
	}
	h.sentAcks[to.node.UUID()] = append(list, bytes.Clone(frame))
}
