package zmtp

import (
	"bytes"
	"errors"
	"math"
	"testing"
)

func TestFrameHeader(t *testing.T) {
	for _, tc := range []struct {
		flags byte
		size  int
		want  string
	}{
		{0, 0, "\x00\x00"},
		{FlagMore, 1, "\x01\x01"},
		{FlagCommand, 255, "\x04\xff"},
		{FlagLong, 3, "\x00\x03"}, // LONG follows from the size alone
		{0, 256, "\x02\x00\x00\x00\x00\x00\x00\x01\x00"},
		{FlagMore, 1 << 20, "\x03\x00\x00\x00\x00\x00\x10\x00\x00"},
		{FlagCommand, math.MaxInt32, "\x06\x00\x00\x00\x00\x7f\xff\xff\xff"},
	} {
		got := AppendFrameHeader([]byte("x"), tc.flags, tc.size)
		if string(got) != "x"+tc.want {
			t.Errorf("flags %d size %d: %x, want %x", tc.flags, tc.size, got[1:], tc.want)
		}
		flags, size, n, err := parseFrameHeader([]byte(tc.want + "body"))
		if err != nil || n != len(tc.want) || size != uint64(tc.size) || flags != tc.want[0] {
			t.Errorf("parse %x: flags %d size %d n %d: %v", tc.want, flags, size, n, err)
		}
		for cut := range len(tc.want) {
			if _, _, n, err := parseFrameHeader([]byte(tc.want)[:cut]); n != 0 || err != nil {
				t.Errorf("parse %x: n %d, %v; want 0, nil", tc.want[:cut], n, err)
			}
		}
	}
}

func TestBadFrameHeader(t *testing.T) {
	for _, header := range []string{
		"\x08", "\x80\x01", "\xff", // reserved bits
		"\x05", "\x07\x00", // a command with more to follow
		"\x02\x80\x00\x00\x00\x00\x00\x00\x00", "\x02\xff\xff\xff\xff\xff\xff\xff\xff", // 2^63 and above
	} {
		if _, _, n, err := parseFrameHeader([]byte(header)); !errors.Is(err, ErrBadFrame) || n != 0 {
			t.Errorf("%x: n %d, error %v", header, n, err)
		}
	}
	// The largest size that is not a bad frame; whether it is too large is for
	// the limits to say.
	if _, size, n, err := parseFrameHeader([]byte("\x02\x7f\xff\xff\xff\xff\xff\xff\xff")); err != nil || n != 9 || size != math.MaxInt64 {
		t.Errorf("2^63-1: size %d n %d: %v", size, n, err)
	}
}

func TestAppendMessage(t *testing.T) {
	long := bytes.Repeat([]byte("l"), 300)
	got := AppendMessage([]byte("x"), []byte("a"), long, nil)
	want := "x" + "\x01\x01a" + "\x03\x00\x00\x00\x00\x00\x00\x01\x2c" + string(long) + "\x00\x00"
	if string(got) != want {
		t.Errorf("got  %x\nwant %x", got, want)
	}
	if got := AppendMessage(nil); len(got) != 0 {
		t.Errorf("no frames: %x", got)
	}
}

func TestAppendAllocatesNothing(t *testing.T) {
	buf := make([]byte, 0, 1024)
	head, content, topic := []byte("head"), []byte("content"), []byte("Mhello")
	if n := testing.AllocsPerRun(100, func() {
		buf = AppendMessage(buf[:0], head, content)
		buf = AppendSubscription(buf, topic, true)
		buf = AppendPong(buf, topic)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
