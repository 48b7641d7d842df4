package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/consumer"
	"github.com/spf13/cobra"
)

const (
	demoTopic = "demo"
	demoLimit = 2 * time.Minute // a demo that takes longer has failed
)

func newDemo() *cobra.Command {
	return &cobra.Command{
		Use:   "demo [FILE]",
		Short: "Stream a real file through a mesh, kill its store, replay, compare",
		Long: `demo starts a tower and a store on free ports of 127.0.0.1, streams FILE (by
default a large text file of this machine) line by line through a producer to
the store and a live consumer, kills the store with SIGKILL when the producer
is gone, starts it again, replays everything with a new consumer, and compares
both outputs with FILE. It exits 1 if a byte differs.`,
		Example: `  beck demo
  beck demo /usr/share/dict/words`,
		Args: cobra.MaximumNArgs(1),
		RunE: runs(func(cmd *cobra.Command, args []string) error {
			ctx, stop := untilSignal(cmd.Context())
			defer stop()
			ctx, cancel := context.WithTimeout(ctx, demoLimit)
			defer cancel()
			return runDemo(ctx, cmd.OutOrStdout(), args)
		}),
	}
}

// demo is one run: its mesh, its file, and where it says what happens.
type demo struct {
	out    io.Writer
	dir    string // for the store, removed at the end
	file   string
	lines  int
	bytes  int64
	towers []string // flags by which a node finds the tower
	node   beck.NodeConfig
	tower  *process
	store  *process
}

func runDemo(ctx context.Context, out io.Writer, args []string) (err error) {
	begin := time.Now()
	dir, err := os.MkdirTemp("", "beck-demo-")
	if err != nil {
		return err
	}
	d := &demo{out: out, dir: dir}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	defer d.stopMesh()
	for _, step := range []func() error{
		func() error { return d.chooseFile(args) },
		func() error { return d.startMesh(ctx) },
		func() error { return d.stream(ctx) },
		func() error { return d.killStore(ctx) },
		func() error { return d.replay(ctx) },
	} {
		if err := step(); err != nil {
			return fmt.Errorf("demo: %w", err)
		}
	}
	d.say("done", "nothing lost, nothing twice, everything in order, in %s", seconds(time.Since(begin)))
	return nil
}

// say prints one step.
func (d *demo) say(step, text string, args ...any) {
	fmt.Fprintf(d.out, "%-9s %s\n", step, fmt.Sprintf(text, args...))
}

func (d *demo) chooseFile(args []string) (err error) {
	note := ""
	if len(args) == 1 {
		d.file = args[0]
	} else {
		var made bool
		if d.file, made, err = demoFile(d.dir); err != nil {
			return err
		}
		if made {
			note = " (this program in hexadecimal)"
		}
	}
	if d.lines, d.bytes, err = measure(d.file); err != nil {
		return err
	}
	if d.lines == 0 {
		return fmt.Errorf("%s has no line to stream", d.file)
	}
	d.say("file", "%s%s: %s lines, %s bytes", d.file, note, grouped(d.lines), grouped(d.bytes))
	return nil
}

func (d *demo) startMesh(ctx context.Context) error {
	begin := time.Now()
	tower, err := startProcess(ctx, nil, "tower", "--sub", "tcp://127.0.0.1:0", "--pub", "tcp://127.0.0.1:0")
	if err != nil {
		return err
	}
	d.tower = tower
	at, err := tower.awaitReady(ctx)
	if err != nil {
		return err
	}
	d.towers = []string{"--sub", at["sub"], "--pub", at["pub"], "--listen", "127.0.0.1:0"}
	d.node = beck.NodeConfig{
		Sub: []string{at["sub"]}, Pub: []string{at["pub"]}, Listen: "127.0.0.1:0",
		Logger: slog.New(slog.DiscardHandler),
	}
	if err := d.startStore(ctx); err != nil {
		return err
	}
	d.say("mesh", "tower at %s, store %s started in %s", at["sub"], d.storeName(), seconds(time.Since(begin)))
	return nil
}

func (d *demo) storeName() string { return fmt.Sprintf("(process %d)", d.store.cmd.Process.Pid) }

// startStore starts the store, the second time on what the first left.
func (d *demo) startStore(ctx context.Context) error {
	args := append([]string{"store", "--data", filepath.Join(d.dir, "store")}, d.towers...)
	store, err := startProcess(ctx, nil, args...)
	if err != nil {
		return err
	}
	d.store = store
	_, err = store.awaitReady(ctx)
	return err
}

// stream runs the producer from start to end beside a live consumer.
func (d *demo) stream(ctx context.Context) error {
	live, err := d.consume(consumer.Latest, false)
	if err != nil {
		return err
	}
	defer live.Close()
	if err := live.Ready(ctx); err != nil {
		return fmt.Errorf("live consumer: %w", err)
	}
	received := make(chan error, 1)
	begin := time.Now()
	go func() { received <- d.compare(ctx, live) }()
	if err := d.produce(ctx); err != nil {
		return err
	}
	took := time.Since(begin)
	d.say("produce", "every line is on the store's disk and the producer has left, after %s (%s lines/s)",
		seconds(took), grouped(int(float64(d.lines)/took.Seconds())))
	if err := <-received; err != nil {
		return fmt.Errorf("live consumer: %w", err)
	}
	d.say("consume", "the live consumer has all %s lines, byte for byte, after %s",
		grouped(d.lines), seconds(time.Since(begin)))
	return nil
}

// produce pipes the file into `beck produce`, which returns when everything is
// stored.
func (d *demo) produce(ctx context.Context) error {
	in, err := os.Open(d.file)
	if err != nil {
		return err
	}
	defer in.Close()
	p, err := startProcess(ctx, in, append([]string{"produce", demoTopic}, d.towers...)...)
	if err != nil {
		return err
	}
	return p.wait(ctx)
}

func (d *demo) killStore(ctx context.Context) error {
	old := d.storeName()
	d.store.kill()
	begin := time.Now()
	if err := d.startStore(ctx); err != nil {
		return err
	}
	d.say("kill", "store %s killed with SIGKILL; started again %s in %s", old, d.storeName(), seconds(time.Since(begin)))
	return nil
}

func (d *demo) replay(ctx context.Context) error {
	begin := time.Now()
	c, err := d.consume(consumer.Earliest, true)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := d.compare(ctx, c); err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	if extra, err := c.Poll(ctx, 1); !errors.Is(err, io.EOF) {
		return fmt.Errorf("replay: after all lines came %d more, %v", len(extra), err)
	}
	d.say("replay", "a new consumer has all %s lines from the store, byte for byte, after %s",
		grouped(d.lines), seconds(time.Since(begin)))
	return nil
}

func (d *demo) consume(start consumer.StartPosition, stopAtEnd bool) (*consumer.Consumer, error) {
	c := consumer.DefaultConfig()
	c.NodeConfig = d.node
	c.Topics = []string{demoTopic}
	c.Start, c.StopAtEnd = start, stopAtEnd
	return consumer.Start(c)
}

func (d *demo) stopMesh() {
	for _, p := range []*process{d.store, d.tower} {
		if p != nil {
			p.stop()
		}
	}
}
