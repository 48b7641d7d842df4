package habit

import "github.com/beckmesh/beck/protocol"

// chunk is how many records the C producer keeps together: what lies in its
// second chunk it looks up in the first.
const chunk = 256

// Producer answers a FETCH with other records' contents beyond its first 256,
// and for everything as soon as something was acknowledged. One ACK, of
// whomever, frees what it names. It does not answer GET-HEADS.
type Producer struct {
	UUID, Topic string
	Send        Send

	records [][]byte
	unacked uint64 // the first record that nobody acknowledged
	wrong   int    // records sent with another's content
}

// Wants returns what the producer subscribes to.
func (p *Producer) Wants() []string {
	return []string{To(protocol.KindAck, p.UUID), To(protocol.KindFetch, p.UUID)}
}

// To returns the prefix of messages of kind k to a node, as C nodes write it.
func To(k protocol.Kind, uuid string) string { return string(rune(k)) + uuid }

// Publish sends the next record to whoever listens, and returns its sequence.
func (p *Producer) Publish(content []byte) uint64 {
	seq := p.Keep(content)
	p.Send(protocol.AppendRecord(nil, p.Topic, p.UUID, seq), content)
	return seq
}

// Keep takes the next record and sends it to nobody, as if it was lost on every
// link. It returns its sequence.
func (p *Producer) Keep(content []byte) uint64 {
	p.records = append(p.records, content)
	return uint64(len(p.records)) - 1
}

// Head announces the last record; C producers do so every second.
func (p *Producer) Head() {
	if n := uint64(len(p.records)); n > 0 {
		p.Send(protocol.AppendHead(nil, p.Topic, p.UUID, n-1))
	}
}

// Acked returns how many records are acknowledged.
func (p *Producer) Acked() uint64 { return p.unacked }

// Wrong returns how many records were sent with the content of another.
func (p *Producer) Wrong() int { return p.wrong }

// Receive takes a message.
func (p *Producer) Receive(m *protocol.Message) {
	if string(m.To) != p.UUID {
		return
	}
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
		p.Send(protocol.AppendDirectRecord(nil, requester, p.UUID, p.Topic, seq), p.records[at])
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
