package split

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

// readAll returns copies of all records and what ended them.
func readAll(r *Reader) (records []string, err error) {
	var b Block
	for err == nil {
		err = r.Next(&b)
		for _, record := range b.Records {
			records = append(records, string(record))
		}
	}
	return records, err
}

func TestNext(t *testing.T) {
	for _, test := range []struct {
		name, delim, in string
		want            []string
	}{
		{"nothing", "\n", "", nil},
		{"one", "\n", "a\n", []string{"a"}},
		{"last without newline", "\n", "a\nb", []string{"a", "b"}},
		{"only without newline", "\n", "a", []string{"a"}},
		{"empty lines", "\n", "\n\na\n\n", []string{"", "", "a", ""}},
		{"carriage return stays", "\n", "a\r\nb", []string{"a\r", "b"}},
		{"NUL stays", "\n", "a\x00b\n", []string{"a\x00b"}},
		{"NUL cuts", "\x00", "a\n\x00b", []string{"a\n", "b"}},
		{"two bytes", "\r\n", "a\r\nb\rc\nd\r\n\r\n", []string{"a", "b\rc\nd", ""}},
		{"half a delimiter at the end", "--", "a--b-", []string{"a", "b-"}},
		{"overlapping itself", "--", "a---b", []string{"a", "-b"}},
		{"only delimiters", "aba", "ababaaba", []string{"", "ba"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for name, in := range map[string]io.Reader{
				"at once":          strings.NewReader(test.in),
				"byte by byte":     iotest.OneByteReader(strings.NewReader(test.in)),
				"error with bytes": iotest.DataErrReader(strings.NewReader(test.in)),
			} {
				got, err := readAll(New(in, []byte(test.delim), 100))
				if err != io.EOF || !slices.Equal(got, test.want) {
					t.Errorf("%s: got %q, %v; want %q", name, got, err, test.want)
				}
			}
		})
	}
}

// TestAnyInput compares with what the whole input is cut into, however it comes.
func TestAnyInput(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.StringMatching(`[ab\n]{0,40}`).Draw(t, "in")
		delim := rapid.StringMatching(`[ab\n]{1,3}`).Draw(t, "delim")
		sizes := rapid.SliceOfN(rapid.IntRange(1, 9), 1, 9).Draw(t, "reads")
		want := strings.Split(in, delim)
		if want[len(want)-1] == "" {
			want = want[:len(want)-1]
		}
		got, err := readAll(New(&choppy{data: in, sizes: sizes}, []byte(delim), 40))
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

func TestLongRecords(t *testing.T) {
	for _, delim := range []string{"\n", "=--="} {
		long := strings.Repeat("x", 3*blockBytes)
		in := "short" + delim + long + delim + "end" + delim
		got, err := readAll(New(strings.NewReader(in), []byte(delim), len(long)))
		if err != io.EOF || !slices.Equal(got, []string{"short", long, "end"}) {
			t.Fatalf("%d records, %v", len(got), err)
		}
		r := New(strings.NewReader(in), []byte(delim), len(long)-1)
		got, err = readAll(r)
		if err == nil || !strings.Contains(err.Error(), r.Unit()+" 2 is longer than the") || !slices.Equal(got, []string{"short"}) {
			t.Fatalf("too long: %d records, %v", len(got), err)
		}
	}
}

// TestLimit: a record of the limit is good and one of a byte more is not, also as
// the last one.
func TestLimit(t *testing.T) {
	for in, good := range map[string]bool{"abc--": true, "abc": true, "abc-": false, "abcd--": false, "abcd": false, "a--abc--": true} {
		_, err := readAll(New(iotest.OneByteReader(strings.NewReader(in)), []byte("--"), 3))
		if good != (err == io.EOF) {
			t.Errorf("%q: %v", in, err)
		}
	}
}

// TestBoundsMemory feeds a record without end.
func TestBoundsMemory(t *testing.T) {
	read := 0
	endless := readerFunc(func(p []byte) (int, error) { read += len(p); return len(p), nil })
	_, err := readAll(New(endless, []byte("\n"), 1<<20))
	if err == nil || read > 3<<20 {
		t.Fatalf("read %d bytes, %v", read, err)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestReadError(t *testing.T) {
	broken := errors.New("broken pipe")
	got, err := readAll(New(io.MultiReader(strings.NewReader("a\nb"), iotest.ErrReader(broken)), []byte("\n"), 9))
	if !errors.Is(err, broken) || !slices.Equal(got, []string{"a"}) {
		t.Fatalf("got %q, %v", got, err)
	}
}

func FuzzNext(f *testing.F) {
	f.Add([]byte("a--b"), []byte("--"), uint8(3))
	f.Add([]byte("\n\n"), []byte("\n"), uint8(1))
	f.Fuzz(func(t *testing.T, in, delim []byte, size uint8) {
		if len(delim) == 0 {
			return
		}
		want := bytes.Split(in, delim)
		if len(want[len(want)-1]) == 0 {
			want = want[:len(want)-1]
		}
		got, err := readAll(New(&choppy{data: string(in), sizes: []int{int(size) + 1}}, delim, len(in)))
		if err != io.EOF || len(got) != len(want) {
			t.Fatalf("%d records, %v; want %d", len(got), err, len(want))
		}
		for i := range got {
			if got[i] != string(want[i]) {
				t.Fatalf("record %d is %q, want %q", i, got[i], want[i])
			}
		}
	})
}
