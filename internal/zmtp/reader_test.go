package zmtp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"os"
	"runtime"
	"slices"
	"testing"
)

// source delivers data, in reads as large as next says.
type source struct {
	data []byte
	next func() int
	sent int
}

func (s *source) Read(p []byte) (int, error) {
	if s.sent == len(s.data) {
		return 0, io.EOF
	}
	n := len(p)
	if s.next != nil {
		n = min(n, s.next())
	}
	n = copy(p[:n], s.data[s.sent:])
	s.sent += n
	return n, nil
}

// text is m as a string, to keep and compare.
func text(m Msg) string { return fmt.Sprintf("%v %q", m.Command, m.Frames) }

// readAll reads src to its end and returns all messages and the last error.
func readAll(src io.Reader, l Limits) (all []string, err error) {
	r := NewReader(src, l)
	for {
		m, err := r.Receive()
		if err != nil {
			return all, err
		}
		all = append(all, text(m))
	}
}

func one(n int) func() int { return func() int { return n } }

func TestReaderSplits(t *testing.T) {
	long := bytes.Repeat([]byte("long"), 3000)
	messages := [][]byte{
		AppendMessage(nil, []byte("frame 0"), []byte("content")),
		AppendMessage(nil, nil),
		AppendCommand(nil, "PING", []byte("\x00\x01ctx")),
		AppendMessage(nil, []byte("a"), long, nil, long),
		AppendSubscription(nil, []byte("topic"), true),
	}
	stream := bytes.Join(messages, nil)
	want := []string{
		`false ["frame 0" "content"]`,
		`false [""]`,
		`true ["\x04PING\x00\x01ctx"]`,
		fmt.Sprintf(`false ["a" %q "" %q]`, long, long),
		`false ["\x01topic"]`,
	}
	for n := range 50 {
		got, err := readAll(&source{data: stream, next: one(n + 1)}, Limits{})
		if err != io.EOF || !slices.Equal(got, want) {
			t.Fatalf("reads of %d: %v\ngot  %.300q\nwant %.300q", n+1, err, got, want)
		}
	}
	for cut := range stream {
		if cut > 100 && cut < len(stream)-100 && cut%7 > 0 {
			continue // within the long message
		}
		got, err := readAll(&source{data: stream[:cut]}, Limits{})
		wantErr := io.ErrUnexpectedEOF
		if whole := bytes.Join(messages[:len(got)], nil); len(whole) == cut {
			wantErr = io.EOF
		}
		if len(got) == len(want) || !slices.Equal(got, want[:len(got)]) || err != wantErr {
			t.Fatalf("cut at %d: %d messages, %v; want %v", cut, len(got), err, wantErr)
		}
	}
}

// A command between the frames of a message comes out behind the message.
func TestReaderCommandWithinMessage(t *testing.T) {
	ping := AppendCommand(nil, "PING", []byte("\x00\x01"))
	stream := append([]byte("\x01\x01a"), ping...)
	stream = append(stream, ping...)
	stream = append(stream, "\x00\x01b"...)
	stream = AppendMessage(stream, []byte("next"))
	want := []string{`false ["a" "b"]`, `true ["\x04PING\x00\x01"]`, `true ["\x04PING\x00\x01"]`, `false ["next"]`}
	for _, n := range []int{1, 2, 5, 1000} {
		got, err := readAll(&source{data: stream, next: one(n)}, Limits{})
		if err != io.EOF || !slices.Equal(got, want) {
			t.Errorf("reads of %d: %q, %v", n, got, err)
		}
	}
}

func TestReaderLimits(t *testing.T) {
	l := Limits{Message: 100, Frames: 3}
	b := func(n int) []byte { return make([]byte, n) }
	flood := []byte("\x01\x01a")
	for range 5 {
		flood = AppendCommand(flood, "PING", []byte("\x00\x01"))
	}
	for _, tc := range []struct {
		name   string
		stream []byte
		want   error
	}{
		{"at the limits", AppendMessage(nil, b(50), b(50), b(0)), io.EOF},
		{"one frame too large", AppendMessage(nil, b(101)), ErrMessageTooLarge},
		{"the sum too large", AppendMessage(nil, b(50), b(51)), ErrMessageTooLarge},
		{"a command too large", AppendCommand(nil, "PING", b(100)), ErrMessageTooLarge},
		{"claimed only", AppendFrameHeader(nil, 0, 1<<40), ErrMessageTooLarge},
		{"four frames", AppendMessage(nil, b(1), b(1), b(1), b(1)), ErrTooManyFrames},
		{"commands without end", flood, ErrTooManyFrames},
		{"reserved flag", []byte("\x10\x01a"), ErrBadFrame},
		{"command and more", []byte("\x05\x01a"), ErrBadFrame},
		{"above 2^63", []byte("\x02\xff\xff\xff\xff\xff\xff\xff\xff"), ErrBadFrame},
	} {
		for _, n := range []int{1, 3, 1000} {
			good := AppendMessage(nil, []byte("good"))
			got, err := readAll(&source{data: append(good, tc.stream...), next: one(n)}, l)
			if !errors.Is(err, tc.want) || len(got) == 0 || got[0] != `false ["good"]` {
				t.Errorf("%s, reads of %d: %q, %v; want %v", tc.name, n, got, err, tc.want)
			}
		}
	}
}

// An error of Next stays: the Reader never resumes at a guess.
func TestReaderErrorIsFinal(t *testing.T) {
	r := NewReader(&source{data: []byte("\x10\x01a\x00\x01a")}, Limits{})
	if err := r.Fill(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, ok, err := r.Next(); ok || !errors.Is(err, ErrBadFrame) {
			t.Fatalf("ok %v, error %v", ok, err)
		}
	}
}

// A size that is claimed costs nothing before a quarter of the bytes are there.
func TestReaderClaimedSize(t *testing.T) {
	const claim = 512 << 20
	for _, sent := range []int{0, firstBlock, 100_000} {
		data := append(AppendFrameHeader(nil, 0, claim), make([]byte, sent)...)
		r := NewReader(&source{data: data}, Limits{Message: claim})
		var err error
		for err == nil {
			if _, ok, err := r.Next(); ok || err != nil {
				t.Fatalf("ok %v, error %v", ok, err)
			}
			err = r.Fill()
		}
		if err != io.ErrUnexpectedEOF {
			t.Fatalf("error %v", err)
		}
		if len(r.block) > max(firstBlock, 4*len(data)) {
			t.Errorf("block of %d bytes for %d", len(r.block), len(data))
		}
	}
}

// The block follows what arrives: up for a stream and for a large message, down
// again behind it.
func TestReaderBlockSize(t *testing.T) {
	const large = 5 << 20
	idle := AppendMessage(nil, []byte("H"))
	stream := bytes.Repeat(AppendMessage(nil, make([]byte, 1000)), 2000)
	src := &source{}
	r := NewReader(src, Limits{})
	feed := func(data []byte, read int) (largest int) {
		src.data, src.sent, src.next = data, 0, one(read)
		for src.sent < len(data) {
			if err := r.Fill(); err != nil {
				t.Fatal(err)
			}
			for ok := true; ok; {
				var err error
				if _, ok, err = r.Next(); err != nil {
					t.Fatal(err)
				}
			}
			largest = max(largest, len(r.block))
		}
		return largest
	}
	if got := feed(idle, 1<<20); got != firstBlock {
		t.Errorf("idle: block of %d", got)
	}
	if got := feed(stream, 1<<20); got != DefaultBlock {
		t.Errorf("stream: block of %d", got)
	}
	if got := feed(AppendMessage(nil, make([]byte, large)), 1<<20); got < large || got > 2*large {
		t.Errorf("large message: block of %d", got)
	}
	if feed(idle, 1<<20); len(r.block) != DefaultBlock {
		t.Errorf("after a large message: block of %d", len(r.block))
	}
	if feed(bytes.Repeat(idle, 10*quietReads), len(idle)); len(r.block) != firstBlock {
		t.Errorf("idle again: block of %d", len(r.block))
	}
}

// What Detach covers never changes, whatever is read later; without it the
// block is used again.
func TestReaderDetach(t *testing.T) {
	rnd := rand.New(rand.NewSource(1))
	var stream []byte
	var want []string
	for i := range 3000 {
		content := bytes.Repeat([]byte{byte(i)}, rnd.Intn(2000)+1)
		if i%500 == 499 {
			content = bytes.Repeat([]byte{byte(i)}, 400<<10)
		}
		stream = AppendMessage(stream, fmt.Appendf(nil, "%d", i), content)
		want = append(want, text(Msg{Frames: [][]byte{fmt.Appendf(nil, "%d", i), content}}))
	}
	src := &source{data: stream, next: func() int { return rnd.Intn(100_000) + 1 }}
	r := NewReader(src, Limits{})
	var kept []Msg
	blocks := map[*byte]bool{}
	for len(kept) < len(want) {
		if err := r.Fill(); err != nil {
			t.Fatal(err)
		}
		blocks[&r.block[0]] = true
		for {
			m, ok, err := r.Next()
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				break
			}
			m.Frames = slices.Clone(m.Frames)
			kept = append(kept, m)
		}
		r.Detach()
	}
	for i, m := range kept {
		if got := text(m); got != want[i] {
			t.Fatalf("message %d changed: %.80s, want %.80s", i, got, want[i])
		}
	}
	// A quarter of a block may be left behind, the rest is used.
	if limit := 2*len(stream)/DefaultBlock + 30; len(blocks) > limit {
		t.Errorf("%d blocks for %d bytes, limit %d", len(blocks), len(stream), limit)
	}
}

// A small message detached must not pin more than its share: the next ones go
// behind it in the same block.
func TestReaderDetachUsesTheBlock(t *testing.T) {
	src := &source{data: bytes.Repeat(AppendMessage(nil, []byte("small")), 300), next: one(7)}
	r := NewReader(src, Limits{})
	var blocks int
	var last *byte
	for range 300 {
		if err := r.Fill(); err != nil {
			t.Fatal(err)
		}
		if _, ok, err := r.Next(); !ok || err != nil {
			t.Fatal(ok, err)
		}
		r.Detach()
		if &r.block[0] != last {
			last, blocks = &r.block[0], blocks+1
		}
	}
	if blocks != 1 {
		t.Errorf("%d blocks for 2,100 bytes", blocks)
	}
}

// The block in which a large message begins may be the caller's; it is not used
// again behind that message.
func TestReaderDetachBeforeLarge(t *testing.T) {
	stream := bytes.Repeat(AppendMessage(nil, make([]byte, 1000)), 1000) // up to the full block
	before := len(stream)
	stream = AppendMessage(stream, []byte("keep me"))
	stream = AppendMessage(stream, make([]byte, 1<<20))
	stream = append(stream, bytes.Repeat([]byte("\x00\x01x"), 1_000_000)...)
	src := &source{data: stream[:before]}
	r := NewReader(src, Limits{})
	var kept []byte
	for {
		m, ok, err := r.Next()
		switch {
		case err != nil:
			t.Fatal(err)
		case ok && len(m.Frames[0]) == 7:
			kept = m.Frames[0]
			r.Detach()
		case ok:
		case src.sent == before:
			src.data = stream // the next read begins with the message to keep
			fallthrough
		default:
			if err := r.Fill(); err == io.EOF {
				if string(kept) != "keep me" {
					t.Errorf("kept %q", kept)
				}
				return
			} else if err != nil {
				t.Fatal(err)
			}
		}
	}
}

// both returns bytes and an error from one read, as a Reader may.
type both struct {
	data []byte
	err  error
}

func (b *both) Read(p []byte) (int, error) {
	n := copy(p, b.data)
	b.data = b.data[n:]
	return n, b.err
}

func TestReaderErrors(t *testing.T) {
	src := &both{data: AppendMessage(nil, []byte("a")), err: os.ErrDeadlineExceeded}
	r := NewReader(src, Limits{})
	if err := r.Fill(); err != nil {
		t.Fatalf("the bytes come first: %v", err)
	}
	if m, ok, err := r.Next(); !ok || err != nil || text(m) != `false ["a"]` {
		t.Fatalf("%v %v %v", m, ok, err)
	}
	if err := r.Fill(); err != os.ErrDeadlineExceeded {
		t.Fatalf("then the error: %v", err)
	}
	// After a time-out in the middle of a message it goes on.
	whole := AppendMessage(nil, []byte("bcd"))
	src.data, src.err = whole[:3], nil
	if err := r.Fill(); err != nil {
		t.Fatal(err)
	}
	src.err = os.ErrDeadlineExceeded
	if err := r.Fill(); err != os.ErrDeadlineExceeded {
		t.Fatal(err)
	}
	src.data, src.err = whole[3:], io.EOF
	if err := r.Fill(); err != nil {
		t.Fatal(err)
	}
	if m, ok, err := r.Next(); !ok || err != nil || text(m) != `false ["bcd"]` {
		t.Fatalf("%v %v %v", m, ok, err)
	}
	if err := r.Fill(); err != io.EOF {
		t.Fatalf("end: %v", err)
	}
}

// loop delivers the same bytes for ever, in reads that do not fit them.
type loop struct {
	data []byte
	at   int
}

func (l *loop) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		m := copy(p[n:], l.data[l.at:])
		n, l.at = n+m, (l.at+m)%len(l.data)
	}
	return n, nil
}

func records(n int) []byte {
	var b []byte
	for range n {
		b = AppendMessage(b, make([]byte, 60), make([]byte, 100))
	}
	return b
}

func TestReaderAllocatesNothing(t *testing.T) {
	r := NewReader(&loop{data: append(records(1), AppendCommand(nil, "PING", []byte("\x00\x01"))...)}, Limits{})
	var messages int
	round := func() {
		if err := r.Fill(); err != nil {
			t.Fatal(err)
		}
		for {
			m, ok, err := r.Next()
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				return
			}
			messages += len(m.Frames)
		}
	}
	for range 10 {
		round()
	}
	if n := testing.AllocsPerRun(100, round); n != 0 {
		t.Errorf("%v allocations a round", n)
	}
	if messages < 100_000 {
		t.Errorf("only %d messages", messages)
	}
}

// A thousand idle links cost what their first blocks do.
func TestReaderIdleMemory(t *testing.T) {
	const links = 1000
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	readers := make([]*Reader, links)
	for i := range readers {
		readers[i] = NewReader(&source{data: AppendMessage(nil, []byte("H"))}, Limits{})
		if err := readers[i].Fill(); err != nil {
			t.Fatal(err)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if used := int64(after.HeapAlloc) - int64(before.HeapAlloc); used > links*6<<10 {
		t.Errorf("%d bytes a link", used/links)
	}
	runtime.KeepAlive(readers)
}

func BenchmarkReader(b *testing.B) {
	message := len(records(1))
	next := func(r *Reader) (bool, error) {
		_, ok, err := r.Next()
		return ok, err
	}
	pair := func(r *Reader) (bool, error) {
		if _, ok := r.Pair(); ok {
			return true, nil
		}
		return next(r)
	}
	for _, c := range []struct {
		name   string
		next   func(*Reader) (bool, error)
		detach bool
	}{{"next", next, false}, {"pair", pair, false}, {"next/detach", next, true}, {"pair/detach", pair, true}} {
		b.Run(c.name, func(b *testing.B) {
			r := NewReader(&loop{data: records(1000)}, Limits{})
			b.SetBytes(int64(message))
			b.ReportAllocs()
			for i := 0; i < b.N; {
				if err := r.Fill(); err != nil {
					b.Fatal(err)
				}
				for {
					ok, err := c.next(r)
					if err != nil {
						b.Fatal(err)
					}
					if !ok {
						break
					}
					i++
				}
				if c.detach {
					r.Detach()
				}
			}
		})
	}
}
