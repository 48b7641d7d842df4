package consumer

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/tracing"
)

// Process begins the span of what the application does with a record: a child of the
// one that published it, with the record's place as attributes. The application
// works under the context that it returns, and ends the span:
//
//	for record, err := range c.Records(ctx) {
//		...
//		ctx, span := c.Process(ctx, record)
//		handle(ctx, record)
//		span.End()
//	}
//
// Without a TracerProvider, or if the record belongs to no trace, it returns ctx
// itself and a span that does nothing, which costs nothing. It takes no lock.
func (c *Consumer) Process(ctx context.Context, r beck.Record) (context.Context, trace.Span) {
	if c.tracer != nil {
		if in, span, ok := c.tracer.Process(ctx, &r); ok {
			return in, span
		}
	}
	return ctx, noSpan
}

var noSpan = trace.SpanFromContext(context.Background())

// received makes the spans of records that are handed over now. Those that belong to
// no trace cost it a look at their headers.
func (c *Consumer) received(begun time.Time, records ...beck.Record) {
	var f tracing.Finder
	for i := range records {
		if len(records[i].Headers) > 0 {
			f.Record(&records[i])
		}
	}
	if f.Any() {
		c.tracer.Spans(tracing.Receive, begun, time.Now(), nil, []*tracing.Finder{&f})
	}
}
