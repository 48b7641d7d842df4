package tracing

import (
	"bytes"
	"context"

	"go.opentelemetry.io/otel/trace"

	"github.com/beckmesh/beck"
)

// maxFound is how many contexts a Finder keeps: as many as a span has links.
const maxFound = maxLinks

// Finder looks for the sampled traces that records belong to. It keeps the first
// contexts, up to maxFound, and how many records have each; those of the same
// context that follow each other are one. The zero value is ready.
type Finder struct {
	found   []found
	headers []beck.Header // room
	parent  []byte        // what the last record said
	state   []byte
	last    int // where of found that is; -1: it is of no use
}

// found are records of one partition that carry one context.
type found struct {
	context          trace.SpanContext
	topic, partition string
	offset           uint64 // of the first
	records          int
}

// Reset forgets what was found, and keeps the memory for it.
func (f *Finder) Reset() {
	clear(f.found)
	clear(f.headers)
	f.found, f.headers = f.found[:0], f.headers[:0]
	f.parent, f.state = f.parent[:0], f.state[:0]
}

// Any reports whether something was found.
func (f *Finder) Any() bool { return len(f.found) > 0 }

// Record looks at a record.
func (f *Finder) Record(r *beck.Record) {
	f.headers = f.headers[:0]
	for _, h := range r.Headers {
		if h.Name == parentHeader || h.Name == stateHeader {
			f.headers = append(f.headers, h)
		}
	}
	f.look(r.Topic, r.Partition, r.Offset)
}

// Trailer looks at a record's trailer, as it came.
func (f *Finder) Trailer(topic, partition string, offset uint64, trailer []byte) {
	f.headers = headersOf(f.headers[:0], trailer)
	f.look(topic, partition, offset)
}

// look takes note of what the headers of a record say.
func (f *Finder) look(topic, partition string, offset uint64) {
	if len(f.headers) == 0 {
		return
	}
	switch parent, state, plain := split(f.headers); {
	case !plain:
		f.parent, f.last = f.parent[:0], f.add(topic, partition, offset)
	case len(f.parent) == 0 || !bytes.Equal(parent, f.parent) || !bytes.Equal(state, f.state):
		f.parent, f.state = append(f.parent[:0], parent...), append(f.state[:0], state...)
		f.last = f.add(topic, partition, offset)
	case f.last >= 0 && !f.found[f.last].of(topic, partition):
		f.last = f.add(topic, partition, offset)
	}
	if f.last >= 0 {
		f.found[f.last].records++
	}
}

// split returns the values of the headers; plain is false if one of them is there
// twice.
func split(headers []beck.Header) (parent, state []byte, plain bool) {
	plain = true
	for _, h := range headers {
		to := &state
		if h.Name == parentHeader {
			to = &parent
		}
		plain = plain && *to == nil
		*to = h.Value
	}
	return parent, state, plain
}

func (f *found) of(topic, partition string) bool {
	return f.topic == topic && f.partition == partition
}

// add reads the headers, and returns where of found what they say is; -1 if that is
// not to be kept.
func (f *Finder) add(topic, partition string, offset uint64) int {
	if len(f.found) == maxFound {
		return -1
	}
	c := trace.SpanContextFromContext(beck.ContextOf(context.Background(), beck.Record{Headers: f.headers}))
	if !c.IsSampled() || !c.IsValid() {
		return -1
	}
	f.found = append(f.found, found{context: c, topic: topic, partition: partition, offset: offset})
	return len(f.found) - 1
}
