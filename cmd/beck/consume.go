package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/consumer"
	"github.com/beckmesh/beck/internal/format"
	"github.com/beckmesh/beck/internal/httpd"
	"github.com/beckmesh/beck/internal/span"
	"github.com/beckmesh/beck/protocol"
	"github.com/spf13/cobra"
)

// consumeFlags are the flags of `beck consume`.
type consumeFlags struct {
	meshFlags
	web           httpFlags
	spans         traceFlags
	topics        []string // of --topic
	span          spanFlag
	fromBeginning bool
	count         int64
	end           bool
	name          string
	positions     string
	deliver       delivery
	partition     address
	grep          pattern
	translate     string
	quiet         bool
	layout
}

func newConsume() *cobra.Command {
	f := consumeFlags{layout: layout{delimiter: newDelimiter(`\n`)}}
	cmd := &cobra.Command{
		Use:     "consume TOPIC...",
		Aliases: []string{"sub"},
		Short:   "Print the records of topics, a line each",
		Long: `consume prints the value of each record of the topics and a newline, in order
within a partition. It starts with what is published from now on, and ends with
Ctrl-C. A TOPIC may be a pattern: "*" stands for one level between dots, ">" at the
end for the rest.

With --name it saves what it has printed, every half second and at the end, and
the next consume of that name goes on there, also after a crash: then a few lines
may come again, and none is left out.

--offset says where to begin: beginning, end, stored (with --name), N in every
partition, -N for the last N records of each, or s@TIME; e@TIME ends before TIME,
with what was known at the start, and begins at the beginning if nothing else is
said. TIME is ms since 1970, RFC 3339, or an age such as 1h or 7d.

--format has the tokens %t topic, %p partition, %o offset, %k key, %s value, %h
headers, %T time in ms, %K and %S the lengths of key and value, %R that of the
value in 4 bytes, %H the number of headers; modifiers such as %s{hex}, %k{base64},
%s{json}, %o{big64}, %T{rfc3339}, %h{%k=%v }; and the escapes \n \t \r \0 \xHH.

--json prints all of a record as a line that "beck produce --json" reads.`,
		Example: `  beck consume hello
  beck consume hello --from-beginning --end
  beck consume orders --name billing --deliver stored
  beck sub 'sensors.>' -o s@1h -f '%T{rfc3339} %t %k %s\n'
  beck consume hello -o -10 -e -J
  beck consume hello -o beginning -e -J | beck produce copy -J`,
		Args: func(_ *cobra.Command, args []string) error { return checkTopics(slices.Concat(f.topics, args)) },
		RunE: runs(func(cmd *cobra.Command, args []string) error {
			return runConsume(cmd, &f, slices.Concat(f.topics, args))
		}),
	}
	f.addTo(cmd)
	f.addStart(cmd)
	f.addOutput(cmd)
	f.web.addTo(cmd, httpd.Off)
	f.spans.addTo(cmd)
	return cmd
}

// addStart adds the flags that say which records are wanted.
func (f *consumeFlags) addStart(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringArrayVarP(&f.topics, "topic", "t", nil, "a `TOPIC`, as an argument is")
	fl.VarP(&f.span, "offset", "o", "`WHERE` to begin: beginning, end, stored, N, -N or s@TIME; and to end: e@TIME (default end)")
	fl.BoolVar(&f.fromBeginning, "from-beginning", false, "start with the oldest record there is, as with -o beginning")
	fl.Int64VarP(&f.count, "count", "c", 0, "stop after `N` records")
	fl.BoolVarP(&f.end, "end", "e", false, "stop when everything that was known at the start is printed")
	fl.VarP(&f.partition, "partition", "p", "print only what the producer with this `ADDRESS` wrote")
	fl.Var(&f.grep, "grep", "print only records whose value matches `REGEXP`")
	fl.StringVar(&f.name, "name", "", "go on where the last consume of `NAME` stopped, and save what is printed")
	fl.StringVar(&f.positions, "positions", "", "save in `FILE` what is printed (default: in the stores)")
	fl.Var(&f.deliver, "deliver", "`WHEN` to print a record: as \"received\", or when it is \"stored\" on a disk")
}

// check returns what is wrong with flags together.
func (f *consumeFlags) check(cmd *cobra.Command) error {
	changed := cmd.Flags().Changed
	switch {
	case changed("count") && f.count < 1:
		return usagef("--count: %d: want at least 1", f.count)
	case changed("name") && (f.name == "" || len(f.name) > protocol.MaxSavedName):
		return usagef("--name: %d bytes: want 1 to %d", len(f.name), protocol.MaxSavedName)
	case changed("positions") && f.positions == "":
		return usagef("--positions: no file given")
	case changed("format") && f.format == "":
		return usagef("--format: empty: nothing would be printed")
	case f.positions != "" && f.name == "":
		return usagef("--positions: give the positions a --name")
	case f.span.From == span.Stored && f.name == "":
		return usagef("--offset stored: give the --name under which positions are stored")
	case f.fromBeginning && f.span.From != span.Unset:
		return usagef("--from-beginning and --offset %s: want one of them", &f.span)
	case f.quiet && f.verbose:
		return usagef("--quiet and --verbose: want one of them")
	case f.quiet && given(cmd.Flags(), levelFlag):
		return usagef("--quiet and --%s %s: want one of them", levelFlag, f.words)
	case changed("translate") && f.translate == "":
		return usagef("--translate: no command given")
	}
	if err := f.web.check(); err != nil {
		return err
	}
	for _, by := range []string{"format", "json"} {
		for _, other := range []string{"json", "delimiter", "key-delimiter", "null"} {
			if changed(by) && changed(other) && by != other && (by != "format" || other != "null") {
				return usagef("--%s and --%s: --%s says all that is printed", by, other, by)
			}
		}
	}
	return nil
}

func runConsume(cmd *cobra.Command, f *consumeFlags, topics []string) error {
	node, err := f.node(cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	if err := f.check(cmd); err != nil {
		return err
	}
	how, err := f.compile(cmd)
	if err != nil {
		return err
	}
	if f.quiet {
		node.Logger = slog.New(slog.DiscardHandler)
	}
	provider, flush, err := f.spans.start(cmd, node.Logger)
	if err != nil {
		return err
	}
	defer flush()
	use(&node, provider)
	c := f.config(node, topics)
	ctx, stop := untilSignal(cmd.Context())
	defer stop()
	cons, err := consumer.Start(c)
	if errors.Is(err, beck.ErrPattern) || errors.Is(err, beck.ErrTopic) {
		return usageError{err}
	}
	if err != nil {
		return err
	}
	d := consumerDaemon(cons, node)
	d.LogLevel = f.overHTTP(node.Logger)
	h, err := f.web.serve(cmd, d)
	if err != nil {
		return errors.Join(err, cons.Close())
	}
	defer h.Close()
	if !f.quiet {
		tell(cmd.ErrOrStderr(), h)
	}
	err = f.print(ctx, cmd, cons, node, how)
	return errors.Join(err, cons.Close())
}

// config returns the consumer's settings.
func (f *consumeFlags) config(node beck.NodeConfig, topics []string) consumer.Config {
	c := consumer.DefaultConfig()
	c.NodeConfig, c.Topics = node, topics
	c.SaveAs, c.PositionsFile, c.Deliver = f.name, f.positions, f.deliver.Delivery
	c.StopAtEnd, c.Until = f.end, f.span.Until
	switch f.span.From {
	case span.Beginning:
		c.Start = consumer.Earliest
	case span.Offset:
		c.Start = consumer.AtOffset(f.span.Offset)
	case span.Last:
		c.Start = consumer.Last(f.span.Count)
	case span.Time:
		c.Start = consumer.AtTime(f.span.Begin)
	}
	if f.fromBeginning || (f.span.From == span.Unset && !c.Until.IsZero()) {
		c.Start = consumer.Earliest
	}
	return c
}

// print copies records to the output until it is done or interrupted.
func (f *consumeFlags) print(ctx context.Context, cmd *cobra.Command, c *consumer.Consumer, node beck.NodeConfig, how *format.Format) (err error) {
	if !f.quiet {
		defer notify(cmd.ErrOrStderr(), func() waiting { return consumerWaitsFor(c, node) })()
	}
	go sayReady(ctx, c, node)
	p := f.printer(ctx, cmd, how)
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
	err = printing(ctx, cmd.OutOrStdout(), func() error { return p.run(ctx, c) })
	if !errors.Is(err, context.Canceled) {
		return err
	}
	// So ends a live consumer. One with an end did not reach it.
	if f.end || f.count > 0 || !f.span.Until.IsZero() {
		return fmt.Errorf("interrupted before the end; %d records were printed", p.said.Load())
	}
	return nil
}
