package protocol

import (
	"bytes"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func somePositions() Positions {
	return Positions{
		Name: "billing", Epoch: 3, Since: 1_700_000_000_000, Base: 17, Full: true,
		At: []Position{{"orders", addrA, 1 << 40}, {"orders", addrB, 0}},
	}
}

// TestPositionsBytes pins the encoding: what was saved must be read for ever.
func TestPositionsBytes(t *testing.T) {
	p := Positions{Name: "n", Epoch: 2, Since: 3, Base: 4, Full: true, At: []Position{{"t", addrA, 5}}}
	want := "\x98\x01\xa1n\x02\x03\x04\xc3\xc2\x91\x93\xa1t\xd9\x20" + addrA + "\x05"
	if got := p.Append(nil); string(got) != want {
		t.Errorf("encoded as\n%q, want\n%q", got, want)
	}
}

func TestPositionsRefused(t *testing.T) {
	good := somePositions()
	whole := good.Append(nil)
	edit := func(f func(*Positions)) []byte {
		p := somePositions()
		f(&p)
		return p.Append(nil)
	}
	for name, b := range map[string][]byte{
		"nothing":           nil,
		"something behind":  append(good.Append(nil), 0xc0),
		"a map":             []byte("\x80"),
		"another version":   bytes.Replace(whole, []byte("\x01\xa7"), []byte("\x02\xa7"), 1),
		"no name":           edit(func(p *Positions) { p.Name = "" }),
		"a topic with NUL":  edit(func(p *Positions) { p.At[1].Topic = "a\x00" }),
		"no topic":          edit(func(p *Positions) { p.At[1].Topic = "" }),
		"a bad address":     edit(func(p *Positions) { p.At[0].Producer = strings.ToLower(addrA[:31]) + "x" }),
		"a claimed length":  []byte("\x98\x01\xa1n\x01\x01\x01\xc2\xc2\xdd\xff\xff\xff\xff"),
		"numbers for names": []byte("\x98\x01\x01\x01\x01\x01\xc2\xc2\x90"),
	} {
		if p, err := ParsePositions(b); !errors.Is(err, ErrPositions) {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
	for n := range whole {
		if _, err := ParsePositions(whole[:n]); !errors.Is(err, ErrPositions) {
			t.Errorf("%d of %d bytes: %v", n, len(whole), err)
		}
	}
}

func TestPositionsMemory(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 400 {
		if _, err := ParsePositions([]byte("\x98\x01\xa1n\x01\x01\x01\xc2\xc2\xdd\x00\x0f\xff\xff")); err == nil {
			t.Fatal("read")
		}
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
		t.Errorf("%d bytes allocated for 400 small records", n)
	}
}

func TestPositionsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := Positions{
			Name:  rapid.StringN(1, 20, MaxSavedName).Draw(t, "name"),
			Epoch: rapid.Uint64().Draw(t, "epoch"), Since: rapid.Int64().Draw(t, "since"), Base: rapid.Uint64().Draw(t, "base"),
			Full: rapid.Bool().Draw(t, "full"), More: rapid.Bool().Draw(t, "more"),
		}
		size := PositionsSize + len(p.Name)
		for range rapid.IntRange(0, 20).Draw(t, "n") {
			at := Position{string(rapid.SliceOfN(rapid.ByteRange(1, 255), 1, MaxTopic).Draw(t, "topic")), addrA, rapid.Uint64().Draw(t, "next")}
			p.At = append(p.At, at)
			size += PositionSize(at)
		}
		b := p.Append(nil)
		if len(b) > size {
			t.Fatalf("%d bytes, announced as at most %d", len(b), size)
		}
		got, err := ParsePositions(b)
		if diff := cmp.Diff(p, got); err != nil || diff != "" {
			t.Fatalf("%v %s", err, diff)
		}
	})
}

func FuzzPositions(f *testing.F) {
	p := somePositions()
	f.Add(p.Append(nil))
	f.Add([]byte("\x98\x01\xa1n\x01\x01\x01\xc2\xc2\x90"))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ParsePositions(b)
		if err != nil {
			return
		}
		again, err := ParsePositions(p.Append(nil))
		if diff := cmp.Diff(p, again); err != nil || diff != "" {
			t.Fatalf("parsed again: %v %s", err, diff)
		}
	})
}
