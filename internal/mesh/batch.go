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
	places []place
}

// recordOverhead is what a record takes in memory besides its bytes.
const recordOverhead = 48

// placesAtOnce is for how many records places are allocated together.
const placesAtOnce = 256

// reset empties the batch. kept says that the role keeps its runs.
func (b *Batch) reset(kept bool) {
	clear(b.Items)
	b.Items = b.Items[:0]
	if !kept {
		clear(b.runs)
		b.runs, b.places = b.runs[:0], b.places[:0]
		return
	}
	// A run that is kept keeps all runs of its array, and through them their
	// blocks: so each batch has its own. Places keep nothing.
	b.runs = make([]Run, 0, len(b.runs))
	n := len(b.places)
	if b.places = b.places[n:]; cap(b.places) < n {
		b.places = make([]place, 0, max(2*n, placesAtOnce))
	}
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
