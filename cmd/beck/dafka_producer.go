package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/producer"
	"github.com/beckmesh/beck/protocol"
)

// produce is dafka_console_producer: each line of the input is a record, and at
// the end it waits until a store has them, unless it was told not to.
func (r *dafkaRun) produce() error {
	node, err := r.mesh.node(r.cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	c := producer.DefaultConfig()
	c.NodeConfig, c.HeadInterval = node, r.settings.HeadInterval
	signals := newStages(context.Background())
	defer signals.stop()
	p, err := producer.Start(c)
	if err != nil {
		return err
	}
	f := &dafkaFeed{
		dafkaRun: r, producer: p, signals: signals,
		limit: c.MessageBytes - len(protocol.AppendRecord(nil, r.settings.Topic, p.Address(), 0)),
	}
	defer notify(r.cmd.ErrOrStderr(), func() waiting { return f.waitsFor(node) })()
	defer context.AfterFunc(signals.drain, f.sayDraining)()
	err = f.run()
	return errors.Join(err, p.Close(), f.unstored())
}

// dafkaFeed publishes lines and sees to it that they arrive.
type dafkaFeed struct {
	*dafkaRun
	producer *producer.Producer
	signals  *stages
	limit    int // longest line in bytes
}

// run publishes the input until it ends or the first signal, then waits for the
// stores or the second.
func (f *dafkaFeed) run() error {
	inputErr, err := f.publishAll()
	switch {
	case err != nil:
	case f.settings.TerminateUnacked:
		f.awaitLink()
	default:
		err = f.producer.Flush(f.signals.leave)
	}
	if f.signals.leave.Err() != nil {
		err = nil // that is how the second signal ends it, and unstored tells of it
	}
	return errors.Join(inputErr, err)
}

// awaitLink gives a producer that is about to leave a moment to meet somebody.
func (f *dafkaFeed) awaitLink() {
	ctx, cancel := context.WithTimeout(f.signals.leave, firstLinkWait)
	defer cancel()
	for f.producer.Stats().Links == 0 && f.producer.Stats().Unstored > 0 && ctx.Err() == nil {
		select {
		case <-time.After(firstLinkPoll):
		case <-ctx.Done():
		}
	}
}

// unstored is what there is to say at the end of records that no store has: an
// error, unless they were not to be waited for.
func (f *dafkaFeed) unstored() error {
	n := f.producer.Stats().Unstored
	if n == 0 {
		return nil
	}
	err := fmt.Errorf("%d records were not stored", n)
	switch {
	case f.signals.leave.Err() != nil:
		return fmt.Errorf("left early: %w", err)
	case f.settings.TerminateUnacked:
		fmt.Fprintf(f.cmd.ErrOrStderr(), "beck: warning: %v\n", err)
		return nil
	}
	return err
}

// sayDraining tells who interrupted what goes on.
func (f *dafkaFeed) sayDraining() {
	if n := f.producer.Stats().Unstored; n > 0 && !f.settings.TerminateUnacked {
		fmt.Fprintf(f.cmd.ErrOrStderr(), "beck: interrupted: waiting until %d records are stored; a second interrupt leaves\n", n)
	}
}

func (f *dafkaFeed) waitsFor(node beck.NodeConfig) waiting {
	s := f.producer.Stats()
	switch {
	case s.Towers == 0 && s.Links == 0:
		return noTower(node)
	case s.Unstored > 0:
		return waiting{"store", s.Stored, fmt.Sprintf("%d records are not stored; no store has acknowledged them", s.Unstored)}
	}
	return waiting{}
}

// publishAll reads on another goroutine, so that a signal ends a wait for input
// that may never come. It returns what was wrong with the input, or what kept
// the producer from publishing it.
func (f *dafkaFeed) publishAll() (inputErr, err error) {
	lines, ended := make(chan []byte), make(chan error, 1)
	go func() { ended <- f.read(lines) }()
	for {
		select {
		case line := <-lines:
			err := f.producer.Publish(f.signals.leave, beck.Record{Topic: f.settings.Topic, Value: line})
			if err != nil {
				return nil, err
			}
		case err := <-ended:
			return err, nil
		case <-f.signals.drain.Done():
			return nil, nil
		}
	}
}

// read sends each line without the carriage returns and the newline at its end,
// until the input ends or the first signal.
func (f *dafkaFeed) read(lines chan<- []byte) error {
	in := bufio.NewScanner(f.cmd.InOrStdin())
	in.Buffer(nil, f.limit+len("\n"))
	in.Split(splitLines)
	for n := 1; ; n++ {
		if !in.Scan() {
			if errors.Is(in.Err(), bufio.ErrTooLong) {
				return fmt.Errorf("line %d is longer than the %d bytes that a record of this topic can hold", n, f.limit)
			}
			return in.Err()
		}
		select {
		case lines <- bytes.Clone(bytes.TrimRight(in.Bytes(), "\r")):
		case <-f.signals.drain.Done():
			return nil
		}
	}
}

// splitLines is a bufio.SplitFunc like bufio.ScanLines that leaves carriage
// returns alone.
func splitLines(data []byte, atEOF bool) (advance int, token []byte, err error) {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1, data[:i], nil
	}
	if atEOF && len(data) > 0 {
		return len(data), data, nil
	}
	return 0, nil, nil
}
