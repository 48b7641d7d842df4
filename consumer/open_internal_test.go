package consumer

import (
	"testing"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/protocol"
)

// rawRecord returns a record as it comes, with what its producer says of it.
func rawRecord(t protocol.RecordTrailer, content []byte) beck.Record {
	t.CRC, t.HasCRC = t.Sum(content), true
	return beck.Record{Value: content, Key: t.Append(nil), Source: raw}
}

func newOpener() *opener {
	var o opening
	o.init(1 << 20)
	return o.openers.Get().(*opener)
}

// fill opens a raw record in the place of another.
func (o *opener) fill(r *beck.Record, came beck.Record, source beck.Source) {
	r.Key, r.Value, r.Source = came.Key, came.Value, source|raw
	if err := o.open(r); err != nil {
		panic(err)
	}
}

// What a trailer says goes into the record, and nothing of the record that stood in
// its place before stays.
func TestFillIsWhole(t *testing.T) {
	o := newOpener()
	keyed := protocol.RecordTrailer{HasTime: true, Time: 5, Key: []byte{}, HeaderCount: 2}
	keyed.Headers = protocol.AppendHeader(protocol.AppendHeader(nil, "a", []byte("1")), "a", nil)
	var r beck.Record
	for range 3 {
		o.fill(&r, rawRecord(keyed, []byte("v")), beck.FromStore)
		if r.Key == nil || len(r.Headers) != 2 || r.Headers[0].Name != "a" || r.Headers[1].Value == nil || r.Time.UnixMilli() != 5 || r.Source != beck.FromStore {
			t.Fatalf("became %+v", r)
		}
		o.fill(&r, beck.Record{Value: []byte("w")}, beck.FromProducer)
		if r.Key != nil || r.Headers != nil || !r.Time.IsZero() || string(r.Value) != "w" || r.Source != beck.FromProducer {
			t.Fatalf("something stayed: %+v", r)
		}
	}
	o.fill(&r, beck.Record{Value: []byte("w"), Key: []byte("junk")}, beck.FromProducer)
	if o.trailers.Load() != 1 || string(r.Value) != "w" {
		t.Errorf("%d trailers could not be read, %+v", o.trailers.Load(), r)
	}
}

// Headers that were given away are never written again.
func TestHeadersStay(t *testing.T) {
	o := newOpener()
	var all []beck.Record
	for i := range byte(200) {
		tr := protocol.RecordTrailer{HeaderCount: int(i)}
		for range i {
			tr.Headers = protocol.AppendHeader(tr.Headers, string(rune('a'+i%26)), []byte{i})
		}
		var r beck.Record
		o.fill(&r, rawRecord(tr, nil), beck.FromProducer)
		all = append(all, r)
	}
	for i, r := range all {
		for _, h := range r.Headers {
			if len(r.Headers) != i || h.Value[0] != byte(i) || h.Name != string(rune('a'+i%26)) {
				t.Fatalf("record %d has %d headers, of them %+v", i, len(r.Headers), h)
			}
		}
	}
}

// BenchmarkFill is a record on its way to the application.
func BenchmarkFill(b *testing.B) {
	content := make([]byte, 100)
	keyed := protocol.RecordTrailer{HasTime: true, Time: 1_700_000_000_000, Key: []byte("user-4711"), HeaderCount: 1}
	keyed.Headers = protocol.AppendHeader(nil, "trace", content[:16])
	for _, bb := range []struct {
		name string
		came beck.Record
	}{
		{"bare", beck.Record{Value: content}},
		{"time+sum", rawRecord(protocol.RecordTrailer{HasTime: true, Time: 1_700_000_000_000}, content)},
		{"key+header", rawRecord(keyed, content)},
	} {
		b.Run(bb.name, func(b *testing.B) {
			o, dst, i := newOpener(), make([]beck.Record, 1024), 0
			b.ReportAllocs()
			for b.Loop() {
				o.fill(&dst[i&1023], bb.came, beck.FromProducer)
				i++
			}
		})
	}
}
