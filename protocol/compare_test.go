package protocol

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/vmihailenco/msgpack/v5"
	"pgregory.net/rapid"
)

func TestQuestion(t *testing.T) {
	want := Question{Producer: strings.Repeat("5A", 16), First: 4096, End: 1 << 40}
	frame := AppendQuestion(nil, want)
	var library map[uint64][]byte
	if err := msgpack.Unmarshal(frame, &library); err != nil || len(library[keyQuestion]) != 48 {
		t.Errorf("the library reads % x as %v, %v", frame, library, err)
	}
	if got, ok, err := ParseQuestion(frame); !ok || err != nil || got != want {
		t.Errorf("read as %+v, %v, %v", got, ok, err)
	}
	if _, ok, err := ParseQuestion(Trailer{Tail: 3, HasTail: true}.Append(nil)); ok || err != nil {
		t.Errorf("a question in a trailer without one: %v, %v", ok, err)
	}
	for name, bad := range map[string][]byte{
		"cut off": frame[:20], "a short one": {0x81, keyQuestion, 0xc4, 1, 7}, "a number": {0x81, keyQuestion, 7},
		"no address": AppendQuestion(nil, Question{Producer: strings.Repeat("z", 32)}), "no map": {7},
	} {
		if got, ok, err := ParseQuestion(bad); ok || !errors.Is(err, ErrTrailer) {
			t.Errorf("%s: %+v, %v, %v; want ErrTrailer", name, got, ok, err)
		}
	}
}

func TestSums(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		step := rapid.Uint64Range(1, 1<<40).Draw(t, "step")
		n := rapid.Uint64Range(0, MaxSums).Draw(t, "parts")
		want := Sums{First: rapid.Uint64Range(0, 1<<50).Draw(t, "first"), Step: step}
		want.End = want.First
		if n > 0 {
			want.End += (n-1)*step + rapid.Uint64Range(1, step).Draw(t, "last")
		}
		for range n {
			want.Parts = append(want.Parts, Sum{rapid.Uint64().Draw(t, "records"), rapid.Uint64().Draw(t, "digest")})
		}
		frame := AppendSums(nil, want)
		got, ok, err := ParseSums(frame)
		if !ok || err != nil || got.First != want.First || got.End != want.End || got.Step != want.Step || !slices.Equal(got.Parts, want.Parts) {
			t.Fatalf("%+v became %+v, %v, %v", want, got, ok, err)
		}
		if n < 2 {
			return
		}
		want.Parts = want.Parts[1:]
		if got, _, err := ParseSums(AppendSums(nil, want)); !errors.Is(err, ErrTrailer) {
			t.Fatalf("a part less: %+v, %v", got, err)
		}
	})
}

func TestFirstSeen(t *testing.T) {
	scratch := make([]byte, 0, 64)
	for _, ms := range []int64{0, 127, 128, 1_700_000_000_000, 1 << 61} {
		for _, want := range []FirstSeen{{Time: ms}, {Time: ms, Bare: true}} {
			trailer := AppendFirstSeen(nil, want, nil)
			if own, got, ok := CutFirstSeen(trailer, scratch); !ok || got != want || own != nil {
				t.Errorf("%v became %v, %v, % x", want, got, ok, own)
			}
			if tr, err := ParseTrailer(trailer); err != nil || tr != (Trailer{}) {
				t.Errorf("read as %+v, %v by who does not know the key", tr, err)
			}
			record := withHeaders(RecordTrailer{Time: 5, HasTime: true, Key: []byte("k")}, header{"a", []byte("1")})
			with := record.Append(nil)
			trailer = AppendFirstSeen(nil, want, with)
			if own, got, ok := CutFirstSeen(trailer, scratch); !ok || got != (FirstSeen{Time: ms}) || !bytes.Equal(own, with) {
				t.Errorf("%v with % x became %v, %v, % x", want, with, got, ok, own)
			}
			if got, err := ParseRecordTrailer(trailer); err != nil || string(got.Key) != "k" || got.Time != 5 {
				t.Errorf("read as %+v, %v", got, err)
			}
		}
	}
	for _, own := range [][]byte{nil, {0x80}, {0x81, 1, 5}, {0x81, keyFirstSeen}, {0x81, keyFirstSeen, 0xff}, {0x81, keyFirstSeen, 5, 5}, {0xde, 0, 1, keyFirstSeen, 5}} {
		if rest, _, ok := CutFirstSeen(own, scratch); ok || !bytes.Equal(rest, own) {
			t.Errorf("% x: %v, % x", own, ok, rest)
		}
	}
	for _, own := range [][]byte{append([]byte{0x8f}, make([]byte, 30)...), {0xde, 0, 1, 1, 5}, []byte("junk")} {
		if got := AppendFirstSeen(nil, FirstSeen{Time: 5}, own); !bytes.Equal(got, own) {
			t.Errorf("% x, which has no room for more, became % x", own, got)
		}
	}
}

// FuzzCompare: nothing panics, and what parses encodes to something that parses
// equal.
func FuzzCompare(f *testing.F) {
	f.Add(AppendQuestion(nil, Question{Producer: strings.Repeat("0", 32), End: 4096}))
	f.Add(AppendSums(nil, Sums{End: 8192, Step: 4096, Parts: []Sum{{1, 2}, {3, 4}}}))
	f.Add(append([]byte{0x82, 1, 0x93, 1, 2, 3}, AppendSums(nil, Sums{})[1:]...))
	f.Fuzz(func(t *testing.T, b []byte) {
		if q, ok, _ := ParseQuestion(b); ok {
			if again, ok, err := ParseQuestion(AppendQuestion(nil, q)); !ok || err != nil || again != q {
				t.Fatalf("%+v became %+v, %v", q, again, err)
			}
		}
		if s, ok, _ := ParseSums(b); ok {
			again, ok, err := ParseSums(AppendSums(nil, s))
			if !ok || err != nil || again.End != s.End || !slices.Equal(again.Parts, s.Parts) {
				t.Fatalf("%+v became %+v, %v", s, again, err)
			}
		}
		if own, seen, ok := CutFirstSeen(b, nil); ok && !seen.Bare && len(own) > 0 {
			if again, _, ok := CutFirstSeen(AppendFirstSeen(nil, seen, own), nil); !ok || !bytes.Equal(again, own) {
				t.Fatalf("% x became % x", own, again)
			}
		}
	})
}
