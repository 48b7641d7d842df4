package tracing

import (
	"context"

	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/protocol"
)

// maxLinks bounds the links of a span.
const maxLinks = 128

// Publishing is the span of one call that publishes, and what its records take
// along. Nil is none.
type Publishing struct {
	span    trace.Span
	Headers []byte // what a record gets besides its own, as protocol.AppendHeader writes it; nil: nothing
	Count   int    // how many these are
	Bytes   int    // of their names and values
	first   uint64 // the offset of the first record
	placed  bool   // that is known
	one     bool   // it is about one topic
}

// Publish begins the span of a call that publishes records, at least one, under ctx.
// It ends with End. It is nil, and there is none, where ctx has no span and no more
// traces are to begin now.
func (t *Tracer) Publish(ctx context.Context, records []beck.Record) *Publishing {
	if !trace.SpanContextFromContext(ctx).IsValid() && !t.roots.take() {
		return nil
	}
	p := &Publishing{one: true}
	topic := records[0].Topic
	for i := range records {
		if records[i].Topic != topic {
			topic, p.one = "", false
			break
		}
	}
	b := t.beginning(publish, topic)
	ctx, p.span = t.tracer.Start(ctx, b.name, b.options...)
	if p.span.SpanContext().IsSampled() {
		p.carry(ctx)
	}
	if p.span.IsRecording() {
		p.describe(t, records)
	}
	return p
}

// carry encodes the context for records.
func (p *Publishing) carry(ctx context.Context) {
	var r beck.Record
	beck.SetContext(ctx, &r)
	p.Count = len(r.Headers)
	for _, h := range r.Headers {
		p.Headers = protocol.AppendHeader(p.Headers, h.Name, h.Value)
		p.Bytes += len(h.Name) + len(h.Value)
	}
}

// describe says what is published, and links to what records say by themselves.
func (p *Publishing) describe(t *Tracer, records []beck.Record) {
	if p.one {
		p.span.SetAttributes(semconv.MessagingDestinationPartitionID(t.client))
	}
	if len(records) > 1 {
		p.span.SetAttributes(semconv.MessagingBatchMessageCount(len(records)))
	}
	var f Finder
	for i := range records {
		f.Record(&records[i])
	}
	for i := range f.found {
		p.span.AddLink(trace.Link{SpanContext: f.found[i].context})
	}
}

// For reports whether a record is to take the headers along: it says no trace of its
// own, and they fit beside its own.
func (p *Publishing) For(r *beck.Record) bool {
	if p.Headers == nil {
		return false
	}
	if len(r.Headers) == 0 {
		return true
	}
	bytes := p.Bytes
	for i := range r.Headers {
		bytes += len(r.Headers[i].Name) + len(r.Headers[i].Value)
	}
	return bytes <= protocol.MaxHeaderBytes && len(r.Headers)+p.Count <= protocol.MaxHeaders && !carries(r)
}

// Placed says which offset a record got: it counts if it is the first.
func (p *Publishing) Placed(offset uint64) {
	if !p.placed {
		p.first, p.placed = offset, true
	}
}

// End ends the span: what was published is published, or err says why not.
func (p *Publishing) End(err error) {
	if p == nil {
		return
	}
	if p.placed && p.one && p.span.IsRecording() {
		p.span.SetAttributes(offsetKey.Int64(int64(p.first)))
	}
	fail(p.span, err)
	p.span.End()
}
