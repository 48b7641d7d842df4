// Package split cuts an input into the records that it consists of, each with a
// delimiter of one or more bytes behind it.
package split

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// blockBytes is how much of the input is read at once.
const blockBytes = 256 << 10

// Reader cuts its input. It returns as many records as there are without waiting,
// so that what comes through a pipe is there when it is written, and a file's
// records by the thousand. A record is never cut or copied beyond its limit.
type Reader struct {
	in    io.Reader
	delim []byte
	limit int    // longest record in bytes
	rest  []byte // the begun record behind the last block, and maybe some of its delimiter
	count int    // records returned, for errors
}

// New returns a reader of records of at most limit bytes, without delim, which is
// behind each of them and not empty. Where it overlaps itself, the first place
// counts: "a---b" with "--" is "a" and "-b".
func New(in io.Reader, delim []byte, limit int) *Reader {
	return &Reader{in: in, delim: delim, limit: limit}
}

// Block is some whole records. They alias its memory, which the next use of the
// block overwrites.
type Block struct {
	Records [][]byte
	data    []byte
}

// Next fills b with at least one record, without its delimiter, and returns nil; or
// with the records that were still good and what ended the input: io.EOF, an error
// of reading, or a record that is too long, by its number from 1. What the input
// ends with is a record even without a delimiter, unless it is empty.
func (r *Reader) Next(b *Block) error {
	b.data, b.Records = append(b.data[:0], r.rest...), b.Records[:0]
	r.rest = r.rest[:0]
	for {
		b.data = roomFor(b.data, blockBytes)
		old := len(b.data)
		n, err := r.in.Read(b.data[old:cap(b.data)])
		b.data = b.data[:old+n]
		begun, cutErr := r.cut(b, max(0, old-len(r.delim)+1))
		switch {
		case cutErr != nil:
			return cutErr
		case err != nil:
			return r.last(b, begun, err)
		case len(b.Records) > 0:
			r.rest = append(r.rest, begun...)
			return nil
		}
	}
}

// cut adds the records whose delimiter is in b.data, and returns what is behind the
// last of them. The first delimiter does not begin before from.
func (r *Reader) cut(b *Block, from int) (begun []byte, err error) {
	start := 0
	for {
		n := r.index(b.data[from:])
		if n < 0 {
			break
		}
		if from+n-start > r.limit {
			return nil, r.tooLong()
		}
		b.Records = append(b.Records, b.data[start:from+n])
		r.count++
		from += n + len(r.delim)
		start = from
	}
	if begun = b.data[start:]; len(begun)-len(r.delim) >= r.limit {
		return nil, r.tooLong()
	}
	return begun, nil
}

// index is bytes.Index, without its detour for the usual delimiter.
func (r *Reader) index(data []byte) int {
	if len(r.delim) == 1 {
		return bytes.IndexByte(data, r.delim[0])
	}
	return bytes.Index(data, r.delim)
}

// last adds the unfinished record that the input ended with.
func (r *Reader) last(b *Block, begun []byte, err error) error {
	switch {
	case !errors.Is(err, io.EOF):
		return err
	case len(begun) > r.limit:
		return r.tooLong()
	case len(begun) > 0:
		b.Records = append(b.Records, begun)
		r.count++
	}
	return io.EOF
}

func (r *Reader) tooLong() error {
	return fmt.Errorf("%s %d is longer than the %d bytes allowed", r.Unit(), r.count+1, r.limit)
}

// Count returns how many records were returned so far.
func (r *Reader) Count() int { return r.count }

// Unit is what errors call a record of the input: "line", or "record" where the
// delimiter is no newline.
func (r *Reader) Unit() string {
	if string(r.delim) == "\n" {
		return "line"
	}
	return "record"
}

// roomFor returns data with at least n free bytes behind it.
func roomFor(data []byte, n int) []byte {
	if cap(data)-len(data) >= n {
		return data
	}
	grown := make([]byte, len(data), max(2*cap(data), len(data)+n))
	copy(grown, data)
	return grown
}
