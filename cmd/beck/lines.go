package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// lineBlock is how much of the input is read at once.
const lineBlock = 256 << 10

// lineReader cuts its input into lines. It returns as many as there are
// without waiting, so that a pipe's line is published when it is written and a
// file's lines by the thousand, and knows no limit but the one it is given.
type lineReader struct {
	in    io.Reader
	limit int    // longest line in bytes, without its newline
	rest  []byte // the begun line behind the last block
	count int    // lines returned, for errors
}

// block is some whole lines: they alias data, which the next use overwrites.
type block struct {
	data  []byte
	lines [][]byte
}

// next fills b with at least one line, each without its newline, and returns
// nil; or with the lines that were still good and what ended the input: io.EOF
// or an error. A last line without newline counts as a line.
func (l *lineReader) next(b *block) error {
	b.data, b.lines = append(b.data[:0], l.rest...), b.lines[:0]
	l.rest = l.rest[:0]
	for {
		b.data = roomFor(b.data, lineBlock)
		old := len(b.data)
		n, err := l.in.Read(b.data[old:cap(b.data)])
		b.data = b.data[:old+n]
		if end := old + bytes.LastIndexByte(b.data[old:], '\n') + 1; end > old {
			l.rest = append(l.rest, b.data[end:]...)
			b.data = b.data[:end]
			if cutErr := l.cut(b); cutErr != nil {
				return cutErr
			}
		} else if len(b.data) > l.limit {
			return l.tooLong()
		}
		switch {
		case err == nil && len(b.lines) > 0:
			return nil
		case err != nil:
			return l.last(b, err)
		}
	}
}

// last adds the unfinished line that the input ended with.
func (l *lineReader) last(b *block, err error) error {
	rest := l.rest
	if len(b.lines) == 0 {
		rest = b.data
	}
	if !errors.Is(err, io.EOF) {
		return err
	}
	if len(rest) > l.limit {
		return l.tooLong()
	}
	if len(rest) > 0 {
		b.lines = append(b.lines, rest)
		l.count++
	}
	return io.EOF
}

// cut splits b.data, which ends with a newline.
func (l *lineReader) cut(b *block) error {
	for line := range bytes.Lines(b.data) {
		line = line[:len(line)-1]
		if len(line) > l.limit {
			return l.tooLong()
		}
		b.lines = append(b.lines, line)
		l.count++
	}
	return nil
}

func (l *lineReader) tooLong() error {
	return fmt.Errorf("line %d is longer than the %d bytes that a record of this topic can hold", l.count+1, l.limit)
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
