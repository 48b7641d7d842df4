package zmtp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"slices"
	"testing"
)

// plainCut is what a Reader of the whole stream at once must find, written for
// being read. end is the error in front of which the messages stop, io.EOF or
// io.ErrUnexpectedEOF if the stream just ends.
func plainCut(b []byte, l Limits) (all []string, end error) {
	var frames, late [][]byte
	sum := 0
	for {
		if len(b) == 0 && len(frames) == 0 {
			return all, io.EOF
		}
		flags, size, n, err := parseFrameHeader(b)
		switch {
		case err != nil:
			return all, ErrBadFrame
		case n == 0:
			return all, io.ErrUnexpectedEOF
		case size > uint64(l.Message-sum):
			return all, ErrMessageTooLarge
		case len(frames) == l.Frames || len(late) == l.Frames:
			return all, ErrTooManyFrames
		case uint64(len(b)-n) < size:
			return all, io.ErrUnexpectedEOF
		}
		body := b[n : n+int(size)]
		b, sum = b[n+int(size):], sum+int(size)
		switch {
		case flags&FlagCommand == 0:
			frames = append(frames, body)
		case len(frames) == 0:
			all = append(all, text(Msg{Command: true, Frames: [][]byte{body}}))
			sum = 0
		default:
			late = append(late, body)
		}
		if len(frames) > 0 && flags&(FlagMore|FlagCommand) == 0 {
			all = append(all, text(Msg{Frames: frames}))
			for _, c := range late {
				all = append(all, text(Msg{Command: true, Frames: [][]byte{c}}))
			}
			frames, late, sum = nil, nil, 0
		}
	}
}

// FuzzReader feeds any bytes in reads of any size and asks for the messages and
// the error of plainCut, for blocks in proportion to what has arrived, and that
// what was detached stays as it was.
func FuzzReader(f *testing.F) {
	ping := AppendCommand(nil, "PING", []byte("\x00\x01ctx"))
	f.Add(AppendMessage(nil, []byte("frame 0"), []byte("content")), uint8(1), int64(1))
	f.Add(AppendMessage(ping, bytes.Repeat([]byte("x"), 300), nil), uint8(100), int64(2))
	f.Add(append(append([]byte("\x01\x01a"), ping...), "\x00\x01b"...), uint8(255), int64(3))
	f.Add(AppendFrameHeader(nil, FlagMore, 60_000), uint8(1), int64(4))
	f.Add(AppendMessage(nil, make([]byte, 40_000), make([]byte, 20_000)), uint8(5), int64(5))
	f.Add([]byte("\x00\x01a\x07"), uint8(1), int64(6))
	f.Add([]byte("\x02\xff\xff\xff\xff\xff\xff\xff\xff"), uint8(1), int64(7))
	l := Limits{Message: 64 << 10, Frames: 4, Block: 16 << 10}
	f.Fuzz(func(t *testing.T, data []byte, repeat uint8, seed int64) {
		if len(data) > 1<<16 {
			t.Skip()
		}
		data = bytes.Repeat(data, int(repeat))
		want, end := plainCut(data, l)
		rnd := rand.New(rand.NewSource(seed))
		src := &source{data: data, next: func() int { return 1 + rnd.Intn(1<<rnd.Intn(16)) }}
		r := NewReader(src, l)
		if err := drain(r, src, rnd, want); !errors.Is(err, end) {
			t.Fatalf("error %v, want %v", err, end)
		}
	})
}

// nextEitherWay is Next, or Pair where that finds a message.
func nextEitherWay(r *Reader, rnd *rand.Rand) (Msg, bool, error) {
	if rnd.Intn(2) == 0 {
		if p, ok := r.Pair(); ok {
			b := r.Block()
			return Msg{Frames: [][]byte{b[p.First:p.FirstEnd], b[p.Second:p.End]}}, true, nil
		}
	}
	return r.Next()
}

// drain reads src to its end, sometimes with Detach, and returns the error it
// ends with, or one that says how what came differs from want.
func drain(r *Reader, src *source, rnd *rand.Rand, want []string) error {
	type held struct {
		Msg
		text string
	}
	var got []string
	var kept, fresh []held
	for {
		m, ok, err := nextEitherWay(r, rnd)
		if ok {
			m.Frames = slices.Clone(m.Frames)
			got = append(got, text(m))
			fresh = append(fresh, held{m, text(m)})
			continue
		}
		if err == nil {
			if rnd.Intn(3) == 0 {
				r.Detach()
				kept = append(kept, fresh...)
			}
			fresh = nil
			limit := max(firstBlock, 4*src.sent)
			if err = r.Fill(); err == nil {
				if len(r.block) > limit || len(r.spare) > limit {
					return fmt.Errorf("block of %d bytes, limit %d", len(r.block), limit)
				}
				continue
			}
		}
		for _, k := range kept {
			if text(k.Msg) != k.text {
				return errors.New("a detached message changed")
			}
		}
		if !slices.Equal(got, want) {
			return fmt.Errorf("messages %.500q, want %.500q", got, want)
		}
		return err
	}
}
