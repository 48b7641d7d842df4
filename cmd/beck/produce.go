package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/producer"
	"github.com/beckmesh/beck/protocol"
	"github.com/spf13/cobra"
)

func newProduce() *cobra.Command {
	var mesh meshFlags
	var noWait bool
	var journal string
	cmd := &cobra.Command{
		Use:   "produce TOPIC",
		Short: "Publish standard input, a record a line",
		Long: `produce publishes each line of standard input as a record of TOPIC, without its
newline, and returns when every record is on the disk of a store. The first
Ctrl-C ends the input and goes on waiting for the stores, the second leaves at
once and says how many records were not stored.`,
		Example: `  beck produce hello < lines.txt
  tail -f app.log | beck produce logs.app --journal ./unsent
  echo now | beck produce hello --no-wait`,
		Args: oneTopic,
		RunE: runs(func(cmd *cobra.Command, args []string) error {
			return runProduce(cmd, &mesh, args[0], noWait, journal)
		}),
	}
	mesh.addTo(cmd)
	cmd.Flags().BoolVar(&noWait, "no-wait", false, "return when the records are sent; do not wait for stores, and at most 1s for a first node")
	cmd.Flags().StringVar(&journal, "journal", "", "keep unstored records in `DIR`, and publish first what it holds from before")
	return cmd
}

func runProduce(cmd *cobra.Command, mesh *meshFlags, topic string, noWait bool, journal string) error {
	if strings.HasPrefix(topic, protocol.ReservedTopics) {
		return usagef("topics that begin with %q are beck's own", protocol.ReservedTopics)
	}
	node, err := mesh.node(cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	c := producer.DefaultConfig()
	c.NodeConfig = node
	c.MinStoreAcks, c.Journal = 1, journal
	if noWait {
		c.MinStoreAcks = 0
	}
	signals := newStages(cmd.Context())
	defer signals.stop()
	p, err := producer.Start(c)
	if err != nil {
		return err
	}
	f := &feed{
		producer: p, topic: topic, noWait: noWait, errOut: cmd.ErrOrStderr(),
		limit: c.MessageBytes - len(protocol.AppendRecord(nil, topic, p.Address(), 0)),
	}
	return f.run(signals, cmd.InOrStdin(), node)
}

// feed publishes lines and sees to it that they arrive.
type feed struct {
	producer *producer.Producer
	topic    string
	limit    int // longest line
	noWait   bool
	errOut   io.Writer
	records  []beck.Record // reused for each block
	total    uint64        // lines given to the producer
	linked   bool          // there has been a link
}

// run publishes in until it ends or the first signal, then waits for the
// records to arrive or the second.
func (f *feed) run(s *stages, in io.Reader, node beck.NodeConfig) error {
	stop := notify(f.errOut, func() waiting { return f.waitsFor(node) })
	defer stop()
	defer context.AfterFunc(s.drain, f.sayDraining)()
	if f.noWait {
		f.awaitLink(s.drain)
	}
	inputErr, err := f.publishAll(s, in)
	if err == nil {
		err = f.settle(s)
	}
	switch {
	case s.leave.Err() != nil && err != nil:
		return fmt.Errorf("left early: %d records were not stored", f.total-f.producer.Stats().Stored)
	case err != nil:
		return errors.Join(err, f.producer.Close())
	}
	return inputErr
}

// publishAll reads on one goroutine and publishes on this one, so that a
// signal ends a wait for input that may never come. It returns what was wrong
// with the input, or what kept the producer from publishing it.
func (f *feed) publishAll(s *stages, in io.Reader) (inputErr, err error) {
	full, empty := make(chan filled), make(chan *block, 2)
	empty <- new(block)
	empty <- new(block)
	go readBlocks(s.drain, &lineReader{in: in, limit: f.limit}, empty, full)
	for {
		select {
		case b := <-full:
			if err := f.publish(s.leave, b.block); err != nil {
				return nil, err
			}
			if b.err != nil {
				return ignoreEOF(b.err), nil
			}
			empty <- b.block
		case <-s.drain.Done():
			return nil, nil
		}
	}
}

// filled is a block that was read, and what ended the input behind it.
type filled struct {
	block *block
	err   error
}

// readBlocks ends with the input. After ctx it ends with the next read, which
// may not return before the program does.
func readBlocks(ctx context.Context, r *lineReader, empty <-chan *block, full chan<- filled) {
	for {
		var b *block
		select {
		case b = <-empty:
		case <-ctx.Done():
			return
		}
		err := r.next(b)
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

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func (f *feed) publish(ctx context.Context, b *block) error {
	f.records = f.records[:0]
	for _, line := range b.lines {
		f.records = append(f.records, beck.Record{Topic: f.topic, Value: line})
	}
	f.total += uint64(len(f.records))
	return f.producer.PublishBatch(ctx, f.records)
}
