package protocol

import (
	"bytes"
	"errors"
	"hash/crc32"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vmihailenco/msgpack/v5"
	"pgregory.net/rapid"
)

// header is one header as a general decoder gives it.
type header struct {
	Name  string
	Value []byte
}

func headersOf(t *RecordTrailer) (list []header) {
	for rest := t.Headers; len(rest) > 0; {
		name, value, tail, ok := CutHeader(rest)
		if !ok {
			panic("headers that were parsed cannot be cut")
		}
		list, rest = append(list, header{string(name), append([]byte{}, value...)}), tail
	}
	return list
}

func withHeaders(t RecordTrailer, list ...header) RecordTrailer {
	for _, h := range list {
		t.Headers = AppendHeader(t.Headers, h.Name, h.Value)
		t.HeaderCount++
	}
	return t
}

// genRecordTrailer draws any trailer that we may send, and its headers.
func genRecordTrailer(t *rapid.T) (tr RecordTrailer, list []header) {
	raw := rapid.SliceOfN(rapid.Byte(), 0, 300)
	if tr.HasTime = rapid.Bool().Draw(t, "has time"); tr.HasTime {
		tr.Time = rapid.Int64Range(0, MaxTime).Draw(t, "time")
	}
	if rapid.Bool().Draw(t, "has key") {
		tr.Key = append([]byte{}, raw.Draw(t, "key")...)
	}
	for range rapid.SampledFrom([]int{0, 0, 1, 2, 15, 16, MaxHeaders}).Draw(t, "headers") {
		list = append(list, header{rapid.StringN(0, 40, 120).Draw(t, "name"), append([]byte{}, rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(t, "value")...)})
	}
	tr = withHeaders(tr, list...)
	tr.Compression = Compression(rapid.Uint8().Draw(t, "compression"))
	if tr.HasCRC = rapid.Bool().Draw(t, "has sum"); tr.HasCRC {
		tr.CRC = rapid.OneOf(rapid.Uint32(), rapid.Uint32Range(0, 300)).Draw(t, "sum")
	}
	return tr, list
}

// TestRecordTrailerReadByLibrary: what Append writes, a general msgpack decoder
// reads, and so do we.
func TestRecordTrailerReadByLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr, list := genRecordTrailer(t)
		b := tr.Append(nil)
		got, err := ParseRecordTrailer(b)
		if d := cmp.Diff(tr, got); err != nil || d != "" {
			t.Fatalf("% x: %v (-want +got):\n%s", b, err, d)
		}
		if d := cmp.Diff(list, headersOf(&got)); d != "" {
			t.Fatalf("headers (-want +got):\n%s", d)
		}
		if len(b) == 0 {
			return
		}
		m := map[int]msgpack.RawMessage{}
		if err := msgpack.Unmarshal(b, &m); err != nil {
			t.Fatal(err)
		}
		var lib RecordTrailer
		read := func(key int, into any) bool {
			raw, ok := m[key]
			delete(m, key)
			if ok {
				check(t, msgpack.Unmarshal(raw, into))
			}
			return ok
		}
		lib.HasTime = read(keyTime, &lib.Time)
		read(keyKey, &lib.Key)
		var pairs [][]any
		read(keyHeaders, &pairs)
		for _, p := range pairs {
			lib = withHeaders(lib, header{p[0].(string), p[1].([]byte)})
		}
		read(keyCompression, &lib.Compression)
		lib.HasCRC = read(keyCRC, &lib.CRC)
		if d := cmp.Diff(tr, lib); d != "" || len(m) > 0 {
			t.Fatalf("% x: %d more entries (-sent +library):\n%s", b, len(m), d)
		}
	})
}

// TestRecordTrailerWrittenByLibrary: we read what a general encoder writes,
// whatever encodings it chose and whatever lies between the keys that we know.
func TestRecordTrailerWrittenByLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want, list := genRecordTrailer(t)
		entries := map[int64]any{}
		for range rapid.IntRange(0, 20).Draw(t, "unknown") {
			key := rapid.OneOf(rapid.Int64(), rapid.Int64Range(-40, 200)).Draw(t, "unknown key")
			if !slices.Contains([]int64{keyTime, keyKey, keyHeaders, keyCompression, keyCRC}, key) {
				entries[key] = genValue(t, maxDepth-2)
			}
		}
		if want.HasTime {
			entries[keyTime] = want.Time
		}
		text := rapid.Bool().Draw(t, "strings for binaries")
		binary := func(b []byte) any {
			if text {
				return string(b)
			}
			return b
		}
		if want.Key != nil {
			entries[keyKey] = binary(want.Key)
		}
		if len(list) > 0 {
			var pairs [][]any
			for _, h := range list {
				pairs = append(pairs, []any{h.Name, binary(h.Value)})
			}
			entries[keyHeaders] = pairs
		}
		if want.Compression > 0 {
			entries[keyCompression] = uint8(want.Compression)
		}
		if want.HasCRC {
			entries[keyCRC] = want.CRC
		}
		keys := make([]int64, 0, len(entries))
		for k := range entries {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		keys = rapid.Permutation(keys).Draw(t, "order")
		var b bytes.Buffer
		enc := msgpack.NewEncoder(&b)
		enc.UseCompactInts(rapid.Bool().Draw(t, "compact"))
		check(t, enc.EncodeMapLen(len(keys)))
		for _, k := range keys {
			check(t, enc.Encode(k))
			check(t, enc.Encode(entries[k]))
		}
		got, err := ParseRecordTrailer(b.Bytes())
		if d := cmp.Diff(list, headersOf(&got)); err != nil || d != "" {
			t.Fatalf("% x: %v, headers (-want +got):\n%s", b.Bytes(), err, d)
		}
		want.Headers, got.Headers = nil, nil
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("% x (-want +got):\n%s", b.Bytes(), d)
		}
	})
}

func TestParseRecordTrailer(t *testing.T) {
	at := func(ms int64) RecordTrailer { return RecordTrailer{Time: ms, HasTime: true} }
	long := func(n int) string { return string(appendBinLen(nil, n)) + strings.Repeat("k", n) }
	many := func(n int, one string) string { return string(appendArrayLen(nil, n)) + strings.Repeat(one, n) }
	empty := header{"", []byte{}}
	tests := []struct {
		name string
		b    string
		want RecordTrailer
		err  error
	}{
		{"nothing", "", RecordTrailer{}, nil},
		{"empty map", "\x80", RecordTrailer{}, nil},
		{"time and sum", "\x82\x01\xcf\x00\x00\x01\x8b\xcf\xe5\x68\x00\x07\xce\x01\x02\x03\x04", RecordTrailer{
			Time: 1_700_000_000_000, HasTime: true, CRC: 0x01020304, HasCRC: true}, nil},
		{"sum and time, short", "\x82\x07\x05\x01\x09", RecordTrailer{Time: 9, HasTime: true, CRC: 5, HasCRC: true}, nil},
		{"first seen by a store, too", "\x83\x10\x05\x01\x09\x11\xc3", at(9), nil},
		{"empty key", "\x81\x02\xc4\x00", RecordTrailer{Key: []byte{}}, nil},
		{"nil key", "\x81\x02\xc0", RecordTrailer{}, nil},
		{"longest key", "\x81\x02" + long(MaxKey), RecordTrailer{Key: bytes.Repeat([]byte{'k'}, MaxKey)}, nil},
		{"key of text", "\x81\x02\xa3key", RecordTrailer{Key: []byte("key")}, nil},
		{"no headers", "\x81\x03\x90", RecordTrailer{Headers: []byte{}}, nil},
		{"most headers", "\x81\x03" + many(MaxHeaders, "\x92\xa0\xc4\x00"), withHeaders(RecordTrailer{}, slices.Repeat([]header{empty}, MaxHeaders)...), nil},
		{"unknown compression", "\x81\x04\xcc\xff", RecordTrailer{Compression: 255}, nil},
		{"latest time", "\x81\x01\xcf\x00\x00\xe6\x77\xd2\x1f\xdb\xff", at(MaxTime), nil},

		{"time too late", "\x81\x01\xcf\x00\x00\xe6\x77\xd2\x1f\xdc\x00", RecordTrailer{}, ErrTrailer},
		{"time too late, with a sum", "\x82\x01\xcf\x00\x00\xe6\x77\xd2\x1f\xdc\x00\x07\xce\x00\x00\x00\x00", RecordTrailer{}, ErrTrailer},
		{"negative time", "\x81\x01\xff", RecordTrailer{}, ErrTrailer},
		{"text as time", "\x81\x01\xa11", RecordTrailer{}, ErrTrailer},
		{"key too long", "\x81\x02" + long(MaxKey+1), RecordTrailer{}, ErrTrailer},
		{"number as key", "\x81\x02\x05", RecordTrailer{}, ErrTrailer},
		{"key cut off", "\x81\x02\xc4\x05abc", RecordTrailer{}, ErrTrailer},
		{"too many headers", "\x81\x03" + many(MaxHeaders+1, "\x92\xa0\xc4\x00"), RecordTrailer{}, ErrTrailer},
		{"headers too long", "\x81\x03" + many(2, "\x92\xa0"+long(MaxHeaderBytes/2+1)), RecordTrailer{}, ErrTrailer},
		{"header of three", "\x81\x03\x91\x93\xa0\xa0\xa0", RecordTrailer{}, ErrTrailer},
		{"header without value", "\x81\x03\x91\x92\xa0", RecordTrailer{}, ErrTrailer},
		{"map of headers", "\x81\x03\x81\xa0\xa0", RecordTrailer{}, ErrTrailer},
		{"count of headers too high", "\x81\x03\xdd\xff\xff\xff\xff", RecordTrailer{}, ErrTrailer},
		{"compression 256", "\x81\x04\xcd\x01\x00", RecordTrailer{}, ErrTrailer},
		{"sum of 33 bits", "\x81\x07\xcf\x00\x00\x00\x01\x00\x00\x00\x00", RecordTrailer{}, ErrTrailer},
		{"bytes behind the map", "\x81\x01\x01\x00", RecordTrailer{}, ErrTrailer},
		{"count too high", "\x82\x01\x01", RecordTrailer{}, ErrTrailer},
		{"no map", "\x92\x01\x01", RecordTrailer{}, ErrTrailer},
	}
	for _, tt := range tests {
		got, err := ParseRecordTrailer([]byte(tt.b))
		if d := cmp.Diff(tt.want, got); d != "" || !errors.Is(err, tt.err) {
			t.Errorf("%s: %v, want %v (-want +got):\n%s", tt.name, err, tt.err, d)
		}
	}
}

// The sum is of the bare bytes, in an order that others can repeat.
func TestRecordSum(t *testing.T) {
	tr := withHeaders(RecordTrailer{Key: []byte("k")}, header{"a", []byte("1")}, header{"b", nil})
	for _, tt := range []struct {
		t    RecordTrailer
		want string
	}{{RecordTrailer{}, "value"}, {RecordTrailer{Time: 5, HasTime: true, Compression: Zstd}, "value"}, {RecordTrailer{Key: []byte{}}, "value"}, {tr, "ka1bvalue"}} {
		if got, want := tt.t.Sum([]byte("value")), crc32.Checksum([]byte(tt.want), castagnoli); got != want {
			t.Errorf("sum of %+v is %x, want %x", tt.t, got, want)
		}
	}
	if got := (&RecordTrailer{}).Sum([]byte("123456789")); got != 0xe3069283 { // the check value of CRC-32C
		t.Errorf("not CRC32C: %x", got)
	}
}

// A changed bit of key, headers, content or sum is noticed; a record without a
// sum, or whose trailer cannot be read, passes.
func TestIntact(t *testing.T) {
	for _, tr := range []RecordTrailer{
		{Time: 1_700_000_000_000, HasTime: true},
		withHeaders(RecordTrailer{Key: []byte("key")}, header{"name", []byte("1")}),
	} {
		content := []byte("content")
		tr.CRC, tr.HasCRC = tr.Sum(content), true
		b := tr.Append(nil)
		if !Intact(b, content) {
			t.Fatalf("% x is not intact", b)
		}
		for i := range content {
			content[i] ^= 0x10
			if Intact(b, content) {
				t.Errorf("a changed content is intact")
			}
			content[i] ^= 0x10
		}
		for _, part := range [][]byte{[]byte("key"), []byte("name"), b[len(b)-4:]} {
			if i := bytes.Index(b, part); i >= 0 {
				b[i] ^= 1
				if Intact(b, content) {
					t.Errorf("% x is intact", b)
				}
				b[i] ^= 1
			}
		}
	}
	for _, b := range []string{"", "\x80", "\x81\x01\x05", "\x81", "junk"} {
		if !Intact([]byte(b), []byte("x")) {
			t.Errorf("a record with trailer %x is not intact", b)
		}
	}
}

func TestMark(t *testing.T) {
	for c := range Compression(4) {
		b := append(AppendMark(nil, c), "rest"...)
		if got, ok := Marked(b); !ok || got != c || len(AppendMark(nil, c)) != MarkLen || !NeedsMark(b) {
			t.Errorf("mark %d is read as %d, %v", c, got, ok)
		}
		for i := range MarkLen - 1 {
			b[i]++
			if NeedsMark(b) {
				t.Errorf("% x has a mark", b)
			}
			b[i]--
		}
	}
	if NeedsMark(AppendMark(nil, Plain)[:MarkLen-1]) || NeedsMark(nil) {
		t.Error("a piece of a mark is one")
	}
}

func FuzzRecordTrailer(f *testing.F) {
	f.Add([]byte(""), []byte(""))
	for _, tr := range []RecordTrailer{
		{Time: math.MaxInt32, HasTime: true, HasCRC: true},
		withHeaders(RecordTrailer{Key: []byte("k"), Compression: S2}, header{"n", []byte("v")}, header{"n", nil}),
	} {
		f.Add(tr.Append(nil), []byte("content"))
	}
	f.Add([]byte("\x83\x02\xc0\x03\x91\x92\xc0\xc0\x10\x93\x01\x02\x03"), []byte("x"))
	f.Fuzz(func(t *testing.T, b, content []byte) {
		Intact(b, content)
		tr, err := ParseRecordTrailer(b)
		if err != nil {
			if d := cmp.Diff(RecordTrailer{}, tr); d != "" {
				t.Fatalf("an unreadable trailer says:\n%s", d)
			}
			return
		}
		if tr.HeaderCount != len(headersOf(&tr)) || tr.HeaderCount > MaxHeaders || len(tr.Key) > MaxKey {
			t.Fatalf("%+v is beyond its bounds", tr)
		}
		again := withHeaders(RecordTrailer{Time: tr.Time, Key: tr.Key, Compression: tr.Compression, HasTime: tr.HasTime}, headersOf(&tr)...)
		again.CRC, again.HasCRC = again.Sum(content), true
		if !Intact(again.Append(nil), content) || again.CRC != tr.Sum(content) {
			t.Fatalf("%+v is not intact when it is sent again", tr)
		}
	})
}

func BenchmarkRecordTrailer(b *testing.B) {
	content := bytes.Repeat([]byte{'x'}, 100)
	plain := RecordTrailer{Time: 1_700_000_000_000, HasTime: true, HasCRC: true}
	keyed := withHeaders(RecordTrailer{Time: 1_700_000_000_000, HasTime: true, HasCRC: true, Key: []byte("user-4711")}, header{"trace", []byte("0123456789abcdef")})
	for name, tr := range map[string]RecordTrailer{"plain": plain, "keyed": keyed} {
		tr.CRC = tr.Sum(content)
		wire, buf := tr.Append(nil), make([]byte, 0, 256)
		b.Run("append/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				buf = tr.Append(buf[:0])
			}
		})
		b.Run("parse/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ParseRecordTrailer(wire); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("intact100/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !Intact(wire, content) {
					b.Fatal("not intact")
				}
			}
		})
	}
	b.Run("parse/library", func(b *testing.B) {
		wire := keyed.Append(nil)
		b.ReportAllocs()
		for b.Loop() {
			var m map[int]any
			if err := msgpack.Unmarshal(wire, &m); err != nil {
				b.Fatal(err)
			}
		}
	})
}
