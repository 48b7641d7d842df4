package producer

import (
	"context"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/tracing"
)

// traced begins the span of publishing one record; nil without a tracer.
func (p *Producer) traced(ctx context.Context, r *beck.Record) *tracing.Publishing {
	if p.tracer == nil {
		return nil
	}
	return p.tracer.Publish(ctx, []beck.Record{*r})
}

// ending returns a callback that ends a span, if there is one, before done is called.
func ending(s *tracing.Publishing, done func(beck.Offset, error)) func(beck.Offset, error) {
	if s == nil {
		return done
	}
	return func(o beck.Offset, err error) {
		s.End(err)
		done(o, err)
	}
}
