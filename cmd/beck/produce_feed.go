package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/producer"
)

// feed publishes records and sees to it that they arrive.
type feed struct {
	producer *producer.Producer
	noWait   bool
	acks     int // stores that must have each record
	quiet    bool
	errOut   io.Writer
	pace     pacer
	dress    dress
	left     int64         // records to publish at most; 0: no limit
	want     uint64        // records that are known to be there; 0: as many as come
	total    atomic.Uint64 // records that the producer has taken
	bytes    atomic.Int64  // of a file, those that these records take
	linked   bool          // there has been a link
}

// run publishes in until it ends or the first signal, then waits for the
// records to arrive or the second.
func (f *feed) run(s *stages, in source, node beck.NodeConfig) error {
	if !f.quiet {
		defer notify(f.errOut, func() waiting { return f.waitsFor(node) })()
		defer context.AfterFunc(s.drain, f.sayDraining)()
	}
	if f.noWait {
		f.awaitLink(s.drain)
	}
	inputErr, err := f.publishAll(s, in)
	if err == nil {
		err = f.settle(s)
	}
	switch {
	case s.leave.Err() != nil && err != nil:
		return fmt.Errorf("left early: %d records were not stored", f.total.Load()-f.producer.Stats().Stored)
	case err != nil:
		return errors.Join(f.failed(err), f.producer.Close())
	case inputErr != nil:
		return fmt.Errorf("%w; %s", inputErr, f.wentBefore())
	case s.drain.Err() != nil && f.want > f.total.Load():
		return fmt.Errorf("interrupted after %d of %d records", f.total.Load(), f.want)
	}
	return nil
}

// wentBefore says what became of the records before the one that was refused.
func (f *feed) wentBefore() string {
	done := "stored"
	if f.noWait {
		done = "sent"
	}
	switch n := f.total.Load(); n {
	case 0:
		return "nothing was published"
	case 1:
		return "the record before it is " + done
	default:
		return fmt.Sprintf("the %d records before it are %s", n, done)
	}
}

// failed adds to what stopped the producer how much was done before.
func (f *feed) failed(err error) error {
	if n := f.producer.Stats(); n.Published > 0 && !f.noWait {
		return fmt.Errorf("%w; of %d records published %d are not stored", err, n.Published, min(n.Published, n.Unstored))
	}
	return err
}

// publishAll reads on one goroutine and publishes on this one, so that a
// signal ends a wait for input that may never come. It returns what was wrong
// with the input, or what kept the producer from publishing it.
func (f *feed) publishAll(s *stages, in source) (inputErr, err error) {
	full, empty := make(chan filled), make(chan *batch, 2)
	empty <- new(batch)
	empty <- new(batch)
	go readBatches(s.drain, in, empty, full)
	for {
		select {
		case b := <-full:
			inputErr, err := f.publish(s, b.batch)
			switch {
			case inputErr != nil, err != nil:
				return inputErr, err
			case b.err != nil:
				return ended(b.err), nil
			case f.left < 0:
				return nil, nil
			}
			empty <- b.batch
		case <-s.drain.Done():
			return nil, nil
		}
	}
}

// filled is a batch that was read, and what ended the input behind it.
type filled struct {
	batch *batch
	err   error
}

// readBatches ends with the input. After ctx it ends with the next read, which
// may not return before the program does.
func readBatches(ctx context.Context, in source, empty <-chan *batch, full chan<- filled) {
	for {
		var b *batch
		select {
		case b = <-empty:
		case <-ctx.Done():
			return
		}
		err := in.next(ctx, b)
		select {
		case full <- filled{b, err}:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// ended returns what was wrong with an input that has ended; its end is not.
func ended(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// publish gives the producer a batch, as fast as it may go. It returns what was
// wrong with a record, or with the producer.
func (f *feed) publish(s *stages, b *batch) (inputErr, err error) {
	records := b.records
	if f.left > 0 {
		if records = records[:min(int64(len(records)), f.left)]; int64(len(records)) == f.left {
			f.left = -1 // that is all
		} else {
			f.left -= int64(len(records))
		}
	}
	f.dress.put(records)
	for at := 0; at < len(records); {
		n := f.pace.await(s.drain, len(records)-at)
		if n == 0 {
			return nil, nil
		}
		if err := f.producer.PublishBatch(s.leave, records[at:at+n]); err != nil {
			went := f.producer.Stats().Published
			before := f.total.Swap(went)
			if refused(err) {
				return fmt.Errorf("%s: %w", b.names(at+int(went-before)), err), nil
			}
			return nil, err
		}
		f.total.Add(uint64(n))
		at += n
		f.bytes.Store(b.from + (b.to-b.from)*int64(at)/int64(len(b.records)))
	}
	return nil, nil
}

// refused reports whether a record could not be published because of what it is.
func refused(err error) bool {
	return errors.Is(err, beck.ErrTooLarge) || errors.Is(err, beck.ErrTopic) || errors.Is(err, beck.ErrTime)
}
