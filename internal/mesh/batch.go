package mesh

import (
	"github.com/beckmesh/beck/internal/core"
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
	Stored    bool // they come from a store, not from their producer
	Damaged   bool // it is one record, and not as its producer sent it
	First     uint64
	Bytes     int64 // what the records take in memory

	block  []byte  // what was read
	places []place // of the records in it
	from   int     // of the batch's places, while it is being filled
	memory *memory // that the block is of; nil unless it may be used again
}

// place is where a record stands in a block. It has no pointer, so that the
// records that wait for an application cost the garbage collector nothing; and
// no message, with four times as much read, reaches 4 GiB.
type place struct {
	trailer, trailerEnd, content, contentEnd uint32
}

// Len returns how many records the run has.
func (r *Run) Len() int { return len(r.places) }

// Record returns the i-th record, from 0.
func (r *Run) Record(i int) Record {
	p := &r.places[i]
	return Record{
		Content: r.block[p.content:p.contentEnd:p.contentEnd],
		Trailer: r.block[p.trailer:p.trailerEnd:p.trailerEnd],
	}
}

// Item is a run of records, or (Run nil) a message of another kind.
type Item struct {
	Run     *Run
	Message protocol.Message
}

// Batch is what one read of a link brought, in order.
type Batch struct {
	Items  []Item
	runs   []Run
	places []place // of all records in the block that is read, this batch's from begin on
	begin  int
}

// recordOverhead is what a record takes in memory besides its bytes.
const recordOverhead = 48

// reset empties the batch. kept says that the role keeps its runs.
func (b *Batch) reset(kept bool) {
	clear(b.Items)
	b.Items = b.Items[:0]
	if !kept {
		clear(b.runs)
		b.runs, b.places = b.runs[:0], b.places[:b.begin]
		return
	}
	// A run that is kept keeps all runs of its array, and through them their
	// blocks: so each batch has its own. Places keep nothing.
	b.runs, b.begin = make([]Run, 0, len(b.runs)), len(b.places)
}

// turn goes on with the places of another block, in memory that is given or, if
// that is nil, in new, and returns those of the one before.
func (b *Batch) turn(places []place) (before []place) {
	before = b.places
	if places == nil {
		places = make([]place, 0, len(before))
	}
	b.places, b.begin = places[:0], 0
	return before
}

// finish gives the runs their records. The places could not be cut before: they
// may have moved while the batch grew, and so may the runs.
func (b *Batch) finish(block []byte) *Batch {
	next := 0
	for i := range b.Items {
		if b.Items[i].Run == nil {
			continue
		}
		r := &b.runs[next]
		end := len(b.places)
		if next+1 < len(b.runs) {
			end = b.runs[next+1].from
		}
		r.places = b.places[r.from:end:end]
		if r.block == nil {
			r.block = block
		}
		b.Items[i].Run = r
		next++
	}
	return b
}
