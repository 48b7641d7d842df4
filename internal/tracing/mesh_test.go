package tracing_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/consumer"
	"github.com/beckmesh/beck/internal/testmesh"
	"github.com/beckmesh/beck/producer"
	"github.com/beckmesh/beck/protocol"
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
	t.Parallel()
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

// TestBatch: the records of one call share its span, also if they are compressed.
func TestBatch(t *testing.T) {
	t.Parallel()
	for name, as := range map[string]producer.Compression{"plain": producer.None, "compressed": producer.S2} {
		t.Run(name, func(t *testing.T) {
			m := newTraced(t)
			p := m.Producer(func(c *producer.Config) { c.MinStoreAcks, c.Compression = 0, as })
			c := m.Consumer(nil, "orders", "bills")
			ready(t, c)
			ctx, root := m.begin("job")
			records := testmesh.Records("orders", "many times the same: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 300)
			if err := p.PublishBatch(ctx, records); err != nil {
				t.Fatal(err)
			}
			publish := m.named("publish orders", 1)[0]
			expect(t, publish, trace.SpanKindProducer, root.SpanContext(), map[string]any{
				"messaging.operation.name": "publish", "messaging.operation.type": "send", "messaging.client.id": p.Address(),
				"messaging.destination.name": "orders", "messaging.destination.partition.id": p.Address(), "messaging.beck.offset": int64(0),
				"messaging.batch.message_count": int64(300),
			})
			for _, r := range testmesh.Take(t, c, 300) {
				if of := trace.SpanContextFromContext(beck.ContextOf(ctx, r)); of.SpanID() != publish.SpanContext.SpanID() || !of.IsRemote() || !of.IsSampled() {
					t.Fatalf("record %d says %v, want span %v", r.Offset, of, publish.SpanContext.SpanID())
				}
			}
			if err := p.PublishBatch(ctx, []beck.Record{{Topic: "orders"}, {Topic: "bills"}}); err != nil {
				t.Fatal(err)
			}
			expect(t, m.named("publish", 1)[0], trace.SpanKindProducer, root.SpanContext(), map[string]any{
				"messaging.operation.name": "publish", "messaging.operation.type": "send", "messaging.client.id": p.Address(),
				"messaging.batch.message_count": int64(2),
			})
			if err := p.PublishBatch(ctx, nil); err != nil {
				t.Error(err)
			}
		})
	}
}

func ready(t *testing.T, c *consumer.Consumer) {
	t.Helper()
	if err := c.Ready(testmesh.Context(t)); err != nil {
		t.Fatal(err)
	}
}

// TestSampledOut: a trace that is not sampled is not carried along; nobody makes
// spans, and records are as if there were none.
func TestSampledOut(t *testing.T) {
	t.Parallel()
	m := newTraced(t, sdktrace.WithSampler(sdktrace.NeverSample()))
	m.Store("")
	p := m.Producer(nil)
	c := m.Consumer(nil, "orders")
	ctx, _ := m.begin("order")
	if _, err := p.PublishSync(ctx, beck.Record{Topic: "orders", Value: []byte("v")}); err != nil {
		t.Fatal(err)
	}
	r := testmesh.Take(t, c, 1)[0]
	if r.Headers != nil {
		t.Errorf("the record has the headers %s", r.Headers)
	}
	if in, span := c.Process(ctx, r); in != ctx || span.IsRecording() {
		t.Error("there is a span for processing it")
	}
	if spans := m.spans.GetSpans(); len(spans) > 0 {
		t.Errorf("there are spans: %v", spans)
	}
}

// TestNextCommit: a commit has spans of its own records alone.
func TestNextCommit(t *testing.T) {
	t.Parallel()
	m := newTraced(t)
	m.Store("")
	p := m.Producer(nil)
	not := trace.ContextWithSpanContext(testmesh.Context(t), trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}}))
	for _, ctx := range []context.Context{testmesh.Context(t), not, not} {
		if _, err := p.PublishSync(ctx, beck.Record{Topic: "orders"}); err != nil {
			t.Fatal(err)
		}
	}
	m.named("commit orders", 1)
}

// TestNoProvider: without one nothing is made, whatever the context says, and the
// global provider is left alone.
func TestNoProvider(t *testing.T) {
	m := newTraced(t)
	before := otel.GetTracerProvider()
	otel.SetTracerProvider(m.provider)
	defer otel.SetTracerProvider(before)
	m.Node.TracerProvider = nil
	m.Store("")
	p := m.Producer(nil)
	c := m.Consumer(nil, "orders")
	ctx, root := m.begin("order")
	record := beck.Record{Topic: "orders", Value: []byte("v")}
	if _, err := p.PublishSync(ctx, record); err != nil {
		t.Fatal(err)
	}
	beck.SetContext(ctx, &record) // by the application alone
	if _, err := p.PublishSync(ctx, record); err != nil {
		t.Fatal(err)
	}
	got := testmesh.Take(t, c, 2)
	if len(got[0].Headers) > 0 {
		t.Errorf("the record has the headers %s", got[0].Headers)
	}
	if of := trace.SpanContextFromContext(beck.ContextOf(t.Context(), got[1])); of.SpanID() != root.SpanContext().SpanID() {
		t.Errorf("the record says %v, want what the application set", of)
	}
	if in, span := c.Process(ctx, got[1]); in != ctx || span.IsRecording() {
		t.Error("there is a span for processing it")
	}
	if spans := m.spans.GetSpans(); len(spans) > 0 {
		t.Errorf("there are spans: %v", spans)
	}
}

// TestOwnContext: what a record says by itself stays, and the span that publishes it
// links to that.
func TestOwnContext(t *testing.T) {
	t.Parallel()
	m := newTraced(t)
	p := m.Producer(func(c *producer.Config) { c.MinStoreAcks = 0 })
	c := m.Consumer(nil, "orders")
	ready(t, c)
	ctx, first := m.begin("one")
	record := beck.Record{Topic: "orders"}
	beck.SetContext(ctx, &record)
	ctx, second := m.begin("other")
	if err := p.PublishBatch(ctx, []beck.Record{record, {Topic: "orders"}}); err != nil {
		t.Fatal(err)
	}
	publish := m.named("publish orders", 1)[0]
	if publish.Parent.SpanID() != second.SpanContext().SpanID() || len(publish.Links) != 1 || publish.Links[0].SpanContext.SpanID() != first.SpanContext().SpanID() {
		t.Errorf("it is below %v and linked to %v", publish.Parent, publish.Links)
	}
	got := testmesh.Take(t, c, 2)
	for i, want := range []trace.SpanID{first.SpanContext().SpanID(), publish.SpanContext.SpanID()} {
		if of := trace.SpanContextFromContext(beck.ContextOf(ctx, got[i])); of.SpanID() != want || len(got[i].Headers) != 1 {
			t.Errorf("record %d says span %v by %d headers, want %v", i, of.SpanID(), len(got[i].Headers), want)
		}
	}
}

// TestNoRoom: a record that is as large as may be goes without its trace.
func TestNoRoom(t *testing.T) {
	t.Parallel()
	m := newTraced(t)
	p := m.Producer(func(c *producer.Config) { c.MinStoreAcks, c.MessageBytes = 0, 1<<17 })
	c := m.Consumer(nil, "orders")
	ready(t, c)
	many := make([]beck.Header, protocol.MaxHeaders)
	for _, r := range []beck.Record{
		{Topic: "orders", Headers: many},
		{Topic: "orders", Headers: []beck.Header{{Name: "x", Value: make([]byte, protocol.MaxHeaderBytes-1)}}},
		{Topic: "orders", Value: make([]byte, 1<<17-150)},
	} {
		if err := p.Publish(testmesh.Context(t), r); err != nil {
			t.Fatal(err)
		}
	}
	for i, r := range testmesh.Take(t, c, 3) {
		if want := []int{len(many), 1, 0}[i]; len(r.Headers) != want {
			t.Errorf("record %d has %d headers, want %d", i, len(r.Headers), want)
		}
		if trace.SpanContextFromContext(beck.ContextOf(t.Context(), r)).IsValid() {
			t.Errorf("record %d has its trace beside all it may have", i)
		}
	}
	m.named("publish orders", 3)
}

// TestFailed: a span says that what it is about failed.
func TestFailed(t *testing.T) {
	t.Parallel()
	m := newTraced(t)
	p := m.Producer(func(c *producer.Config) { c.Linger = 0 })
	ended := make(chan error, 1)
	p.PublishFunc(t.Context(), beck.Record{Topic: "orders"}, func(_ beck.Offset, err error) { ended <- err })
	if n := len(m.spans.GetSpans()); n != 0 {
		t.Errorf("%d spans have ended before a store has the record", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.PublishSync(ctx, beck.Record{Topic: "orders"}); err == nil {
		t.Fatal("there is no store")
	}
	if err := p.Publish(t.Context(), beck.Record{Topic: "_beck.orders"}); err == nil {
		t.Fatal("the topic is beck's own")
	}
	p.Close()
	if err := <-ended; err == nil {
		t.Fatal("there is no store")
	}
	spans := append(m.named("publish orders", 2), m.named("publish _beck.orders", 1)...)
	for _, s := range spans {
		if s.Status.Code != codes.Error || s.Status.Description == "" {
			t.Errorf("%s: status %v", s.Name, s.Status)
		}
		if !slices.ContainsFunc(s.Attributes, func(kv attribute.KeyValue) bool { return kv.Key == "error.type" }) {
			t.Errorf("%s: says no error.type: %v", s.Name, s.Attributes)
		}
	}
}

// TestRecordsLoop: a record has one span of being handed over, also if the loop is
// left and another goes on.
func TestRecordsLoop(t *testing.T) {
	t.Parallel()
	m := newTraced(t)
	p := m.Producer(func(c *producer.Config) { c.MinStoreAcks = 0 })
	c := m.Consumer(nil, "orders")
	ready(t, c)
	for i := range 4 {
		ctx := t.Context()
		if i == 2 { // belongs to no trace
			ctx = trace.ContextWithSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}}))
		}
		if err := p.Publish(ctx, beck.Record{Topic: "orders"}); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	for range 4 {
		for _, err := range c.Records(testmesh.Context(t)) {
			if err != nil {
				t.Fatal(err)
			}
			break
		}
		if n++; n == 4 {
			break
		}
	}
	m.named("publish orders", 3)
	var offsets []int64
	for _, s := range m.named("receive orders", 3) {
		for _, kv := range s.Attributes {
			if kv.Key == "messaging.beck.offset" {
				offsets = append(offsets, kv.Value.AsInt64())
			}
		}
	}
	if !slices.Equal(offsets, []int64{0, 1, 3}) {
		t.Errorf("spans of the offsets %v, want 0, 1 and 3", offsets)
	}
}

// TestHostile: headers that say nothing true make no span, and do no harm.
func TestHostile(t *testing.T) {
	t.Parallel()
	m := newTraced(t)
	s := m.Store("")
	node := m.Node
	node.TracerProvider = nil
	p := m.Producer(func(c *producer.Config) { c.NodeConfig = node })
	c := m.Consumer(nil, "orders")
	const good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	lists := [][]string{
		{""}, {"00"}, {good + "-00"}, {good[:54]}, {strings.ToUpper(good)}, {"ff" + good[2:]}, {good, good},
		{"00-00000000000000000000000000000000-b7ad6b7169203331-01"}, {"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01"},
		{strings.Replace(good, "-01", "-00", 1)}, {strings.Repeat("0", 60<<10)}, {"\x00\xff" + good[2:]}, {"zz" + good[2:]},
		{strings.ReplaceAll(good, "-", "_")}, {" " + good}, {good + "\n"},
	}
	for _, values := range lists {
		r := beck.Record{Topic: "orders"}
		for _, v := range values {
			r.Headers = append(r.Headers, beck.Header{Name: "traceparent", Value: []byte(v)})
		}
		if _, err := p.PublishSync(testmesh.Context(t), r); err != nil {
			t.Fatal(err)
		}
	}
	states := []string{"", "=", "a=b,a=b", strings.Repeat("k=v,", 40), strings.Repeat("x", 60<<10), "\x00"}
	for _, state := range states { // they make a tracestate of no use, and the rest stands
		r := beck.Record{Topic: "orders", Headers: []beck.Header{{Name: "tracestate", Value: []byte(state)}, {Name: "traceparent", Value: []byte(good)}}}
		if _, err := p.PublishSync(testmesh.Context(t), r); err != nil {
			t.Fatal(err)
		}
	}
	for range len(lists) + len(states) {
		c.Process(t.Context(), testmesh.Take(t, c, 1)[0])
	}
	for _, name := range []string{"commit orders", "receive orders"} {
		for _, span := range m.named(name, len(states)) {
			if span.Parent.TraceID().String() != good[3:35] || span.Parent.TraceState().Len() > 0 {
				t.Errorf("%s is below %v with the state %q", span.Name, span.Parent, span.Parent.TraceState())
			}
		}
	}
	if s.Stats().Committed != uint64(len(lists)+len(states)) {
		t.Errorf("%d records are stored", s.Stats().Committed)
	}
}
