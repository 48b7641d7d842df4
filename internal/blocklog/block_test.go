package blocklog

import (
	"bytes"
	"errors"
	"math"
	"testing"
)

func TestBlockRoundTrip(t *testing.T) {
	p := Partition{"t", producer(1)}
	b := NewBuilder(0)
	appendRange(t, b, p, 40, 50)
	blk := b.block(0, 1234)
	raw := make([]byte, blk.len())
	blk.encode(raw)

	got, err := parseBlock(raw)
	if err != nil {
		t.Fatal(err)
	}
	if got.first != 40 || got.count != 10 || got.time != 1234 || got.next() != 50 {
		t.Fatalf("header %+v", got)
	}
	next := uint64(45)
	got.visit(45, func(r Record) bool {
		if r.Seq != next || !bytes.Equal(r.Content, content(p, r.Seq)) || !bytes.Equal(r.Trailer, trailer(r.Seq)) {
			t.Fatalf("record %d (want %d): %q %q", r.Seq, next, r.Content, r.Trailer)
		}
		next++
		return true
	})
	if next != 50 {
		t.Fatalf("visited up to %d", next)
	}
}

// TestBlockFlippedBits flips every bit in turn: none may go unnoticed.
func TestBlockFlippedBits(t *testing.T) {
	raw := encodeBlock(t, 9, 5)
	for i := range raw {
		for bit := range 8 {
			raw[i] ^= 1 << bit
			if _, err := parseBlock(raw); !errors.Is(err, errSum) {
				t.Fatalf("byte %d bit %d: %v", i, bit, err)
			}
			raw[i] ^= 1 << bit
		}
	}
}

// TestBlockBadLayout has blocks with a right checksum that are wrong otherwise.
func TestBlockBadLayout(t *testing.T) {
	rec := appendRecord(nil, []byte("abc"), []byte("tr"))
	for _, c := range []struct {
		name string
		b    block
		want error
	}{
		{"no records", block{first: 1}, errRange},
		{"beyond 2^64", block{first: math.MaxUint64, count: 1, records: rec}, errRange},
		{"count too high", block{count: 2, records: rec}, errRecord},
		{"count too low", block{count: 1, records: append(rec, rec...)}, errLayout},
		{"cut off", block{count: 1, records: rec[:len(rec)-1]}, errRecord},
		{"unknown record flag", block{count: 1, records: append([]byte{2}, rec[1:]...)}, errRecord},
		{"endless length", block{count: 1, records: bytes.Repeat([]byte{0xff}, 20)}, errRecord},
		{"lengths that wrap", block{count: 1, records: append([]byte{1}, bytes.Repeat(
			[]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}, 2)...)}, errRecord},
	} {
		raw := make([]byte, c.b.len())
		c.b.encode(raw)
		if _, err := parseBlock(raw); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	if _, err := parseBlock(make([]byte, blockOverhead-1)); !errors.Is(err, errShort) {
		t.Errorf("short: %v", err)
	}
}

func TestBlockNewerVersion(t *testing.T) {
	raw := reseal(encodeBlock(t, 1, 1), func(b []byte) { b[0] = blockVersion + 1 })
	if _, err := parseBlock(raw); !errors.Is(err, ErrFormat) {
		t.Fatal(err)
	}
}

// reseal changes a block and gives it the checksum of what it is then.
func reseal(raw []byte, change func([]byte)) []byte {
	change(raw)
	n := len(raw) - crcLen
	sum := crc(raw[:n])
	raw[n], raw[n+1], raw[n+2], raw[n+3] = byte(sum>>24), byte(sum>>16), byte(sum>>8), byte(sum)
	return raw
}

func FuzzParseBlock(f *testing.F) {
	f.Add(encodeBlock(f, 3, 3))
	f.Add(reseal(encodeBlock(f, 200, 2), func(b []byte) { b[headerLen] = flagTrailer }))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) > blockOverhead { // let the fuzzer get past the checksum
			raw = reseal(bytes.Clone(raw), func(b []byte) { b[0] = blockVersion })
		}
		b, err := parseBlock(raw)
		if err != nil {
			return
		}
		seen, size := uint64(0), 0
		b.visit(0, func(r Record) bool {
			if r.Seq != b.first+seen {
				t.Fatalf("sequence %d, want %d", r.Seq, b.first+seen)
			}
			seen++
			size += len(r.Content) + len(r.Trailer)
			return true
		})
		if seen != uint64(b.count) || size > len(raw) {
			t.Fatalf("%d records of %d, %d bytes of %d", seen, b.count, size, len(raw))
		}
	})
}

func FuzzParseState(f *testing.F) {
	s := state{State: State{Tail: 1, Next: 300, Records: 299, Bytes: 1 << 40, Updated: -1}}
	f.Add(s.append(nil))
	s.Emptied, s.Purged, s.Digest, s.oldest, s.open = 70000, 1<<33, 1<<63, -1, sums{records: 1, newest: -2}
	f.Add(s.append(nil))
	f.Add([]byte("\x81\xa1x\x93\x01\x02\x03"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := parseState(raw)
		if err != nil {
			return
		}
		again, err := parseState(s.append(nil))
		if err != nil || again.State != s.State || again.oldest != s.oldest || again.open != s.open ||
			!bytes.Equal(again.extra, s.extra) {
			t.Fatalf("%+v became %+v: %v", s, again, err)
		}
	})
}

// TestStateKeepsUnknownKeys reads a state of a later version that added keys.
func TestStateKeepsUnknownKeys(t *testing.T) {
	raw := []byte("\x84\xa6fringe\xc4\x02\x01\x02\xa4next\x07\xa1v\x01\xa4more\x82\x01\x02\x03\x90")
	s, err := parseState(raw)
	if err != nil {
		t.Fatal(err)
	}
	if s.Next != 7 || s.extras != 2 {
		t.Fatalf("%+v", s)
	}
	s.Next = 8
	out := s.append(nil)
	for _, part := range []string{"\xa6fringe\xc4\x02\x01\x02", "\xa4more\x82\x01\x02\x03\x90"} {
		if !bytes.Contains(out, []byte(part)) {
			t.Errorf("%q lost in %q", part, out)
		}
	}
	if s, err = parseState(out); err != nil || s.Next != 8 || s.extras != 2 {
		t.Fatalf("%+v: %v", s, err)
	}
}
