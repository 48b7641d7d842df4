package tracing

import (
	"context"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// maxTraces bounds the spans that one commit, or one call that hands over records,
// makes: of more traces the first have one.
const maxTraces = 64

// group are the records of one trace.
type group struct {
	first          found
	links          []trace.Link // to the contexts of others than the first
	records        int
	topics, places bool // of several topics, of several partitions
}

// Spans makes the spans of an operation that took its time over what was found, one
// for each trace. err says that it failed. More attributes go to each of them.
func (t *Tracer) Spans(op Operation, from, until time.Time, err error, finders []*Finder, more ...attribute.KeyValue) {
	for _, g := range gather(finders) {
		topic := g.first.topic
		if g.topics {
			topic = ""
		}
		b := t.beginning(op, topic)
		options := append(slices.Clip(b.options),
			trace.WithTimestamp(from), trace.WithLinks(g.links...), trace.WithAttributes(g.attributes()...), trace.WithAttributes(more...))
		_, span := t.tracer.Start(trace.ContextWithRemoteSpanContext(context.Background(), g.first.context), b.name, options...)
		fail(span, err)
		span.End(trace.WithTimestamp(until))
	}
}

// gather sorts what was found by traces, in the order in which they were found.
func gather(finders []*Finder) (groups []*group) {
	byTrace := make(map[trace.TraceID]*group)
	for _, f := range finders {
		for i := range f.found {
			found := &f.found[i]
			id := found.context.TraceID()
			g := byTrace[id]
			if g == nil {
				if len(groups) == maxTraces {
					continue
				}
				g = &group{first: *found}
				byTrace[id] = g
				groups = append(groups, g)
			}
			g.add(found)
		}
	}
	return groups
}

func (g *group) add(f *found) {
	g.records += f.records
	g.topics = g.topics || f.topic != g.first.topic
	g.places = g.places || !f.of(g.first.topic, g.first.partition)
	known := func(l trace.Link) bool { return l.SpanContext.SpanID() == f.context.SpanID() }
	if f.context.SpanID() != g.first.context.SpanID() && len(g.links) < maxLinks && !slices.ContainsFunc(g.links, known) {
		g.links = append(g.links, trace.Link{SpanContext: f.context})
	}
}

func (g *group) attributes() (list []attribute.KeyValue) {
	if !g.places {
		list = append(list, semconv.MessagingDestinationPartitionID(g.first.partition), offsetKey.Int64(int64(g.first.offset)))
	}
	if g.records > 1 {
		list = append(list, semconv.MessagingBatchMessageCount(g.records))
	}
	return list
}
