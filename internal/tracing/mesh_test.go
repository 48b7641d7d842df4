package tracing_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/consumer"
	"github.com/beckmesh/beck/internal/testmesh"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// traced is a mesh whose nodes make spans.
type traced struct {
	*testmesh.Mesh
	t        *testing.T
	spans    *tracetest.InMemoryExporter
	provider *sdktrace.TracerProvider
}

func newTraced(t *testing.T, options ...sdktrace.TracerProviderOption) *traced {
	m := &traced{Mesh: testmesh.New(t), t: t, spans: tracetest.NewInMemoryExporter()}
	m.provider = sdktrace.NewTracerProvider(append(options, sdktrace.WithSyncer(m.spans))...)
	m.Node.TracerProvider = m.provider
	return m
}

// begin begins a span of the application's.
func (m *traced) begin(name string) (context.Context, trace.Span) {
	return m.provider.Tracer("app").Start(testmesh.Context(m.t), name)
}

// named returns the spans of a name that have ended, when there are n.
func (m *traced) named(name string, n int) (spans tracetest.SpanStubs) {
	m.t.Helper()
	testmesh.Until(m.t, fmt.Sprintf("%d spans %q", n, name), func() bool {
		spans = slices.DeleteFunc(m.spans.GetSpans(), func(s tracetest.SpanStub) bool { return s.Name != name })
		return len(spans) >= n
	})
	if len(spans) != n {
		m.t.Fatalf("%d spans %q, want %d", len(spans), name, n)
	}
	return spans
}

// expect compares a span with what it is to be.
func expect(t *testing.T, s tracetest.SpanStub, kind trace.SpanKind, parent trace.SpanContext, attributes map[string]any) {
	t.Helper()
	if s.SpanKind != kind {
		t.Errorf("%s: a span of kind %v, want %v", s.Name, s.SpanKind, kind)
	}
	if s.SpanContext.TraceID() != parent.TraceID() || s.Parent.SpanID() != parent.SpanID() {
		t.Errorf("%s: span of trace %v below %v, want trace %v below %v", s.Name, s.SpanContext.TraceID(), s.Parent.SpanID(), parent.TraceID(), parent.SpanID())
	}
	got := make(map[string]any)
	for _, kv := range s.Attributes {
		got[string(kv.Key)] = kv.Value.AsInterface()
	}
	attributes["messaging.system"] = "beck"
	for key, want := range attributes {
		if got[key] != want {
			t.Errorf("%s: %s is %v, want %v", s.Name, key, got[key], want)
		}
		delete(got, key)
	}
	for key, value := range got {
		t.Errorf("%s: says %s %v as well", s.Name, key, value)
	}
	if s.EndTime.Before(s.StartTime) {
		t.Errorf("%s: ends before it begins", s.Name)
	}
}

// TestChain: a record that is published within a trace has the store's commit, what
// the consumer was given and what the application did with it in that trace.
func TestChain(t *testing.T) {
	m := newTraced(t)
	s := m.Store("")
	p := m.Producer(nil)
	c := m.Consumer(func(c *consumer.Config) { c.SaveAs = "billing" }, "orders")

	ctx, order := m.begin("order")
	record := beck.Record{Topic: "orders", Key: []byte("k"), Value: []byte("v"), Headers: []beck.Header{{Name: "a", Value: []byte("b")}}}
	if _, err := p.PublishSync(ctx, record); err != nil {
		t.Fatal(err)
	}
	order.End()
	got := testmesh.Take(t, c, 1)[0]
	in, process := c.Process(t.Context(), got)
	if !trace.SpanContextFromContext(in).Equal(process.SpanContext()) {
		t.Error("the context of Process is not that of its span")
	}
	process.End()

	publish := m.named("publish orders", 1)[0]
	expect(t, publish, trace.SpanKindProducer, order.SpanContext(), map[string]any{
		"messaging.operation.name": "publish", "messaging.operation.type": "send", "messaging.client.id": p.Address(),
		"messaging.destination.name": "orders", "messaging.destination.partition.id": p.Address(), "messaging.beck.offset": int64(0),
	})
	expect(t, m.named("commit orders", 1)[0], trace.SpanKindConsumer, publish.SpanContext, map[string]any{
		"messaging.operation.name": "commit", "messaging.operation.type": "process", "messaging.client.id": s.Address(),
		"messaging.destination.name": "orders", "messaging.destination.partition.id": p.Address(), "messaging.beck.offset": int64(0),
		"messaging.beck.commit.records": int64(1),
	})
	expect(t, m.named("receive orders", 1)[0], trace.SpanKindClient, publish.SpanContext, map[string]any{
		"messaging.operation.name": "receive", "messaging.operation.type": "receive", "messaging.client.id": c.Address(),
		"messaging.destination.name": "orders", "messaging.destination.partition.id": p.Address(), "messaging.beck.offset": int64(0),
		"messaging.consumer.group.name": "billing",
	})
	expect(t, m.named("process orders", 1)[0], trace.SpanKindConsumer, publish.SpanContext, map[string]any{
		"messaging.operation.name": "process", "messaging.operation.type": "process", "messaging.client.id": c.Address(),
		"messaging.destination.name": "orders", "messaging.destination.partition.id": p.Address(), "messaging.beck.offset": int64(0),
		"messaging.consumer.group.name": "billing",
	})
	of := publish.SpanContext
	if text, want := fmt.Sprintf("%s", got.Headers), fmt.Sprintf("[{a b} {traceparent 00-%s-%s-01}]", of.TraceID(), of.SpanID()); text != want {
		t.Errorf("headers %s, want %s", text, want)
	}
	if len(record.Headers) != 1 {
		t.Errorf("the application's record has the headers %v now", record.Headers)
	}
}
