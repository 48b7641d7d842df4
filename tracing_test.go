package beck_test

import (
	"context"
	"fmt"
	"log"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/consumer"
	"github.com/beckmesh/beck/producer"
	"github.com/beckmesh/beck/tower"
)

// spanContext returns one of the trace and span with these numbers.
func spanContext(t *testing.T, n byte, state string) trace.SpanContext {
	s, err := trace.ParseTraceState(state)
	if err != nil {
		t.Fatal(err)
	}
	return trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{n}, SpanID: trace.SpanID{n}, TraceFlags: trace.FlagsSampled, TraceState: s})
}

func TestSetContext(t *testing.T) {
	own := []beck.Header{{Name: "a", Value: []byte("1")}, {Name: "traceparent", Value: []byte("old")}, {Name: "b"}}[:3:3]
	r := beck.Record{Headers: own}
	beck.SetContext(t.Context(), &r)
	if len(r.Headers) != 3 {
		t.Errorf("without a trace it makes the headers %s", r.Headers)
	}
	plain := r
	beck.SetContext(trace.ContextWithSpanContext(t.Context(), spanContext(t, 3, "")), &plain)
	of := spanContext(t, 1, "vendor=x")
	beck.SetContext(trace.ContextWithSpanContext(t.Context(), of), &r)
	const want = "[{a 1} {b } {tracestate vendor=x} {traceparent 00-01000000000000000000000000000000-0100000000000000-01}]"
	if got := fmt.Sprintf("%s", r.Headers); got != want {
		t.Errorf("it makes the headers %s, want %s", got, want)
	}
	if fmt.Sprintf("%s", own) != "[{a 1} {traceparent old} {b }]" {
		t.Errorf("the application's own headers are %s now", own)
	}
	in := beck.ContextOf(t.Context(), r)
	if got := trace.SpanContextFromContext(in); !got.Equal(of.WithRemote(true)) {
		t.Errorf("read back it is %v, want %v", got, of)
	}
	beck.SetContext(trace.ContextWithSpanContext(t.Context(), spanContext(t, 2, "")), &r)
	if got := trace.SpanContextFromContext(beck.ContextOf(t.Context(), r)); got.SpanID() != (trace.SpanID{2}) {
		t.Errorf("set again it is %v", got)
	}
}

func TestContextOf(t *testing.T) {
	ctx := trace.ContextWithSpanContext(t.Context(), spanContext(t, 1, ""))
	const good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	for _, values := range [][]string{nil, {""}, {"nonsense"}, {good, good}, {good[:50]}} {
		var r beck.Record
		for _, v := range values {
			r.Headers = append(r.Headers, beck.Header{Name: "traceparent", Value: []byte(v)})
		}
		if beck.ContextOf(ctx, r) != ctx {
			t.Errorf("%q makes another context", values)
		}
	}
	r := beck.Record{Headers: []beck.Header{{Name: "Traceparent", Value: []byte(good)}}}
	if beck.ContextOf(ctx, r) != ctx {
		t.Error("names are told apart by upper and lower case")
	}
}

// A program that traces gives its nodes a TracerProvider. What it publishes is in the
// trace of the context that it publishes under, and so is what others do with it.
func ExampleContextOf() {
	spans := tracetest.NewInMemoryExporter() // elsewhere: one that sends them
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))

	towers := tower.DefaultConfig()
	towers.Sub, towers.Pub = "tcp://127.0.0.1:0", "tcp://127.0.0.1:0"
	t, err := tower.Start(towers)
	if err != nil {
		log.Fatal(err)
	}
	defer t.Close()
	node := beck.NodeConfig{
		Sub: []string{t.Sub()}, Pub: []string{t.Pub()}, Listen: "127.0.0.1:0",
		TracerProvider: provider,
	}

	read := consumer.DefaultConfig()
	read.NodeConfig, read.Topics, read.Start = node, []string{"orders"}, consumer.Earliest
	c, err := consumer.Start(read)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	publish := producer.DefaultConfig()
	publish.NodeConfig, publish.MinStoreAcks = node, 0 // there is no store
	p, err := producer.Start(publish)
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close()
	tracer := provider.Tracer("shop")
	ctx, order := tracer.Start(context.Background(), "order")
	if err := p.Publish(ctx, beck.Record{Topic: "orders", Value: []byte("two pears")}); err != nil {
		log.Fatal(err)
	}
	order.End()

	for record, err := range c.Records(context.Background()) {
		if err != nil {
			log.Fatal(err)
		}
		// c.Process makes a span for this, with the record's place. A program without
		// a consumer's TracerProvider makes its own:
		_, span := tracer.Start(beck.ContextOf(context.Background(), record), "pack")
		fmt.Printf("packed %s\n", record.Value)
		span.End()
		break
	}

	for _, s := range spans.GetSpans() {
		fmt.Println(s.Name, s.SpanContext.TraceID() == order.SpanContext().TraceID())
	}
	// Unordered output:
	// packed two pears
	// order true
	// publish orders true
	// receive orders true
	// pack true
}
