package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/format"
	"github.com/beckmesh/beck/internal/jsonl"
	"github.com/spf13/cobra"
)

const (
	pollRecords = 4096      // records taken from the consumer at once
	outputBytes = 256 << 10 // output gathered for one write
)

// printer writes records to the output. Where nothing but values is printed it
// looks at nothing else.
type printer struct {
	out        *bufio.Writer
	delimiter  []byte                                    // behind each value, with show nil
	show       func(dst []byte, r *beck.Record) []byte   // how else to print a record
	pick       func(r *beck.Record) fate                 // nil: all are printed
	change     func(context.Context, *beck.Record) error // nil: none is changed
	unbuffered bool
	left       int64         // records to print at most; 0 is no limit
	printed    uint64        // so far
	said       atomic.Uint64 // printed, as of the last write, for other goroutines
	errOut     io.Writer     // where records are named that cannot be read
	unreadable int
	saver      *saver
}

// fate is what becomes of a record.
type fate int

const (
	printIt  fate = iota
	passOver      // it is done with, and not printed
	leaveIt       // it is not part of what was asked for, and not saved as seen
)

// printer returns a printer to the command's output.
func (f *consumeFlags) printer(ctx context.Context, cmd *cobra.Command, how *format.Format) *printer {
	p := &printer{
		out:    bufio.NewWriterSize(cmd.OutOrStdout(), outputBytes),
		errOut: cmd.ErrOrStderr(), delimiter: f.delimiter.bytes, unbuffered: f.unbuffered, left: f.count, pick: f.picker(),
	}
	switch {
	case f.json:
		p.show = jsonl.Append
	case how != nil:
		p.show = how.Append
	}
	if f.translate != "" {
		p.change = newTranslator(f.translate).change
	}
	return p
}

// poller is what a printer needs of a consumer.
type poller interface {
	PollInto(ctx context.Context, dst []beck.Record) (int, error)
}

// run prints until ctx ends (its error), the limit, the consumer's end (nil), or an
// error. What is there at once is gathered for one write; before it waits for
// more, everything is written.
func (p *printer) run(ctx context.Context, c poller) error {
	space := make([]beck.Record, pollRecords)
	for {
		most := pollRecords
		if p.left > 0 && p.pick == nil {
			most = int(min(p.left-int64(p.printed), pollRecords))
		}
		n, err := c.PollInto(ctx, space[:most])
		done, writeErr := p.write(ctx, space[:n])
		clear(space[:n]) // whatever is not needed any more can be forgotten while we wait
		switch {
		case writeErr != nil && ctx.Err() == nil:
			return writeErr
		case done, errors.Is(err, io.EOF):
			return p.ended()
		case ctx.Err() != nil:
			return cmp.Or(p.ended(), ctx.Err())
		case errors.Is(err, beck.ErrValue):
			p.unreadable++
			fmt.Fprintf(p.errOut, "beck: %v; it is left out\n", err)
		case err != nil:
			return err
		}
	}
}

// ended is how printing ends that nothing cut short.
func (p *printer) ended() error {
	if p.unreadable > 0 {
		return fmt.Errorf("%d of the records could not be read; %d were printed", p.unreadable, p.printed)
	}
	return nil
}

// write prints records, and reports whether these were all that were wanted.
func (p *printer) write(ctx context.Context, records []beck.Record) (done bool, err error) {
	seen := records
	if p.plain() {
		p.values(records)
	} else {
		seen, err = p.each(ctx, records)
	}
	if flushErr := p.out.Flush(); flushErr != nil {
		return false, fmt.Errorf("writing standard output: %w", flushErr)
	}
	p.said.Store(p.printed)
	p.saver.wrote(seen)
	if err != nil {
		return false, fmt.Errorf("%w; %d of the records were printed before it", err, p.printed)
	}
	return p.left > 0 && p.printed >= uint64(p.left), nil
}

// plain reports whether all records are printed as they are, as nothing but their
// values.
func (p *printer) plain() bool {
	return p.show == nil && p.pick == nil && p.change == nil && !p.unbuffered
}

func (p *printer) values(records []beck.Record) {
	for i := range records {
		p.out.Write(records[i].Value) // bufio keeps the first error for Flush
		if len(p.delimiter) == 1 {
			p.out.WriteByte(p.delimiter[0]) // which is faster
		} else {
			p.out.Write(p.delimiter)
		}
	}
	p.printed += uint64(len(records))
}

// each prints records one by one until there are enough, and returns those that
// are done with.
func (p *printer) each(ctx context.Context, records []beck.Record) (seen []beck.Record, err error) {
	seen = records[:0]
	for i := range records {
		if p.left > 0 && p.printed >= uint64(p.left) {
			break
		}
		r := &records[i]
		what := printIt
		if p.pick != nil {
			what = p.pick(r)
		}
		if what == printIt {
			if err := p.one(ctx, r); err != nil {
				return seen, err
			}
		}
		if what != leaveIt {
			seen = append(seen, *r)
		}
	}
	return seen, nil
}

// one prints a record.
func (p *printer) one(ctx context.Context, r *beck.Record) error {
	if p.change != nil {
		if err := p.change(ctx, r); err != nil {
			return err
		}
	}
	if p.show != nil {
		p.out.Write(p.show(p.out.AvailableBuffer(), r))
	} else {
		p.out.Write(r.Value)
		p.out.Write(p.delimiter)
	}
	p.printed++
	if p.unbuffered || p.change != nil { // a command takes longer than a write
		p.out.Flush() // which keeps its error for the next one
	}
	return nil
}
