package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/consumer"
)

// consume is dafka_console_consumer: a line "topic address content" for each
// record, until a signal.
func (r *dafkaRun) consume() error {
	node, err := r.mesh.node(r.cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	c := consumer.DefaultConfig()
	c.NodeConfig, c.Topics = node, []string{r.settings.Topic}
	if r.settings.Earliest {
		c.Start = consumer.Earliest
	}
	ctx, stop := untilSignal(context.Background())
	defer stop()
	cons, err := consumer.Start(c)
	if err != nil {
		return err
	}
	defer notify(r.cmd.ErrOrStderr(), func() waiting { return consumerWaitsFor(cons, node) })()
	go sayReady(ctx, cons, node)
	return errors.Join(r.print(ctx, cons), cons.Close())
}

// print ends with ctx, also when whoever reads our output does not.
func (r *dafkaRun) print(ctx context.Context, c *consumer.Consumer) error {
	out := r.cmd.OutOrStdout()
	err := printing(ctx, out, func() error { return printPlaces(ctx, c, out) })
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// printPlaces writes what there is at once, then waits for more, until ctx ends.
func printPlaces(ctx context.Context, c *consumer.Consumer, w io.Writer) error {
	out := bufio.NewWriterSize(w, outputBytes)
	for {
		records, err := c.Poll(ctx, pollRecords)
		if writeErr := writePlaces(out, records); writeErr != nil {
			return fmt.Errorf("writing standard output: %w", writeErr)
		}
		if err != nil && ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return err
		}
	}
}

func writePlaces(out *bufio.Writer, records []beck.Record) error {
	for _, r := range records {
		out.WriteString(r.Topic) // bufio keeps the first error for Flush
		out.WriteByte(' ')
		out.WriteString(r.Partition)
		out.WriteByte(' ')
		out.Write(r.Value)
		out.WriteByte('\n')
	}
	return out.Flush()
}
