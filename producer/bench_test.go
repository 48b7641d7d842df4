package producer_test

import (
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/testmesh"
	"github.com/beckmesh/beck/producer"
)

// traces returns a provider whose spans go nowhere.
func traces(which sdktrace.Sampler) *sdktrace.TracerProvider {
	return sdktrace.NewTracerProvider(sdktrace.WithSampler(which), sdktrace.WithSyncer(tracetest.NewNoopExporter()))
}

// BenchmarkPublish is a record of 100 bytes, published to nobody, into a window
// that is full.
func BenchmarkPublish(b *testing.B) {
	value := make([]byte, 100)
	plain := beck.Record{Topic: "t", Value: value}
	keyed := beck.Record{Topic: "t", Key: []byte("user-4711"), Value: value, Headers: []beck.Header{{Name: "trace", Value: value[:16]}}}
	bare := func(c *producer.Config) { c.Timestamps, c.Checksums = false, false }
	for _, bb := range []struct {
		name   string
		record beck.Record
		edit   func(*producer.Config)
	}{
		{"bare", plain, bare},
		{"time", plain, func(c *producer.Config) { c.Checksums = false }},
		{"sum", plain, func(c *producer.Config) { c.Timestamps = false }},
		{"time+sum", plain, nil},
		{"key+header", keyed, nil},
		{"s2", plain, func(c *producer.Config) { c.Compression = producer.S2 }},
		{"sampled-out", plain, func(c *producer.Config) { c.TracerProvider = traces(sdktrace.NeverSample()) }},
		{"traced", plain, func(c *producer.Config) { c.TracerProvider = traces(sdktrace.AlwaysSample()) }},
	} {
		p := testmesh.New(b).Producer(func(c *producer.Config) {
			c.MinStoreAcks = 0
			if bb.edit != nil {
				bb.edit(c)
			}
		})
		ctx := b.Context()
		records := make([]beck.Record, 1000)
		for i := range records {
			records[i] = bb.record
		}
		publish := func() {
			if err := p.PublishBatch(ctx, records); err != nil {
				b.Fatal(err)
			}
		}
		for range 1000 {
			publish()
		}
		b.Run(bb.name+"/one", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := p.Publish(ctx, bb.record); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(bb.name+"/batch", func(b *testing.B) {
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				if n++; n == len(records) {
					publish()
					n = 0
				}
			}
		})
		p.Close()
	}
}
