package foreign

import (
	"sync"
	"testing"

	"github.com/beckmesh/beck/internal/zmtp"
	"github.com/beckmesh/beck/protocol"
)

// chunk is how many records the C producer keeps together: what lies in its
// second chunk it looks up in the first.
const chunk = 256

// Producer is a node that answers FETCH as the C producer does, wrongly.
type Producer struct {
	*Node
	Topic string

	mu      sync.Mutex
	records [][]byte
	unacked uint64 // the first record that nobody acknowledged
	wrong   int    // records sent with another's content
}

// NewProducer returns a producer of one topic that has joined nothing yet.
func NewProducer(t testing.TB, topic string) *Producer {
	p := &Producer{Node: New(t), Topic: topic}
	p.Type = zmtp.Pub
	p.Want(p.Self(protocol.KindAck), p.Self(protocol.KindFetch))
	p.OnMessage = p.message
	return p
}

// Publish sends the next record to whoever listens.
func (p *Producer) Publish(content string) {
	seq := p.Keep(content)
	p.Node.Publish(protocol.AppendRecord(nil, p.Topic, p.UUID, seq), []byte(content))
}

// Keep takes the next record and sends it to nobody, as if it was lost on every
// link. It returns its sequence.
func (p *Producer) Keep(content string) uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.records = append(p.records, []byte(content))
	return uint64(len(p.records)) - 1
}

// Head announces the last record.
func (p *Producer) Head() {
	p.mu.Lock()
	seq := uint64(len(p.records)) - 1
	p.mu.Unlock()
	p.Node.Publish(protocol.AppendHead(nil, p.Topic, p.UUID, seq))
}

// Acked returns how many records are acknowledged.
func (p *Producer) Acked() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.unacked
}

// Wrong returns how many records were sent with the content of another.
func (p *Producer) Wrong() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.wrong
}

func (p *Producer) message(m Message) {
	if m.Err != nil || string(m.To) != p.UUID {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch m.Kind {
	case protocol.KindAck:
		p.unacked = max(p.unacked, m.Sequence+1)
	case protocol.KindFetch:
		p.answer(string(m.Sender), m.Sequence, uint64(m.Count))
	}
}

func (p *Producer) answer(requester string, first, count uint64) {
	if first < p.unacked {
		return
	}
	for seq := first; seq < min(first+count, uint64(len(p.records))); seq++ {
		at := p.place(seq)
		if at != seq {
			p.wrong++
		}
		p.Node.Publish(protocol.AppendDirectRecord(nil, requester, p.UUID, p.Topic, seq), p.records[at])
	}
}

// place returns where the C producer looks for a record: in its first chunk, by
// the distance from the first unacknowledged record, or from the start of the
// record's own chunk.
func (p *Producer) place(seq uint64) uint64 {
	start := p.unacked / chunk * chunk
	if seq/chunk == p.unacked/chunk {
		return start + seq - p.unacked
	}
	return start + seq%chunk
}
