package compress

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"

	"github.com/beckmesh/beck/protocol"
)

func encoder(t testing.TB, as protocol.Compression) *Encoder {
	t.Helper()
	e, err := NewEncoder(as)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func decoder(t testing.TB, limit int) *Decoder {
	t.Helper()
	d, err := NewDecoder(limit)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// content returns what an encoder sends for a value.
func content(e *Encoder, dst, value []byte) ([]byte, protocol.Compression) {
	longer, as := e.Append(dst, value)
	if as == protocol.Plain {
		return Plain(value), as
	}
	return longer[len(dst):], as
}

// noise returns bytes that nothing compresses.
func noise(n int) []byte {
	b := make([]byte, n)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// Every value comes back, and is compressed only if that makes it shorter.
func TestRoundTrip(t *testing.T) {
	text := bytes.Repeat([]byte("to be or not to be, "), 50)
	values := map[string]struct {
		value  []byte
		shrink bool
	}{
		"nil": {nil, false}, "empty": {[]byte{}, false}, "short": {[]byte("short"), false},
		"short and regular": {bytes.Repeat([]byte{'a'}, minValue-1), false},
		"text":              {text, true}, "zeros": {make([]byte, 1<<20), true}, "noise": {noise(10_000), false},
		"a mark":         {protocol.AppendMark(nil, protocol.Zstd), false},
		"a mark of ours": {append(protocol.AppendMark(nil, protocol.Plain), "x"...), false},
		"a mark, text":   {append(protocol.AppendMark(nil, protocol.S2), text...), true},
		"a mark, noise":  {append(protocol.AppendMark(nil, 200), noise(500)...), false},
	}
	d := decoder(t, 1<<20)
	for _, as := range []protocol.Compression{protocol.Zstd, protocol.S2} {
		e := encoder(t, as)
		for name, v := range values {
			before := []byte("before")
			sent, got := content(e, before, v.value)
			if want := map[bool]protocol.Compression{true: as}[v.shrink]; got != want || v.shrink != (len(sent) < len(v.value)) {
				t.Errorf("%s: %d bytes became %d as %d, want %d", name, len(v.value), len(sent), got, want)
			}
			if string(before) != "before" {
				t.Errorf("%s: what stood before became %q", name, before)
			}
			if value, err := d.Value(sent); err != nil || !bytes.Equal(value, v.value) {
				t.Errorf("%s: came back as %d of %d bytes, %v", name, len(value), len(v.value), err)
			}
		}
	}
}

func TestValueRefuses(t *testing.T) {
	const limit = 1 << 16
	mark := func(as protocol.Compression, body []byte) []byte {
		return append(protocol.AppendMark(nil, as), body...)
	}
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	var stream bytes.Buffer // a frame that does not say how much is in it
	zs, err := zstd.NewWriter(&stream)
	if err != nil {
		t.Fatal(err)
	}
	zs.Write(make([]byte, limit+1))
	zs.Close()
	bomb := make([]byte, limit+1)
	good := z.EncodeAll(bomb[:limit], nil)
	for _, tt := range []struct {
		name    string
		content []byte
		want    error
	}{
		{"zstd of the largest value", mark(protocol.Zstd, good), nil},
		{"s2 of the largest value", mark(protocol.S2, s2.Encode(nil, bomb[:limit])), nil},
		{"zstd of more", mark(protocol.Zstd, z.EncodeAll(bomb, nil)), ErrTooLarge},
		{"zstd stream of more", mark(protocol.Zstd, stream.Bytes()), ErrTooLarge},
		{"zstd frames of more together", mark(protocol.Zstd, append(good[:len(good):len(good)], good...)), ErrTooLarge},
		{"s2 of more", mark(protocol.S2, s2.Encode(nil, bomb)), ErrTooLarge},
		{"s2 that claims 4 GiB", mark(protocol.S2, []byte{0xff, 0xff, 0xff, 0xff, 0x0f, 0}), ErrTooLarge},
		{"unknown", mark(3, good), ErrUnknown},
		{"unknown 255", mark(255, nil), ErrUnknown},
		{"zstd of junk", mark(protocol.Zstd, []byte("junk")), ErrBroken},
		{"zstd cut off", mark(protocol.Zstd, good[:len(good)-1]), ErrBroken},
		{"zstd of nothing", mark(protocol.Zstd, nil), ErrBroken},
		{"s2 of junk", mark(protocol.S2, []byte("junk")), ErrBroken},
		{"s2 of nothing", mark(protocol.S2, nil), ErrBroken},
	} {
		d := decoder(t, limit)
		if v, err := d.Value(tt.content); !errors.Is(err, tt.want) || (err != nil) != (v == nil) {
			t.Errorf("%s: %d bytes, %v, want %v", tt.name, len(v), err, tt.want)
		}
	}
	if _, err := NewEncoder(3); !errors.Is(err, ErrUnknown) {
		t.Errorf("an encoder for compression 3: %v", err)
	}
}

// What is broken leaves the decoder, and the encoder, fit for what comes next, in
// several goroutines.
func TestConcurrently(t *testing.T) {
	d := decoder(t, 1<<20)
	var wg sync.WaitGroup
	for _, as := range []protocol.Compression{protocol.Zstd, protocol.S2} {
		e := encoder(t, as)
		for g := range 4 {
			wg.Go(func() {
				var buf []byte
				for i := range 50 {
					value := []byte(strings.Repeat("value ", 100+g+i))
					buf, _ = e.Append(buf[:0], value)
					if got, err := d.Value(buf); err != nil || !bytes.Equal(got, value) {
						t.Errorf("%v", err)
					}
					d.Value(buf[:len(buf)-2])
				}
			})
		}
	}
	wg.Wait()
}

func FuzzValue(f *testing.F) {
	for _, as := range []protocol.Compression{protocol.Zstd, protocol.S2} {
		e, err := NewEncoder(as)
		if err != nil {
			f.Fatal(err)
		}
		sent, _ := e.Append(nil, make([]byte, 1000))
		f.Add(sent)
	}
	d, err := NewDecoder(1 << 16)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		v, err := d.Value(content)
		if err == nil && len(v) > max(1<<16, len(content)) {
			t.Fatalf("%d bytes became %d", len(content), len(v))
		}
		for _, value := range [][]byte{content, v} {
			if got, err := d.Value(Plain(value)); err != nil || !bytes.Equal(got, value) {
				t.Fatalf("% x came back as % x, %v", value, got, err)
			}
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	value := bytes.Repeat([]byte(`{"sensor":17,"value":3.25,"unit":"C"},`), 27)
	for name, as := range map[string]protocol.Compression{"zstd": protocol.Zstd, "s2": protocol.S2} {
		e, buf := encoder(b, as), make([]byte, 0, 4096)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(value)))
			for b.Loop() {
				e.Append(buf, value)
			}
		})
	}
}
