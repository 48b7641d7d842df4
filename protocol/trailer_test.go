package protocol

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/vmihailenco/msgpack/v5"
	"pgregory.net/rapid"
)

// genTrailer draws any trailer we may send.
func genTrailer(t *rapid.T) Trailer {
	number := rapid.OneOf(rapid.Uint64(), rapid.Uint64Range(0, 300), rapid.SampledFrom([]uint64{
		127, 128, math.MaxUint8, math.MaxUint8 + 1, math.MaxUint16, math.MaxUint16 + 1,
		math.MaxUint32, math.MaxUint32 + 1, math.MaxInt64, math.MaxUint64}))
	var tr Trailer
	if tr.HasLowest = rapid.Bool().Draw(t, "has lowest"); tr.HasLowest {
		tr.Lowest = number.Draw(t, "lowest")
	}
	if tr.HasTail = rapid.Bool().Draw(t, "has tail"); tr.HasTail {
		tr.Tail = number.Draw(t, "tail")
	}
	tr.EndOfList = rapid.Bool().Draw(t, "end of list")
	if tr.DigestAt = number.Draw(t, "digest at"); tr.DigestAt > 0 {
		tr.Digest = number.Draw(t, "digest")
	}
	tr.Purged = number.Draw(t, "purged")
	tr.Time = number.Draw(t, "time")
	if tr.HasBegins = rapid.Bool().Draw(t, "has begins"); tr.HasBegins {
		tr.Begins = number.Draw(t, "begins")
	}
	return tr
}

// TestTrailerReadByLibrary: what Append writes, a general msgpack decoder reads.
func TestTrailerReadByLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr := genTrailer(t)
		b := tr.Append(nil)
		if got, err := ParseTrailer(b); err != nil || got != tr {
			t.Fatalf("% x: %+v, %v, want %+v", b, got, err, tr)
		}
		if tr == (Trailer{}) {
			if len(b) != 0 {
				t.Fatalf("an empty trailer is % x", b)
			}
			return
		}
		r := bytes.NewReader(b)
		dec := msgpack.NewDecoder(r)
		n, err := dec.DecodeMapLen()
		if err != nil {
			t.Fatal(err)
		}
		var got Trailer
		for range n {
			key, err := dec.DecodeUint64()
			if err != nil {
				t.Fatal(err)
			}
			switch key {
			case keyLowest:
				got.HasLowest = true
				got.Lowest, err = dec.DecodeUint64()
			case keyTail:
				got.HasTail = true
				got.Tail, err = dec.DecodeUint64()
			case keyDigest:
				var pair []uint64
				if err = dec.Decode(&pair); err == nil && len(pair) == 2 {
					got.DigestAt, got.Digest = pair[0], pair[1]
				}
			case keyEndOfList:
				got.EndOfList, err = dec.DecodeBool()
			case keyPurged:
				got.Purged, err = dec.DecodeUint64()
			case keyLookup:
				got.Time, err = dec.DecodeUint64()
			case keyBegins:
				got.HasBegins = true
				got.Begins, err = dec.DecodeUint64()
			default:
				t.Fatalf("key %d", key)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if got != tr || r.Len() != 0 {
			t.Fatalf("% x: %+v with %d bytes left, want %+v", b, got, r.Len(), tr)
		}
	})
}

// genValue draws a value of any msgpack type, nested at most depth deep.
func genValue(t *rapid.T, depth int) any {
	leaf := rapid.OneOf(
		rapid.Just[any](nil),
		rapid.Map(rapid.Bool(), func(v bool) any { return v }),
		rapid.Map(rapid.Int64(), func(v int64) any { return v }),
		rapid.Map(rapid.Uint16(), func(v uint16) any { return v }),
		rapid.Map(rapid.Float32(), func(v float32) any { return v }),
		rapid.Map(rapid.Float64(), func(v float64) any { return v }),
		rapid.Map(rapid.StringN(0, 300, 70_000), func(v string) any { return v }),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 300), func(v []byte) any { return v }),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 40), func(v []byte) any { return msgpack.RawMessage(ext(v)) }),
	)
	kind := 0
	if depth > 0 {
		kind = rapid.IntRange(0, 2).Draw(t, "nest")
	}
	switch kind {
	case 1:
		list := make([]any, rapid.IntRange(0, 20).Draw(t, "elements"))
		for i := range list {
			list[i] = genValue(t, depth-2)
		}
		return list
	case 2:
		m := map[string]any{}
		for range rapid.IntRange(0, 20).Draw(t, "pairs") {
			m[rapid.StringN(0, 5, 20).Draw(t, "key")] = genValue(t, depth-2)
		}
		return m
	}
	return leaf.Draw(t, "value")
}

// ext encodes an extension value of type 5 in the form its length calls for.
func ext(v []byte) []byte {
	fix := map[int]byte{1: 0xd4, 2: 0xd5, 4: 0xd6, 8: 0xd7, 16: 0xd8}
	if c, ok := fix[len(v)]; ok {
		return append([]byte{c, 5}, v...)
	}
	return append([]byte{0xc7, byte(len(v)), 5}, v...)
}

// TestTrailerWrittenByLibrary: ParseTrailer reads what a general encoder writes,
// whatever integer encodings it chose and whatever lies between the known keys.
func TestTrailerWrittenByLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := genTrailer(t)
		entries := map[int64]any{}
		for range rapid.IntRange(0, 20).Draw(t, "unknown") {
			key := rapid.OneOf(rapid.Int64(), rapid.Int64Range(-40, 200)).Draw(t, "unknown key")
			if !slices.Contains([]int64{keyLowest, keyTail, keyDigest, keyEndOfList, keyPurged, keyLookup, keyBegins}, key) {
				entries[key] = genValue(t, maxDepth-2)
			}
		}
		if want.HasLowest {
			entries[keyLowest] = want.Lowest
		}
		if want.HasTail {
			entries[keyTail] = want.Tail
		}
		if want.DigestAt > 0 {
			entries[keyDigest] = []uint64{want.DigestAt, want.Digest}
		}
		if want.EndOfList {
			entries[keyEndOfList] = true
		}
		if want.Purged > 0 {
			entries[keyPurged] = want.Purged
		}
		if want.Time > 0 {
			entries[keyLookup] = want.Time
		}
		if want.HasBegins {
			entries[keyBegins] = want.Begins
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
		enc.UseCompactFloats(rapid.Bool().Draw(t, "compact floats"))
		check(t, enc.EncodeMapLen(len(keys)))
		for _, k := range keys {
			check(t, enc.Encode(k))
			check(t, enc.Encode(entries[k]))
		}
		got, err := ParseTrailer(b.Bytes())
		if err != nil || got != want {
			t.Fatalf("% x: %+v, %v, want %+v", b.Bytes(), got, err, want)
		}
	})
}

func check(t *rapid.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestParseTrailer(t *testing.T) {
	low := func(n uint64) Trailer { return Trailer{Lowest: n, HasLowest: true} }
	deep := strings.Repeat("\x91", maxDepth) + "\xc0"
	tests := []struct {
		name string
		b    string
		want Trailer
		err  error
	}{
		{"nothing", "", Trailer{}, nil},
		{"empty map", "\x80", Trailer{}, nil},
		{"empty map16", "\xde\x00\x00", Trailer{}, nil},
		{"fixint", "\x81\x08\x7f", low(127), nil},
		{"uint8", "\x81\xcc\x08\xcc\xff", low(255), nil},
		{"uint16", "\x81\xcd\x00\x08\xcd\xff\xff", low(65535), nil},
		{"uint32", "\x81\xce\x00\x00\x00\x08\xce\xff\xff\xff\xff", low(math.MaxUint32), nil},
		{"uint64", "\x81\xcf\x00\x00\x00\x00\x00\x00\x00\x08\xcf\xff\xff\xff\xff\xff\xff\xff\xff", low(math.MaxUint64), nil},
		{"int8", "\x81\xd0\x08\xd0\x7f", low(127), nil},
		{"int16", "\x81\xd1\x00\x08\xd1\x7f\xff", low(32767), nil},
		{"int32", "\x81\xd2\x00\x00\x00\x08\xd2\x7f\xff\xff\xff", low(math.MaxInt32), nil},
		{"int64", "\xdf\x00\x00\x00\x01\xd3\x00\x00\x00\x00\x00\x00\x00\x08\xd3\x7f\xff\xff\xff\xff\xff\xff\xff", low(math.MaxInt64), nil},
		{"last of a repeated key", "\x82\x08\x01\x08\x02", low(2), nil},
		{"end of list", "\x81\x0c\xc3", Trailer{EndOfList: true}, nil},
		{"end of list not", "\x81\x0c\xc2", Trailer{}, nil},
		{"digest", "\x81\x0b\x92\x07\xcc\xff", Trailer{DigestAt: 7, Digest: 255}, nil},
		{"digest of nothing", "\x81\x0b\x92\x00\x05", Trailer{}, nil},
		{"purged", "\x81\x0d\x05", Trailer{Purged: 5}, nil},
		{"as deep as allowed", "\x82\x01" + deep + "\x08\x05", low(5), nil},
		{"unknown negative key", "\x82\xf8\x01\x08\x05", low(5), nil},

		{"too deep", "\x81\x01" + "\x91" + deep, Trailer{}, ErrTrailer},
		{"no map", "\x93\x08\x01\x02", Trailer{}, ErrTrailer},
		{"nil", "\xc0", Trailer{}, ErrTrailer},
		{"string key", "\x81\xa1a\x01", Trailer{}, ErrTrailer},
		{"float key", "\x81\xca\x41\x00\x00\x00\x01", Trailer{}, ErrTrailer},
		{"negative lowest", "\x81\x08\xff", Trailer{}, ErrTrailer},
		{"negative int8", "\x81\x08\xd0\xff", Trailer{}, ErrTrailer},
		{"negative int16", "\x81\x08\xd1\x80\x00", Trailer{}, ErrTrailer},
		{"negative int32", "\x81\x0a\xd2\xff\xff\xff\xff", Trailer{}, ErrTrailer},
		{"negative int64 tail", "\x81\x0a\xd3\xff\xff\xff\xff\xff\xff\xff\xff", Trailer{}, ErrTrailer},
		{"digest of one number", "\x81\x0b\x91\x07", Trailer{}, ErrTrailer},
		{"digest with a name", "\x81\x0b\x92\x07\xa1a", Trailer{}, ErrTrailer},
		{"digest cut off", "\x81\x0b\x92\x07", Trailer{}, ErrTrailer},
		{"negative purged", "\x81\x0d\xff", Trailer{}, ErrTrailer},
		{"string lowest", "\x81\x08\xa11", Trailer{}, ErrTrailer},
		{"end of list 1", "\x81\x0c\x01", Trailer{}, ErrTrailer},
		{"key without value", "\x81\x08", Trailer{}, ErrTrailer},
		{"half a number", "\x81\x08\xcd\x01", Trailer{}, ErrTrailer},
		{"bytes behind the map", "\x81\x08\x01\x00", Trailer{}, ErrTrailer},
		{"count too high", "\x82\x08\x01", Trailer{}, ErrTrailer},
		{"count of 4294967295", "\xdf\xff\xff\xff\xff\x08\x01", Trailer{}, ErrTrailer},
		{"count cut off", "\xdf\xff\xff", Trailer{}, ErrTrailer},
		{"huge string", "\x81\x01\xdb\xff\xff\xff\xffabc", Trailer{}, ErrTrailer},
		{"huge ext", "\x81\x01\xc9\xff\xff\xff\xffabc", Trailer{}, ErrTrailer},
		{"huge array", "\x81\x01\xdd\xff\xff\xff\xffabc", Trailer{}, ErrTrailer},
		{"huge map", "\x81\x01\xdf\xff\xff\xff\xffabc", Trailer{}, ErrTrailer},
		{"unused type", "\x81\x01\xc1", Trailer{}, ErrTrailer},
	}
	for _, tt := range tests {
		got, err := ParseTrailer([]byte(tt.b))
		if got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%s: %+v, %v; want %+v, %v", tt.name, got, err, tt.want, tt.err)
		}
	}
}

// TestTrailerSkipsEverySize skips what the library writes for an unknown key,
// in each of the forms that it chooses by size, and nothing when a byte lacks.
func TestTrailerSkipsEverySize(t *testing.T) {
	for _, n := range []int{0, 1, 2, 4, 8, 15, 16, 31, 32, 255, 256, 65535, 65536} {
		payload := bytes.Repeat([]byte{0xc1}, n) // never read as values
		for name, encode := range map[string]func(*msgpack.Encoder) error{
			"bin": func(e *msgpack.Encoder) error { return e.EncodeBytes(payload) },
			"str": func(e *msgpack.Encoder) error { return e.EncodeString(string(payload)) },
			"ext": func(e *msgpack.Encoder) error {
				if err := e.EncodeExtHeader(5, n); err != nil {
					return err
				}
				_, err := e.Writer().Write(payload)
				return err
			},
			"array": func(e *msgpack.Encoder) error { return e.Encode(make([]any, n)) },
			"map": func(e *msgpack.Encoder) error {
				if err := e.EncodeMapLen(n); err != nil {
					return err
				}
				for i := range n {
					if err := e.EncodeMulti(int64(i), true); err != nil {
						return err
					}
				}
				return nil
			},
		} {
			var b bytes.Buffer
			b.WriteString("\x82\x01")
			if err := encode(msgpack.NewEncoder(&b)); err != nil {
				t.Fatal(err)
			}
			value := b.Len()
			b.WriteString("\x0a\x07")
			want := Trailer{Tail: 7, HasTail: true}
			if got, err := ParseTrailer(b.Bytes()); err != nil || got != want {
				t.Errorf("%s of %d: %+v, %v", name, n, got, err)
			}
			if _, ok := skipValue(b.Bytes()[2:value-1], maxDepth); ok {
				t.Errorf("%s of %d: skipped with a byte missing", name, n)
			}
		}
	}
}

func TestTrailerAllocs(t *testing.T) {
	tr := Trailer{Lowest: 1, HasLowest: true, Tail: 1 << 40, HasTail: true, EndOfList: true}
	buf := make([]byte, 0, 64)
	b := tr.Append(nil)
	if n := testing.AllocsPerRun(100, func() { tr.Append(buf) }); n != 0 {
		t.Errorf("Append allocates %v times", n)
	}
	if n := testing.AllocsPerRun(100, func() { ParseTrailer(b) }); n != 0 {
		t.Errorf("ParseTrailer allocates %v times", n)
	}
	if n := testing.AllocsPerRun(100, func() { ParseTrailer(b[:3]) }); n != 0 {
		t.Errorf("a refused trailer costs %v allocations", n)
	}
}

// FuzzTrailer: nothing panics; what parses, the library finds well-formed, and
// encoding it gives something that parses equal.
func FuzzTrailer(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\x83\x08\xcd\xff\xff\x0a\xcf\xff\xff\xff\xff\xff\xff\xff\xff\x0c\xc3"))
	f.Add([]byte("\x83\x01\xc7\x03\x05abc\x02\x92\xa1a\xc4\x01b\x03\xcb12345678"))
	f.Add([]byte("\xdf\x00\x00\x00\x01\xe0" + strings.Repeat("\x91", maxDepth) + "\xd8\x01aaaaaaaaaaaaaaaa"))
	f.Fuzz(func(t *testing.T, b []byte) {
		tr, err := ParseTrailer(b)
		if err != nil {
			return
		}
		if again, err := ParseTrailer(tr.Append(nil)); err != nil || again != tr {
			t.Fatalf("parsed again as %+v, %v, want %+v", again, err, tr)
		}
		if len(b) == 0 {
			return
		}
		r := bytes.NewReader(b)
		if err := msgpack.NewDecoder(r).Skip(); err != nil || r.Len() != 0 {
			t.Fatalf("the library leaves %d bytes: %v", r.Len(), err)
		}
	})
}

func BenchmarkParseTrailer(b *testing.B) {
	frame := Trailer{Lowest: 1 << 20, HasLowest: true, Tail: 1 << 40, HasTail: true}.Append(nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseTrailer(frame); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTrailerAppend(b *testing.B) {
	tr := Trailer{Lowest: 1 << 20, HasLowest: true, Tail: 1 << 40, HasTail: true}
	buf := make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		tr.Append(buf)
	}
}

// TestLookupBytes: a question where a time begins, the answer for a partition, and
// the end of the list, as docs/protocol.md draws them.
func TestLookupBytes(t *testing.T) {
	const noon = 1767268800000 // 2026-01-01 12:00:00 UTC
	for _, test := range []struct {
		trailer Trailer
		want    string
	}{
		{Trailer{Time: noon}, "\x81\x12\xcf\x00\x00\x01\x9b\x79\x6d\xd6\x00"},
		{Trailer{Lowest: 5, HasLowest: true, Time: 7, Begins: 300, HasBegins: true}, "\x83\x08\x05\x12\x07\x13\xcd\x01\x2c"},
		{Trailer{Lowest: 1, HasLowest: true, EndOfList: true, Time: 7}, "\x83\x08\x01\x0c\xc3\x12\x07"},
	} {
		if got := test.trailer.Append(nil); string(got) != test.want {
			t.Errorf("%+v is % x, want % x", test.trailer, got, test.want)
		}
		if got, err := ParseTrailer([]byte(test.want)); err != nil || got != test.trailer {
			t.Errorf("% x is %+v, %v", test.want, got, err)
		}
	}
	ask := Trailer{Time: noon}.Append(AppendGetHeads(nil, "t", strings.Repeat("A", AddressLen)))
	if m, err := Parse(ask); err != nil || m.Kind != KindGetHeads || len(m.Trailer) != 11 {
		t.Errorf("%+v, %v", m, err)
	}
}
