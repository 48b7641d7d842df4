package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/beckmesh/beck/protocol"
	"github.com/spf13/cobra"
)

func newTopic() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:     "topic",
		Short:   "Delete records of a topic",
		Example: `  beck topic purge orders --before 1000 --data /var/lib/beck --dry-run`,
	})
	cmd.AddCommand(newTopicPurge())
	return cmd
}

// purgeFlags say what is purged.
type purgeFlags struct {
	storeDirFlags
	partition string
	before    offsetOrAll
	wait      time.Duration
	dry, yes  bool
}

func newTopicPurge() *cobra.Command {
	var f purgeFlags
	cmd := &cobra.Command{
		Use:   "purge TOPIC --data DIR",
		Short: "Delete records of a topic, in all stores",
		Long: `purge deletes the records of TOPIC below an offset: in the store whose directory it is
given, which tells all others, and they delete them, too. They do not come back from
a store that was away for less than 30 days. What is published later, and offsets,
stay. A producer or a C store that still has the records is not told.

The store may run or not. One that runs is asked by a socket in DIR that only its user
can use, so purge is called on its machine. It then shows how far the other
stores are, and for --wait waits for those that are not there yet; one that does not
run tells them when it does.

What is or would be deleted is printed. Without --yes it asks on the terminal. Of
records that come meanwhile none is deleted.`,
		Example: `  beck topic purge orders --before 1000 --data /var/lib/beck --dry-run
  beck topic purge orders --before all --data /var/lib/beck --yes`,
		Args: oneTopic,
		RunE: runs(func(cmd *cobra.Command, args []string) error { return runTopicPurge(cmd, &f, args[0]) }),
	}
	f.addTo(cmd)
	f.before = math.MaxUint64
	fl := cmd.Flags()
	fl.StringVar(&f.partition, "partition", "", "purge the partition of one producer, of this `ADDRESS` (default: all)")
	fl.Var(&f.before, "before", "the lowest `OFFSET` that stays, or all: what there is now")
	fl.DurationVar(&f.wait, "wait", 10*time.Second, "how long to wait for the other stores; 0 does not look at them")
	fl.BoolVar(&f.dry, "dry-run", false, "delete nothing, and show what would be deleted")
	fl.BoolVarP(&f.yes, "yes", "y", false, "do not ask")
	return cmd
}

// offsetOrAll is the flag type of an offset or "all", which is the highest one.
type offsetOrAll uint64

func (o *offsetOrAll) Type() string { return "offset" }

func (o *offsetOrAll) String() string {
	if *o == math.MaxUint64 {
		return "all"
	}
	return strconv.FormatUint(uint64(*o), 10)
}

// Set implements pflag.Value; cobra puts the flag's name before the error.
func (o *offsetOrAll) Set(text string) error {
	if text == "all" {
		*o = math.MaxUint64
		return nil
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return errors.New("want an offset or all")
	}
	*o = offsetOrAll(n)
	return nil
}

// check returns what is wrong with the flags.
func (f *purgeFlags) check(in io.Reader) error {
	switch {
	case f.partition != "" && protocol.ValidAddress(f.partition) != nil:
		return usagef("--partition: %q: want an address, 32 upper-case hex characters", f.partition)
	case f.wait < 0 || f.wait > time.Hour:
		return usagef("--wait: %v: want 0 to 1h", f.wait)
	case !f.dry && !f.yes && !isTerminal(in):
		return usagef("this deletes records: give --yes, or --dry-run to see which")
	case !f.dry && !f.yes && f.out.value == "json":
		return usagef("-o json does not ask: give --yes, or --dry-run to see which records")
	}
	return f.storeDirFlags.check()
}

func runTopicPurge(cmd *cobra.Command, f *purgeFlags, topic string) error {
	if err := f.check(cmd.InOrStdin()); err != nil {
		return err
	}
	ctx, stop := untilSignal(cmd.Context())
	defer stop()
	if err := purge(ctx, cmd, f, topic); !errors.Is(err, context.Canceled) {
		return err
	}
	return errors.New("interrupted")
}

func purge(ctx context.Context, cmd *cobra.Command, f *purgeFlags, topic string) error {
	job := &purging{dir: f.dir, topic: topic, partition: f.partition, before: uint64(f.before), log: (&meshFlags{}).logger(cmd.ErrOrStderr())}
	if err := job.look(ctx); err != nil {
		return err
	}
	if len(job.plan) == 0 {
		return fmt.Errorf("store %q has no records of topic %q to purge", f.dir, topic)
	}
	if f.dry {
		return f.print(cmd, job.report(), job.table())
	}
	if f.out.value != "json" {
		if err := f.print(cmd, nil, job.table()); err != nil {
			return err
		}
	}
	if !f.yes {
		if err := confirm(cmd, fmt.Sprintf("delete these records of topic %s in all stores?", humanName(topic))); err != nil {
			return err
		}
	}
	if err := job.purge(ctx); err != nil {
		return err
	}
	if job.running != nil && f.wait > 0 {
		if err := job.spread(ctx, f.wait); err != nil {
			return fmt.Errorf("it is deleted here, and the other stores are told; how far they are cannot be seen: %w", err)
		}
	}
	return f.printSpread(cmd, job)
}

// printSpread prints which stores have deleted the records, or with -o json
// everything.
func (f *purgeFlags) printSpread(cmd *cobra.Command, job *purging) error {
	if f.out.value != "json" && len(job.stores) == 0 {
		return nil
	}
	if f.out.value != "json" {
		fmt.Fprintln(cmd.OutOrStdout()) // behind the first table
	}
	t := newTable("STORE", "PURGED")
	for _, s := range job.stores {
		state := "yes"
		switch {
		case s.Silent:
			state = "no answer: it hears of it when it is back"
		case s.Left > 0:
			state = fmt.Sprintf("not yet: %d partitions", s.Left)
		}
		t.add(s.Address, state)
	}
	return f.print(cmd, job.report(), t)
}

// confirm asks on the terminal, and returns an error unless the answer is yes.
func confirm(cmd *cobra.Command, question string) error {
	fmt.Fprintf(cmd.ErrOrStderr(), "%s [y/N] ", question)
	line, err := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
	if err != nil && err != io.EOF {
		return err
	}
	if answer := strings.ToLower(strings.TrimSpace(line)); answer != "y" && answer != "yes" {
		return errors.New("nothing was deleted")
	}
	return nil
}
