package producer_test

import (
	"testing"

	"go.opentelemetry.io/otel/trace"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/testmesh"
	"github.com/beckmesh/beck/producer"
)

// TestUntraced: there are no allocations where nothing is traced, whatever the context says:
// neither for a record by itself nor for many.
func TestUntraced(t *testing.T) {
	p := testmesh.New(t).Producer(func(c *producer.Config) {
		c.MinStoreAcks, c.MessageBytes, c.WindowBytes = 0, 1<<16, 1<<20
	})
	ctx := trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}, TraceFlags: trace.FlagsSampled,
	}))
	records := make([]beck.Record, 100)
	for i := range records {
		records[i] = beck.Record{Topic: "t", Value: make([]byte, 100), Headers: []beck.Header{{Name: "a", Value: []byte("b")}}}
	}
	publish := func() {
		if err := p.PublishBatch(ctx, records); err != nil {
			t.Fatal(err)
		}
		if err := p.Publish(ctx, records[0]); err != nil {
			t.Fatal(err)
		}
	}
	for range 200 {
		publish() // the window is full from now on
	}
	if n := testing.AllocsPerRun(1000, publish); n > 0 {
		t.Errorf("%v allocations for a batch and a record", n)
	}
}
