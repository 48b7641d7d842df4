package beck

import (
	"context"
	"slices"

	"go.opentelemetry.io/otel/propagation"
)

// ContextOf returns ctx with the trace that a record belongs to: spans that are
// started with it become children of the one that published the record. What the
// record says is in its headers "traceparent" and "tracestate", in the form of W3C
// Trace Context. Without them, or if they cannot be read, it returns ctx as it is.
// See docs/tracing.md.
func ContextOf(ctx context.Context, r Record) context.Context {
	return propagation.TraceContext{}.Extract(ctx, carrier{&r.Headers})
}

// SetContext puts the trace of ctx into a record's headers, in place of what they
// said of another; where ctx has none it leaves the record alone. Producers with a
// TracerProvider do so by themselves, with the span of the call that publishes, for
// records that have no such header: use SetContext where a record is to say another
// span, or the program makes none. The headers are copied, not written to.
func SetContext(ctx context.Context, r *Record) {
	propagation.TraceContext{}.Inject(ctx, carrier{&r.Headers})
}

// maxContext is how long a header about traces may be: a traceparent has 55 bytes,
// and of a tracestate 512 are to be passed on.
const maxContext = 512

// carrier are headers as propagation reads and writes them.
type carrier struct{ headers *[]Header }

// Get returns a header's value; "" if it is not there, is there twice, or is too
// long to be read.
func (c carrier) Get(name string) (value string) {
	seen := false
	for _, h := range *c.headers {
		if h.Name != name {
			continue
		}
		if seen || len(h.Value) > maxContext {
			return ""
		}
		seen, value = true, string(h.Value)
	}
	return value
}

func (c carrier) Set(name, value string) {
	others := slices.DeleteFunc(slices.Clone(*c.headers), func(h Header) bool { return h.Name == name })
	*c.headers = append(others, Header{Name: name, Value: []byte(value)})
}

// Keys returns the headers' names.
func (c carrier) Keys() (names []string) {
	for _, h := range *c.headers {
		names = append(names, h.Name)
	}
	return names
}
