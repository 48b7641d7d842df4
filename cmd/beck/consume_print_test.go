package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/beckmesh/beck"
)

// polled is a consumer that gives what it is told to, and then its end.
type polled struct {
	batches []polledBatch
	most    []int // what was asked for
}

type polledBatch struct {
	values []string
	err    error
}

func (p *polled) PollInto(_ context.Context, dst []beck.Record) (int, error) {
	p.most = append(p.most, len(dst))
	if len(p.batches) == 0 {
		return 0, io.EOF
	}
	b := &p.batches[0]
	if b.err != nil {
		p.batches = p.batches[1:]
		return 0, b.err
	}
	n := min(len(dst), len(b.values))
	for i, v := range b.values[:n] {
		dst[i] = beck.Record{Topic: "t", Partition: "P", Offset: uint64(i), Value: []byte(v)}
	}
	if b.values = b.values[n:]; len(b.values) == 0 {
		p.batches = p.batches[1:]
	}
	return n, nil
}

// writes records each write.
type writes struct {
	texts []string
	err   error
}

func (w *writes) Write(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	w.texts = append(w.texts, string(p))
	return len(p), nil
}

// testPrinter returns a printer to w without a consumer behind it.
func testPrinter(w io.Writer, errOut io.Writer) *printer {
	return &printer{
		out: bufio.NewWriterSize(w, 1<<10), delimiter: []byte("\n"), errOut: errOut,
		saver: newSaver(context.Background(), nil),
	}
}

func TestPrinterGathers(t *testing.T) {
	var w writes
	p := testPrinter(&w, nil)
	in := &polled{batches: []polledBatch{{values: []string{"a", "b"}}, {values: []string{"", "c"}}}}
	if err := p.run(context.Background(), in); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%q", w.texts); got != `["a\nb\n" "\nc\n"]` {
		t.Errorf("wrote %s: want a write for what is there at once", got)
	}
}

func TestPrinterUnbuffered(t *testing.T) {
	var w writes
	p := testPrinter(&w, nil)
	p.unbuffered, p.delimiter = true, []byte("--")
	in := &polled{batches: []polledBatch{{values: []string{"a", "b"}}}}
	if err := p.run(context.Background(), in); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%q", w.texts); got != `["a--" "b--"]` {
		t.Errorf("wrote %s: want a write for each record", got)
	}
}

// TestPrinterLimit: no more are asked for than are printed, unless some may be
// passed over.
func TestPrinterLimit(t *testing.T) {
	for _, picks := range []bool{false, true} {
		var w writes
		p := testPrinter(&w, nil)
		p.left = 3
		if picks {
			odd := regexp.MustCompile("[13579]")
			p.pick = func(r *beck.Record) fate {
				if !odd.Match(r.Value) {
					return passOver
				}
				return printIt
			}
		}
		in := &polled{batches: []polledBatch{{values: []string{"1", "2"}}, {values: []string{"3", "4", "5", "6", "7"}}}}
		if err := p.run(context.Background(), in); err != nil {
			t.Fatal(err)
		}
		want, asked := "1\n2\n3\n", "[3 1]"
		if picks {
			want, asked = "1\n3\n5\n", fmt.Sprint([]int{pollRecords, pollRecords})
		}
		if got := strings.Join(w.texts, ""); got != want || fmt.Sprint(in.most) != asked {
			t.Errorf("printed %q after asking for %v; want %q and %s", got, in.most, want, asked)
		}
	}
}

// TestPrinterSeen: what was passed over is done with, what is behind the limit or
// none of ours is not.
func TestPrinterSeen(t *testing.T) {
	p := testPrinter(io.Discard, nil)
	p.left = 2
	p.pick = func(r *beck.Record) fate {
		return map[string]fate{"pass": passOver, "leave": leaveIt}[string(r.Value)]
	}
	var records []beck.Record
	for i, v := range []string{"pass", "print", "leave", "print", "pass", "print"} {
		records = append(records, beck.Record{Offset: uint64(i), Value: []byte(v)})
	}
	seen, err := p.each(context.Background(), records)
	var offsets []uint64
	for _, r := range seen {
		offsets = append(offsets, r.Offset)
	}
	if got := fmt.Sprint(offsets); err != nil || got != "[0 1 3]" {
		t.Errorf("seen are %s, %v", got, err)
	}
}

func TestPrinterUnreadable(t *testing.T) {
	var w writes
	var errOut bytes.Buffer
	p := testPrinter(&w, &errOut)
	in := &polled{batches: []polledBatch{
		{values: []string{"a"}}, {err: fmt.Errorf("t/P@1: %w", beck.ErrValue)}, {values: []string{"b"}},
	}}
	err := p.run(context.Background(), in)
	if err == nil || err.Error() != "1 of the records could not be read; 2 were printed" {
		t.Errorf("ended with %v", err)
	}
	if got := strings.Join(w.texts, ""); got != "a\nb\n" || errOut.String() != "beck: t/P@1: value cannot be read; it is left out\n" {
		t.Errorf("printed %q, said %q", got, &errOut)
	}
}

func TestPrinterErrors(t *testing.T) {
	broken := errors.New("no space left")
	p := testPrinter(&writes{err: broken}, nil)
	in := &polled{batches: []polledBatch{{values: []string{"a"}}}}
	if err := p.run(context.Background(), in); !errors.Is(err, broken) || !strings.Contains(err.Error(), "standard output") {
		t.Errorf("writing ended with %v", err)
	}
	p = testPrinter(io.Discard, nil)
	in = &polled{batches: []polledBatch{{values: []string{"a"}}, {err: beck.ErrUnanswered}}}
	if err := p.run(context.Background(), in); !errors.Is(err, beck.ErrUnanswered) {
		t.Errorf("polling ended with %v", err)
	}
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	in = &polled{batches: []polledBatch{{err: gone.Err()}}}
	if err := p.run(gone, in); !errors.Is(err, context.Canceled) {
		t.Errorf("the end of the context is %v", err)
	}
}

func TestTranslatorBounds(t *testing.T) {
	l := limited{limit: 3}
	if _, err := l.Write([]byte("ab")); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Write([]byte("cd")); err == nil || string(l.bytes) != "ab" {
		t.Errorf("%q, %v", l.bytes, err)
	}
	l.drop = true
	if n, err := l.Write([]byte("cd")); n != 2 || err != nil || string(l.bytes) != "abc" {
		t.Errorf("%q, %d, %v", l.bytes, n, err)
	}
}
