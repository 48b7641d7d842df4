package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/split"
	"github.com/spf13/cobra"
)

// input is what the flags say of where the records come from.
type input struct {
	lines     string // of --lines
	files     []string
	text      string
	hasText   bool
	json      bool
	null      bool
	delimiter delimiter
	keyDelim  delimiter
}

// check returns what is wrong with flags together.
func (f *input) check(cmd *cobra.Command) error {
	changed := cmd.Flags().Changed
	switch {
	case f.delimiter.set && len(f.delimiter.bytes) == 0:
		return usagef("--delimiter: want at least one byte")
	case f.keyDelim.set && len(f.keyDelim.bytes) == 0:
		return usagef("--key-delimiter: want at least one byte")
	case changed("lines") && f.lines == "":
		return usagef("--lines: no file given; - is standard input")
	case changed("lines") && (f.hasText || len(f.files) > 0):
		return usagef("--lines and an argument behind TOPIC: want one of them")
	}
	for _, other := range []string{"delimiter", "key-delimiter", "null"} {
		switch {
		case f.json && changed(other):
			return usagef("--json and --%s: a line of JSON says all of its record", other)
		case (f.hasText || len(f.files) > 0) && changed(other):
			return usagef("--%s is of no use to files and texts: each is a record", other)
		}
	}
	if f.json && (f.hasText || len(f.files) > 0) {
		return usagef("--json reads lines: of standard input, or of the file that --lines names")
	}
	return nil
}

// source yields records.
type source interface {
	// next fills b with at least one record and returns nil; or with those that were
	// still good, and what ended them: io.EOF, an error that names its place, or the
	// end of ctx.
	next(ctx context.Context, b *batch) error
}

// batch is some records, which alias its memory.
type batch struct {
	records []beck.Record
	names   func(i int) string // what record i is called in errors
	from    int64              // bytes of a file before these records
	to      int64              // and with them
	block   split.Block
	space   []byte
	ends    []int
}

// reading is an open source.
type reading struct {
	source
	total int64        // bytes or records that it will give; 0: who knows
	bytes *countReader // what total counts; nil: records
	close func()
}

// next is the source's, and says how far it has come in a file.
func (r *reading) next(ctx context.Context, b *batch) error {
	if r.bytes == nil {
		return r.source.next(ctx, b)
	}
	b.from = r.bytes.n
	err := r.source.next(ctx, b)
	b.to = r.bytes.n
	return err
}

// countReader counts what is read of a file.
type countReader struct {
	in io.Reader
	n  int64
}

func (c *countReader) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.n += int64(n)
	return n, err
}

// open opens where the records come from. No record is longer than most.
func (f *produceFlags) open(cmd *cobra.Command, most int) (*reading, error) {
	switch {
	case f.hasText:
		return f.openText(most)
	case len(f.files) > 0:
		return f.openFiles(most)
	}
	file, close := cmd.InOrStdin(), func() {}
	if f.lines != "" && f.lines != "-" {
		opened, err := os.Open(f.lines)
		if err != nil {
			return nil, usagef("--lines: %w", err)
		}
		file, close = opened, func() { opened.Close() }
	}
	count := &countReader{in: file}
	r := &reading{total: sizeOf(file), bytes: count, close: close}
	if f.json {
		r.source = &jsonSource{in: split.New(count, []byte("\n"), jsonLine(most)), topic: f.topic}
	} else {
		r.source = &lineSource{in: split.New(count, f.delimiter.bytes, most), topic: f.topic, key: f.keyDelim.bytes, null: f.null}
	}
	return r, nil
}

// sizeOf returns how many bytes are left of a regular file, 0 of anything else.
func sizeOf(in io.Reader) int64 {
	file, ok := in.(*os.File)
	if !ok {
		return 0
	}
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return 0
	}
	at, err := file.Seek(0, io.SeekCurrent)
	if err != nil {
		return 0
	}
	return max(0, info.Size()-at)
}

// openFiles checks that there is a file behind each name before anything is sent.
func (f *produceFlags) openFiles(most int) (*reading, error) {
	for _, name := range f.files {
		info, err := os.Stat(name)
		switch {
		case errors.Is(err, os.ErrNotExist):
			return nil, usagef("%s: there is no such file; a text is published with --count 1", name)
		case err != nil:
			return nil, usagef("%w", err)
		case info.IsDir():
			return nil, usagef("%s: a directory: want a file, which becomes a record", name)
		case info.Mode().IsRegular() && info.Size() > int64(most):
			return nil, fmt.Errorf("%s: %w: %d bytes of %d; nothing was published", name, beck.ErrTooLarge, info.Size(), most)
		}
	}
	return &reading{source: &fileSource{files: f.files, topic: f.topic, limit: most}, total: int64(len(f.files)), close: func() {}}, nil
}
