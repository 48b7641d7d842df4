package mesh

import (
	"bytes"
	"encoding/binary"

	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/internal/planted"
	"github.com/beckmesh/beck/internal/zmtp"
	"github.com/beckmesh/beck/protocol"
)

// assembler turns the messages of one link into batches. Records of one
// partition have the same bytes before the sequence, so that all but the first
// of a run are recognised by comparing that prefix.
type assembler struct {
	self     string
	batch    Batch
	spare    []place // memory for the places of the next block
	left     []place // those of the block before
	block    []byte  // what was read
	prefix   []byte  // frame 0 up to the sequence, of the last record
	last     *heading
	headings map[string]*heading // by prefix

	queries []protocol.Message // that the last read brought

	open *heading // of the run that the last message belongs to; nil: it was none
	next uint64   // sequence that continues that run
}

// heading is what the prefix of a record says.
type heading struct {
	partition core.Partition
	direct    bool
}

// maxHeadings bounds the prefixes remembered for one link.
const maxHeadings = 1 << 14

// reset begins a batch. kept says that the role keeps the runs of the last one,
// turned that the reader has gone on to another block.
func (a *assembler) reset(kept, turned bool) {
	a.batch.reset(kept)
	if turned {
		a.left, a.spare = a.batch.turn(a.spare), nil
	}
	a.open, a.queries = nil, a.queries[:0]
}

// taken is what one read brought besides the batch.
type taken struct {
	pongs  []byte  // answers to PINGs
	faults []error // malformed messages, which changed nothing
}

// take cuts all messages that the reader has. An error is the reader's, and
// final.
func (a *assembler) take(r *zmtp.Reader) (t taken, err error) {
	a.block = r.Block()
	for {
		var fault error
		if p, ok := r.Pair(); ok {
			fault = a.pair(p)
		} else {
			m, ok, err := r.Next()
			if err != nil || !ok {
				return t, err
			}
			if m.Command {
				t.pongs = answerPing(t.pongs, m)
			} else {
				fault = a.add(m)
			}
		}
		if fault != nil {
			t.faults = append(t.faults, fault)
		}
	}
}

// finish returns the batch.
func (a *assembler) finish() *Batch { return a.batch.finish(a.block) }

// pair takes a message of two frames.
func (a *assembler) pair(p zmtp.Pair) error {
	f := a.block[p.First:p.FirstEnd]
	n := len(a.prefix)
	if n == 0 || len(f) < n+8 || !bytes.Equal(f[:n], a.prefix) {
		if err := a.heading(f); err != nil {
			return err
		}
		n = len(a.prefix)
	}
	a.record(binary.BigEndian.Uint64(f[n:]), place{
		trailer: uint32(p.First + n + 8), trailerEnd: uint32(p.FirstEnd),
		content: uint32(p.Second), contentEnd: uint32(p.End),
	})
	return nil
}

// heading takes what stands before the sequence in frame 0 of a record.
func (a *assembler) heading(f []byte) error {
	msg, err := protocol.Parse(f)
	switch {
	case err != nil:
		return err
	case !msg.Kind.HasContent():
		return errFrames
	case msg.Kind == protocol.KindDirectRecord && string(msg.To) != a.self:
		return errNotOurs
	}
	a.prefix = append(a.prefix[:0], f[:len(f)-len(msg.Trailer)-8]...)
	h := a.headings[string(a.prefix)]
	if h == nil {
		if a.headings == nil || len(a.headings) >= maxHeadings {
			a.headings = make(map[string]*heading)
		}
		h = &heading{
			partition: core.Partition{Topic: string(msg.Subject), Producer: string(msg.Sender)},
			direct:    msg.Kind == protocol.KindDirectRecord,
		}
		a.headings[string(a.prefix)] = h
	}
	a.last = h
	return nil
}

// record appends to the run that it continues, or begins one: of a record whose
// checksum is not its own, one that has nothing else.
func (a *assembler) record(seq uint64, p place) {
	b := &a.batch
	b.places = append(b.places, p)
	size := int64(p.trailerEnd-p.trailer) + int64(p.contentEnd-p.content) + recordOverhead
	if !protocol.Intact(a.block[p.trailer:p.trailerEnd], a.block[p.content:p.contentEnd]) && !planted.Is(planted.DamageDelivered) {
		a.begin(Run{First: seq, Bytes: size, Damaged: true})
		a.open = nil
		return
	}
	if a.open == a.last && (seq == a.next || planted.Is(planted.RunAcrossGap)) {
		b.runs[len(b.runs)-1].Bytes += size
		a.next++
		return
	}
	a.begin(Run{First: seq, Bytes: size})
	a.open, a.next = a.last, seq+1
}

// begin begins a run with the last of the places.
func (a *assembler) begin(r Run) {
	b := &a.batch
	r.Partition, r.Direct, r.from = a.last.partition, a.last.direct, len(b.places)-1
	b.runs = append(b.runs, r)
	b.Items = append(b.Items, Item{Run: &b.runs[len(b.runs)-1]})
}

// add takes a message that is not a Pair. A malformed one is an error and
// changes nothing.
func (a *assembler) add(m zmtp.Msg) error {
	f := m.Frames[0]
	if len(m.Frames) == 2 {
		return a.split(f, m.Frames[1])
	}
	msg, err := protocol.Parse(f)
	if err != nil {
		return err
	}
	if len(m.Frames) != 1 || msg.Kind.HasContent() {
		return errFrames
	}
	a.open = nil
	if msg.Kind == protocol.KindQuery {
		a.queries = append(a.queries, msg)
		return nil
	}
	a.batch.Items = append(a.batch.Items, Item{Message: msg})
	return nil
}

// split takes a record between whose frames a command came, which is rare: it
// gets a block of its own.
func (a *assembler) split(f, content []byte) error {
	if err := a.heading(f); err != nil {
		return err
	}
	n := len(a.prefix)
	block := append(append(make([]byte, 0, len(f)+len(content)), f[n+8:]...), content...)
	p := place{trailerEnd: uint32(len(f) - n - 8), content: uint32(len(f) - n - 8), contentEnd: uint32(len(block))}
	a.batch.places = append(a.batch.places, p)
	a.begin(Run{
		First: binary.BigEndian.Uint64(f[n:]), Bytes: int64(len(block)) + recordOverhead, block: block,
		Damaged: !protocol.Intact(f[n+8:], content),
	})
	a.open = nil
	return nil
}
