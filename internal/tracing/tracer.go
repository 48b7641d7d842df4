package tracing

import (
	"context"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/protocol"
)

// scope is what made the spans.
const scope = "github.com/beckmesh/beck"

// System is the value of messaging.system.
const System = "beck"

// offsetKey names the offset of the record, or of the first one.
const offsetKey = attribute.Key("messaging.beck.offset")

// Operation is what a span is about.
type Operation struct {
	name string
	kind trace.SpanKind
	typ  attribute.KeyValue
}

// The operations.
var (
	publish = Operation{"publish", trace.SpanKindProducer, semconv.MessagingOperationTypeSend}
	Commit  = Operation{"commit", trace.SpanKindConsumer, semconv.MessagingOperationTypeProcess} // by a store
	Receive = Operation{"receive", trace.SpanKindClient, semconv.MessagingOperationTypeReceive}  // by an application
	Process = Operation{"process", trace.SpanKindConsumer, semconv.MessagingOperationTypeProcess}
)

// Tracer makes the spans of one node. Its methods may be called from any goroutine.
type Tracer struct {
	tracer trace.Tracer
	client string
	group  string // the name under which a consumer saves its positions
	roots  roots
	last   atomic.Pointer[begun]
}

// begun is how spans of an operation begin that is about a topic.
type begun struct {
	op          Operation
	topic, name string
	options     []trace.SpanStartOption
}

// New returns the tracer of the node with an address; nil if there is no provider.
// group is the name under which a consumer saves its positions, or "".
func New(c beck.NodeConfig, address, group string) *Tracer {
	if c.TracerProvider == nil {
		return nil
	}
	return &Tracer{
		tracer: c.TracerProvider.Tracer(scope, trace.WithSchemaURL(semconv.SchemaURL)), client: address, group: group,
		roots: roots{most: int64(c.WithDefaults().RootTraces), base: time.Now()},
	}
}

// beginning returns how a span begins; topic is "" where it is about several. The
// last one is kept: mostly the next is like it.
func (t *Tracer) beginning(op Operation, topic string) *begun {
	if b := t.last.Load(); b != nil && b.op == op && b.topic == topic {
		return b
	}
	b := &begun{op: op, topic: topic, name: op.name}
	attrs := []attribute.KeyValue{
		semconv.MessagingSystemKey.String(System), semconv.MessagingOperationName(op.name), op.typ, semconv.MessagingClientID(t.client),
	}
	if topic != "" {
		b.name += " " + topic
		attrs = append(attrs, semconv.MessagingDestinationName(topic))
	}
	if t.group != "" {
		attrs = append(attrs, semconv.MessagingConsumerGroupName(t.group))
	}
	b.options = []trace.SpanStartOption{trace.WithSpanKind(op.kind), trace.WithAttributes(attrs...)}
	t.last.Store(b)
	return b
}

// Process begins the span in which an application processes a record, as a child of
// the one that published it; ok is false, and there is no span, if the record says
// nothing of any.
func (t *Tracer) Process(ctx context.Context, r *beck.Record) (in context.Context, span trace.Span, ok bool) {
	if len(r.Headers) == 0 {
		return ctx, nil, false
	}
	of := trace.SpanContextFromContext(beck.ContextOf(context.Background(), *r))
	if !of.IsValid() {
		return ctx, nil, false
	}
	b := t.beginning(Process, r.Topic)
	in, span = t.tracer.Start(trace.ContextWithRemoteSpanContext(ctx, of), b.name, b.options...)
	if span.IsRecording() {
		span.SetAttributes(semconv.MessagingDestinationPartitionID(r.Partition), offsetKey.Int64(int64(r.Offset)))
	}
	return in, span, true
}

// fail notes that what a span is about failed; nil says that it did not.
func fail(span trace.Span, err error) {
	if err != nil && span.IsRecording() {
		span.SetStatus(codes.Error, err.Error())
		span.SetAttributes(semconv.ErrorType(err))
	}
}

// The headers of W3C Trace Context.
const (
	parentHeader = "traceparent"
	stateHeader  = "tracestate"
)

// carries reports whether a record says by itself which trace it belongs to.
func carries(r *beck.Record) bool {
	for i := range r.Headers {
		if r.Headers[i].Name == parentHeader {
			return true
		}
	}
	return false
}

// minTrailer is how long the trailer of a record is at least that says a trace.
const minTrailer = len(parentHeader) + 55

// headersOf returns what a trailer says of a trace.
func headersOf(dst []beck.Header, trailer []byte) []beck.Header {
	if len(trailer) < minTrailer {
		return dst
	}
	t, err := protocol.ParseRecordTrailer(trailer)
	if err != nil {
		return dst
	}
	for rest := t.Headers; len(rest) > 0; {
		name, value, next, ok := protocol.CutHeader(rest)
		if !ok {
			return dst
		}
		switch rest = next; string(name) {
		case parentHeader:
			dst = append(dst, beck.Header{Name: parentHeader, Value: value})
		case stateHeader:
			dst = append(dst, beck.Header{Name: stateHeader, Value: value})
		}
	}
	return dst
}
