package tracing

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/protocol"
)

// parent is a traceparent of the trace and span with these numbers.
func parent(of, span int) string { return fmt.Sprintf("00-%032x-%016x-01", of, span) }

func trailer(headers ...string) []byte {
	t := protocol.RecordTrailer{Key: []byte("key"), HasTime: true, HasCRC: true}
	for i := 0; i < len(headers); i += 2 {
		t.Headers = protocol.AppendHeader(t.Headers, headers[i], []byte(headers[i+1]))
		t.HeaderCount++
	}
	return t.Append(nil)
}

func newTracer(t *testing.T) (*Tracer, *tracetest.InMemoryExporter) {
	spans := tracetest.NewInMemoryExporter()
	p := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	t.Cleanup(func() { _ = p.Shutdown(t.Context()) })
	return New(beck.NodeConfig{TracerProvider: p, RootTraces: -1}, "NODE", ""), spans
}

// TestGroups: a commit has a span for each trace, below the first of its records and
// linked to the others, each once.
func TestGroups(t *testing.T) {
	tr, spans := newTracer(t)
	var a, b Finder
	for i, of := range [][2]int{{1, 1}, {1, 1}, {1, 2}, {2, 3}, {1, 2}, {1, 1}, {0, 0}, {2, 3}} {
		a.Trailer("orders", "A", uint64(i), trailer("x", "y", parentHeader, parent(of[0], of[1])))
	}
	b.Trailer("bills", "A", 70, trailer(parentHeader, parent(2, 3), stateHeader, "k=v"))
	from := time.UnixMilli(1000)
	tr.Spans(Commit, from, from.Add(time.Second), nil, []*Finder{&a, &b})
	got := spans.GetSpans()
	if len(got) != 2 {
		t.Fatalf("%d spans, want one for each trace", len(got))
	}
	for i, want := range []struct {
		name, parent, text string
		links              int
	}{
		{"commit orders", "0000000000000001", "[messaging.destination.name orders messaging.destination.partition.id A messaging.beck.offset 0 messaging.batch.message_count 5]", 1},
		{"commit", "0000000000000003", "[messaging.batch.message_count 3]", 0},
	} {
		s, text := got[i], []any{}
		for _, kv := range s.Attributes[4:] { // behind those that all have
			text = append(text, kv.Key, kv.Value.AsInterface())
		}
		if s.Name != want.name || s.Parent.SpanID().String() != want.parent || len(s.Links) != want.links || fmt.Sprint(text) != want.text {
			t.Errorf("%s below %v with %d links says %v, want %+v", s.Name, s.Parent.SpanID(), len(s.Links), text, want)
		}
		if !s.StartTime.Equal(from) || s.EndTime.Sub(from) != time.Second {
			t.Errorf("%s takes from %v to %v", s.Name, s.StartTime, s.EndTime)
		}
	}
	if link := got[0].Links[0].SpanContext.SpanID().String(); link != "0000000000000002" {
		t.Errorf("it is linked to %s", link)
	}
}

// TestBounds: whatever records say, one operation makes so many spans, with so many
// links each.
func TestBounds(t *testing.T) {
	tr, spans := newTracer(t)
	var finders []*Finder
	for f := range 3 {
		finders = append(finders, new(Finder))
		for i := range 10_000 {
			finders[f].Trailer("orders", "A", uint64(i), trailer(parentHeader, parent(1, f*10_000+i+1)))
		}
	}
	many := new(Finder)
	for i := range 1000 {
		many.Trailer("orders", "A", uint64(i), trailer(parentHeader, parent(i+1, 1)))
	}
	if len(many.found) != maxFound || cap(many.found) > 2*maxFound {
		t.Errorf("it keeps %d contexts, in memory for %d", len(many.found), cap(many.found))
	}
	tr.Spans(Commit, time.Now(), time.Now(), errors.New("the disk failed"), append(finders, many))
	got := spans.GetSpans()
	if len(got) != maxTraces || len(got[0].Links) != maxLinks || got[0].Status.Code != codes.Error {
		t.Errorf("%d spans, %d links, status %v; want %d and %d, and the error", len(got), len(got[0].Links), got[0].Status, maxTraces, maxLinks)
	}
}

// TestFinderReset: it finds nothing of what was before, and the same again.
func TestFinderReset(t *testing.T) {
	var f Finder
	for range 3 {
		for i := range 5 {
			f.Trailer("t", "A", uint64(i), trailer(parentHeader, parent(1, 1)))
		}
		if len(f.found) != 1 || f.found[0].records != 5 {
			t.Fatalf("found %+v", f.found)
		}
		f.Reset()
		if f.Any() {
			t.Fatal("it still has something")
		}
	}
	f.Trailer("t", "A", 0, trailer(parentHeader, strings.Replace(parent(2, 2), "-01", "-00", 1))) // not sampled
	f.Trailer("t", "A", 0, trailer(parentHeader, parent(1, 1)))
	f.Trailer("t", "B", 0, trailer(parentHeader, parent(1, 1)))
	if len(f.found) != 2 || f.found[1].partition != "B" {
		t.Errorf("found %+v, want one in each partition", f.found)
	}
}

// TestFinderAllocatesNothing for records that say nothing, or what the one before
// said.
func TestFinderAllocatesNothing(t *testing.T) {
	var f Finder
	plain, same := trailer("some", "header", "another", "of them, so that it is long enough to say a trace, which it does not"), trailer(parentHeader, parent(1, 1))
	f.Trailer("t", "A", 0, same)
	record := beck.Record{Topic: "t", Partition: "A", Headers: []beck.Header{{Name: "a"}, {Name: parentHeader, Value: []byte(parent(1, 1))}}}
	if n := testing.AllocsPerRun(100, func() {
		f.Trailer("t", "A", 1, plain)
		f.Trailer("t", "A", 2, same)
		f.Record(&record)
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzTrailer: whatever a trailer is, only what ContextOf reads and is sampled is
// found.
func FuzzTrailer(f *testing.F) {
	f.Add(trailer(parentHeader, parent(1, 1)))
	f.Add(trailer(parentHeader, parent(1, 1), stateHeader, "a=b", "x", ""))
	f.Add(trailer(parentHeader, parent(1, 1), parentHeader, parent(1, 1)))
	f.Add(trailer(parentHeader, "00-"))
	f.Add([]byte("\x81\x03\xdc\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var found Finder
		found.Trailer("t", "A", 0, b)
		var r beck.Record
		if tr, err := protocol.ParseRecordTrailer(b); err == nil {
			for rest := tr.Headers; len(rest) > 0; {
				name, value, next, _ := protocol.CutHeader(rest)
				r.Headers, rest = append(r.Headers, beck.Header{Name: string(name), Value: value}), next
			}
		}
		want := trace.SpanContextFromContext(beck.ContextOf(t.Context(), r))
		if want.IsSampled() != found.Any() || found.Any() && !found.found[0].context.Equal(want) {
			t.Errorf("found %+v in % x, want %v", found.found, b, want)
		}
	})
}
