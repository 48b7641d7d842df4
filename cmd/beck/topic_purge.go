package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/beckmesh/beck/internal/blocklog"
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
	stoppedFlags
	partition string
	before    offsetOrAll
	dry, yes  bool
}

func newTopicPurge() *cobra.Command {
	var f purgeFlags
	cmd := &cobra.Command{
		Use:   "purge TOPIC --data DIR",
		Short: "Delete records of a topic, in all stores",
		Long: `purge deletes the records of TOPIC below an offset in the directory of a store that
does not run. When that store runs again it tells all other stores, which delete them,
too: it is enough to stop one. They do not come back from a store that was away for
less than 30 days. What is published later, and offsets, stay. A producer or a C store
that still has the records is not told.

What is or would be deleted is printed. Without --yes it asks on the terminal.`,
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

func runTopicPurge(cmd *cobra.Command, f *purgeFlags, topic string) error {
	if err := f.check(); err != nil {
		return err
	}
	if f.partition != "" && protocol.ValidAddress(f.partition) != nil {
		return usagef("--partition: %q: want an address, 32 upper-case hex characters", f.partition)
	}
	if !f.dry && !f.yes && !isTerminal(cmd.InOrStdin()) {
		return usagef("this deletes records: give --yes, or --dry-run to see which")
	}
	order := blocklog.PurgeOrder{Topic: topic, Producer: f.partition, Before: uint64(f.before)}
	plan, err := blocklog.PlanPurge(f.dir, order, blocklog.Options{})
	if err != nil {
		return err
	}
	if len(plan) == 0 {
		return fmt.Errorf("store %q has no records of topic %q to purge", f.dir, topic)
	}
	if err := f.printPlan(cmd, plan); err != nil || f.dry {
		return err
	}
	if !f.yes {
		if err := confirm(cmd, fmt.Sprintf("delete these records of topic %s in all stores?", humanName(topic))); err != nil {
			return err
		}
	}
	_, err = blocklog.PurgeDir(f.dir, order, blocklog.Options{Logger: (&logFlags{}).logger(cmd.ErrOrStderr())})
	return err
}

// purgedJSON is what is deleted of a partition.
type purgedJSON struct {
	Topic     string `json:"topic"`
	Partition string `json:"partition"`
	Below     uint64 `json:"below"`
	Records   uint64 `json:"records"`
}

func (f *purgeFlags) printPlan(cmd *cobra.Command, plan []blocklog.Purged) error {
	what := []purgedJSON{}
	t := newTable("PARTITION", ">BELOW", ">RECORDS")
	for _, p := range plan {
		what = append(what, purgedJSON{p.Topic, p.Producer, p.Below, p.Records})
		t.add(p.Producer, number(p.Below), humanCount(p.Records))
	}
	return f.print(cmd, what, t)
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
