package mesh

import (
	"bytes"
	"encoding/binary"

	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/internal/planted"
	"github.com/beckmesh/beck/internal/zmtp"
	"github.com/beckmesh/beck/protocol"
)

// Record is one record as it came: slices of the block that was read.
type Record struct {
	Content, Trailer []byte
}

// Run is consecutive records of one partition.
type Run struct {
	Partition core.Partition
	Direct    bool // they answer a FETCH
	Bare      bool // whoever gave them has dropped their trailers
	First     uint64
	Records   []Record
	Bytes     int64 // what the records take in memory

	from int // of Records, while the batch is being filled
}

// Item is a run of records, or (Run nil) a message of another kind.
type Item struct {
	Run     *Run
	Message protocol.Message
}

// Batch is what one read of a link brought, in order.
type Batch struct {
	Items []Item
	runs  []Run
	recs  []Record
}

// recordOverhead is what a record takes in memory besides its bytes.
const recordOverhead = 48

// assembler turns the messages of one link into batches. Records of one
// partition have the same bytes before the sequence, so that all but the first
// of a run are recognised by comparing that prefix.
type assembler struct {
	self     string
	batch    Batch
	prefix   []byte // frame 0 up to the sequence, of the last record
	last     heading
	headings map[string]heading // by prefix
}

// heading is what the prefix of a record says.
type heading struct {
	partition core.Partition
	direct    bool
}

// maxHeadings bounds the prefixes remembered for one link.
const maxHeadings = 1 << 14

// reset empties the batch. kept says that the role keeps its runs and records.
func (a *assembler) reset(kept bool) {
	b := &a.batch
	clear(b.Items)
	b.Items = b.Items[:0]
	if kept {
		b.runs, b.recs = make([]Run, 0, len(b.runs)), make([]Record, 0, len(b.recs))
		return
	}
	b.runs, b.recs = b.runs[:0], b.recs[:0]
}

// add takes one message. A malformed one is an error and changes nothing.
func (a *assembler) add(m zmtp.Msg) error {
	f := m.Frames[0]
	if len(m.Frames) == 2 && len(f) >= len(a.prefix)+8 && len(a.prefix) > 0 && bytes.Equal(f[:len(a.prefix)], a.prefix) {
		a.record(a.last, f, m.Frames[1])
		return nil
	}
	msg, err := protocol.Parse(f)
	if err != nil {
		return err
	}
	if !msg.Kind.HasContent() {
		if len(m.Frames) != 1 {
			return errFrames
		}
		a.batch.Items = append(a.batch.Items, Item{Message: msg})
		return nil
	}
	if len(m.Frames) != 2 {
		return errFrames
	}
	return a.heading(f, msg, m.Frames[1])
}

// heading takes the first record of a run.
func (a *assembler) heading(f []byte, msg protocol.Message, content []byte) error {
	if msg.Kind == protocol.KindDirectRecord && string(msg.To) != a.self {
		return errNotOurs
	}
	a.prefix = append(a.prefix[:0], f[:len(f)-len(msg.Trailer)-8]...)
	h, known := a.headings[string(a.prefix)]
	if !known {
		if a.headings == nil || len(a.headings) >= maxHeadings {
			a.headings = make(map[string]heading)
		}
		h = heading{
			partition: core.Partition{Topic: string(msg.Subject), Producer: string(msg.Sender)},
			direct:    msg.Kind == protocol.KindDirectRecord,
		}
		a.headings[string(a.prefix)] = h
	}
	a.last = h
	a.record(h, f, content)
	return nil
}

// record appends to the run that it continues, or begins one.
func (a *assembler) record(h heading, f, content []byte) {
	n := len(a.prefix)
	seq, trailer := binary.BigEndian.Uint64(f[n:]), f[n+8:]
	b := &a.batch
	b.recs = append(b.recs, Record{Content: content, Trailer: trailer})
	size := int64(len(content) + len(trailer) + recordOverhead)
	if i := len(b.runs) - 1; i >= 0 && len(b.Items) > 0 && b.Items[len(b.Items)-1].Run != nil {
		r := &b.runs[i]
		if r.Partition == h.partition && r.Direct == h.direct && (r.First+uint64(len(b.recs)-1-r.from) == seq || planted.Is(planted.RunAcrossGap)) {
			r.Bytes += size
			return
		}
	}
	b.runs = append(b.runs, Run{Partition: h.partition, Direct: h.direct, First: seq, Bytes: size, from: len(b.recs) - 1})
	b.Items = append(b.Items, Item{Run: &b.runs[len(b.runs)-1]})
}

// finish gives the runs their records. The slices could not be cut before:
// they may have moved while the batch grew.
func (a *assembler) finish() *Batch {
	b := &a.batch
	next := 0
	for i := range b.Items {
		if b.Items[i].Run == nil {
			continue
		}
		r := &b.runs[next]
		end := len(b.recs)
		if next+1 < len(b.runs) {
			end = b.runs[next+1].from
		}
		r.Records = b.recs[r.from:end:end]
		b.Items[i].Run = r
		next++
	}
	return b
}
