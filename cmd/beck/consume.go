package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/consumer"
	"github.com/beckmesh/beck/protocol"
	"github.com/spf13/cobra"
)

const (
	pollRecords = 4096      // records taken from the consumer at once
	outputBytes = 256 << 10 // output gathered for one write
	stuckOutput = time.Second
)

// consumeFlags are the flags of `beck consume`.
type consumeFlags struct {
	meshFlags
	fromBeginning bool
	count         int64
	end           bool
	name          string
	positions     string
	deliver       delivery
}

func newConsume() *cobra.Command {
	var f consumeFlags
	cmd := &cobra.Command{
		Use:   "consume TOPIC",
		Short: "Print the records of a topic, a line each",
		Long: `consume prints the value of each record of TOPIC and a newline, in order within
a partition. It starts with what is published from now on, and ends with
Ctrl-C.

With --name it saves what it has printed, every half second and at the end, and
the next consume of that name goes on there, also after a crash: then a few lines
may come again, and none is left out.`,
		Example: `  beck consume hello
  beck consume hello --from-beginning --end
  beck consume orders --name billing --deliver stored
  beck consume hello --sub tcp://10.0.0.5:5556 --pub tcp://10.0.0.5:5557`,
		Args: oneTopic,
		RunE: runs(func(cmd *cobra.Command, args []string) error { return runConsume(cmd, &f, args[0]) }),
	}
	f.addTo(cmd)
	fl := cmd.Flags()
	fl.BoolVar(&f.fromBeginning, "from-beginning", false, "start with the oldest record there is")
	fl.Int64VarP(&f.count, "count", "c", 0, "stop after `N` records")
	fl.BoolVarP(&f.end, "end", "e", false, "stop when everything that was known at the start is printed")
	fl.StringVar(&f.name, "name", "", "go on where the last consume of `NAME` stopped, and save what is printed")
	fl.StringVar(&f.positions, "positions", "", "save in `FILE` what is printed (default: in the stores)")
	fl.Var(&f.deliver, "deliver", "`WHEN` to print a record: as \"received\", or when it is \"stored\" on a disk")
	return cmd
}

// delivery is the flag type of --deliver.
type delivery struct{ consumer.Delivery }

func (d *delivery) Type() string { return "delivery" }

func (d *delivery) String() string {
	if d.Delivery == consumer.Stored {
		return "stored"
	}
	return "received"
}

// Choices implements chooser.
func (d *delivery) Choices() []string { return []string{"received", "stored"} }

// Set implements pflag.Value; cobra puts the flag's name before the error.
func (d *delivery) Set(text string) error {
	switch text {
	case "received":
		d.Delivery = consumer.AsReceived
	case "stored":
		d.Delivery = consumer.Stored
	default:
		return errors.New(`want "received" or "stored"`)
	}
	return nil
}

func runConsume(cmd *cobra.Command, f *consumeFlags, topic string) error {
	node, err := f.node(cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	if cmd.Flags().Changed("count") && f.count < 1 {
		return usagef("--count: %d: want at least 1", f.count)
	}
	if cmd.Flags().Changed("name") && f.name == "" {
		return usagef("--name: want 1 to %d bytes", protocol.MaxSavedName)
	}
	if f.positions != "" && f.name == "" {
		return usagef("--positions: give the positions a --name")
	}
	c := consumer.DefaultConfig()
	c.NodeConfig = node
	c.SaveAs, c.PositionsFile, c.Deliver = f.name, f.positions, f.deliver.Delivery
	c.Topics = []string{topic}
	c.StopAtEnd = f.end
	if f.fromBeginning {
		c.Start = consumer.Earliest
	}
	ctx, stop := untilSignal(cmd.Context())
	defer stop()
	cons, err := consumer.Start(c)
	if err != nil {
		return err
	}
	err = f.print(ctx, cmd, cons, node)
	return errors.Join(err, cons.Close())
}

// print copies records to the output until it is done or interrupted.
func (f *consumeFlags) print(ctx context.Context, cmd *cobra.Command, c *consumer.Consumer, node beck.NodeConfig) (err error) {
	stop := notify(cmd.ErrOrStderr(), func() waiting { return consumerWaitsFor(c, node) })
	defer stop()
	go sayReady(ctx, c, node)
	p := &printer{out: bufio.NewWriterSize(cmd.OutOrStdout(), outputBytes), left: f.count}
	var saving *consumer.Consumer
	if f.name != "" {
		saving = c
	}
	p.saver = newSaver(ctx, saving)
	defer func() {
		if saveErr := p.saver.end(); err == nil {
			err = saveErr
		}
	}()
	done := make(chan error, 1)
	go func() { done <- p.run(ctx, c) }()
	select {
	case err := <-done:
		return err
	case <-readerGone(ctx, cmd.OutOrStdout()):
		return nil
	case <-ctx.Done():
	}
	select {
	case err := <-done:
		return f.interrupted(err)
	case <-time.After(stuckOutput): // whoever reads our output has stopped
		return f.interrupted(nil)
	}
}

// interrupted is how a live consumer ends; one with an end did not reach it.
func (f *consumeFlags) interrupted(err error) error {
	if err == nil && (f.end || f.count > 0) {
		return errors.New("interrupted before the end")
	}
	return err
}

// printer writes values as lines.
type printer struct {
	out   *bufio.Writer
	left  int64 // records still to print; 0 is no limit
	saver *saver
}

// run prints until ctx ends (nil), the limit, the consumer's end (nil), or an
// error. What is there at once is gathered for one write; before it waits for
// more, everything is written.
func (p *printer) run(ctx context.Context, c *consumer.Consumer) error {
	for {
		most := pollRecords
		if p.left > 0 {
			most = int(min(p.left, pollRecords))
		}
		records, err := c.Poll(ctx, most)
		if writeErr := p.write(records); writeErr != nil {
			return writeErr
		}
		switch {
		case errors.Is(err, io.EOF), err != nil && ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		}
		if p.left > 0 {
			if p.left -= int64(len(records)); p.left == 0 {
				return nil
			}
		}
	}
}

func (p *printer) write(records []beck.Record) error {
	for i := range records {
		p.out.Write(records[i].Value) // bufio keeps the first error for Flush
		p.out.WriteByte('\n')
	}
	if err := p.out.Flush(); err != nil {
		return fmt.Errorf("writing standard output: %w", err)
	}
	p.saver.wrote(records)
	return nil
}
