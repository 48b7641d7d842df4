package main

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

// readLines returns copies of all lines and what ended them.
func readLines(r *lineReader) (lines []string, err error) {
	var b block
	for err == nil {
		err = r.next(&b)
		for _, line := range b.lines {
			lines = append(lines, string(line))
		}
	}
	return lines, err
}

func TestLineReader(t *testing.T) {
	for _, test := range []struct {
		name, in string
		want     []string
	}{
		{"nothing", "", nil},
		{"one", "a\n", []string{"a"}},
		{"last without newline", "a\nb", []string{"a", "b"}},
		{"only without newline", "a", []string{"a"}},
		{"empty lines", "\n\na\n\n", []string{"", "", "a", ""}},
		{"carriage return stays", "a\r\nb", []string{"a\r", "b"}},
		{"NUL stays", "a\x00b\n", []string{"a\x00b"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for name, in := range map[string]io.Reader{
				"at once":          strings.NewReader(test.in),
				"byte by byte":     iotest.OneByteReader(strings.NewReader(test.in)),
				"error with bytes": iotest.DataErrReader(strings.NewReader(test.in)),
			} {
				got, err := readLines(&lineReader{in: in, limit: 100})
				if err != io.EOF || !slices.Equal(got, test.want) {
					t.Errorf("%s: got %q, %v; want %q", name, got, err, test.want)
				}
			}
		})
	}
}

func TestLineReaderAnyInput(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOf(rapid.StringMatching(`[a-c]{0,5}`)).Draw(t, "lines")
		in := strings.Join(want, "\n")
		if len(want) > 0 {
			in += "\n"
		}
		sizes := rapid.SliceOfN(rapid.IntRange(1, 9), 1, 9).Draw(t, "reads")
		got, err := readLines(&lineReader{in: &choppy{data: in, sizes: sizes}, limit: 5})
		if err != io.EOF || !slices.Equal(got, want) {
			t.Fatalf("got %q, %v; want %q", got, err, want)
		}
	})
}

// choppy is a reader whose reads return the given sizes in turn.
type choppy struct {
	data  string
	sizes []int
	turn  int
}

func (c *choppy) Read(p []byte) (int, error) {
	if c.data == "" {
		return 0, io.EOF
	}
	size := min(len(p), len(c.data), c.sizes[c.turn%len(c.sizes)])
	c.turn++
	n := copy(p, c.data[:size])
	c.data = c.data[n:]
	return n, nil
}

func TestLineReaderLongLines(t *testing.T) {
	long := bytes.Repeat([]byte("x"), 3*lineBlock)
	in := append(append([]byte("short\n"), long...), "\nend\n"...)
	got, err := readLines(&lineReader{in: bytes.NewReader(in), limit: len(long)})
	if err != io.EOF || len(got) != 3 || got[1] != string(long) || got[2] != "end" {
		t.Fatalf("%d lines, %v", len(got), err)
	}
	got, err = readLines(&lineReader{in: bytes.NewReader(in), limit: len(long) - 1})
	if err == nil || !strings.Contains(err.Error(), "line 2 is longer") || !slices.Equal(got, []string{"short"}) {
		t.Fatalf("too long: %d lines, %v", len(got), err)
	}
}

// TestLineReaderBoundsMemory feeds a line without end.
func TestLineReaderBoundsMemory(t *testing.T) {
	read := 0
	endless := readerFunc(func(p []byte) (int, error) { read += len(p); return len(p), nil })
	_, err := readLines(&lineReader{in: endless, limit: 1 << 20})
	if err == nil || read > 4<<20 {
		t.Fatalf("read %d bytes, %v", read, err)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestLineReaderReadError(t *testing.T) {
	broken := errors.New("broken pipe")
	got, err := readLines(&lineReader{in: io.MultiReader(strings.NewReader("a\nb"), iotest.ErrReader(broken)), limit: 9})
	if !errors.Is(err, broken) || !slices.Equal(got, []string{"a"}) {
		t.Fatalf("got %q, %v", got, err)
	}
}
