package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/bench"
	"github.com/beckmesh/beck/internal/config"
	"github.com/spf13/cobra"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// benchRole is the hidden command by which a benchmark starts its processes.
const benchRole = "bench-role"

// benchFlags are the flags of `beck bench`.
type benchFlags struct {
	meshFlags
	config     bench.Config
	count      uint64
	lose       int64
	json, csv  bool
	noProgress bool
}

func newBench() *cobra.Command {
	var f benchFlags
	cmd := &cobra.Command{
		Use:   "bench MODE",
		Short: "Measure a mesh: throughput, latency, joining",
		Long: `bench sends records through a mesh, checks that each arrives once and in order,
and says what that took. The mesh is started for it on free ports of 127.0.0.1,
a process for each node, unless --sub and --pub name a running one. MODE is

  direct   producer to consumer: from the first Publish to the last record
  store    producer to store: from the first Publish to the last acknowledgement,
           with every record synced to disk; then everything is read back
  replay   store to a new consumer, the producer gone: from its first record to
           its last
  fanout   as direct, to --consumers K; rates count what all of them get
  latency  producer to consumer at --rate R: from Publish to the application
  join     from the start of a consumer's process to its first record
  idle     the processor time of a mesh in which nothing happens: a tower, a
           store, --producers and --consumers, looked at for --over

Values cannot be compressed, and all differ. A run that loses a record exits 1
and says which. In a running mesh the records stay in its stores.

Processor time is that of what is measured, in replay and join from the start of
the consumer's process, for all processes of a role together; peak memory that
of one process at any time. What --scrape and --trace cost the nodes is part of it,
what it costs to read and to collect is not.`,
		Example: `  beck bench direct
  beck bench latency --rate 1000 --json
  beck bench direct --count 10000000 --scrape 1s --trace 10
  beck bench fanout --consumers 16 --count 100000`,
		Args: benchMode,
		RunE: runs(func(cmd *cobra.Command, args []string) error {
			return runBench(cmd, &f, bench.Mode(args[0]))
		}),
	}
	f.addTo(cmd)
	return cmd
}

func (f *benchFlags) addTo(cmd *cobra.Command) {
	// The towers are not those of the other commands: a benchmark must not write
	// to a mesh because a context names it.
	f.addNode(cmd)
	f.sub.list, f.pub.list, f.listen = nil, nil, "127.0.0.1:0"
	fl := cmd.Flags()
	fl.BoolVarP(&f.verbose, verboseFlag, "v", false, "log on standard error what happens")
	config.Share(fl, verboseFlag)
	for name, text := range map[string]string{"sub": "none: a mesh of its own", "pub": "none: a mesh of its own", "listen": f.listen} {
		fl.Lookup(name).DefValue = text
	}
	fl.Uint64Var(&f.count, "count", 0, "`N` records; in mode join, starts of a consumer (default 1,000,000; latency: 10s at --rate; join: 20)")
	fl.IntVar(&f.config.Size, "size", 100, "`BYTES` of a value")
	fl.IntVar(&f.config.Consumers, "consumers", 1, "`K` consumers, in modes fanout (default 8) and idle (24)")
	fl.IntVar(&f.config.Producers, "producers", 1, "`P` producers, which share the records (idle: 24)")
	fl.IntVar(&f.config.Topics, "topics", 1, "`T` topics, which each producer writes in turn")
	fl.IntVar(&f.config.Batch, "batch", 256, "`N` records that a producer publishes at once")
	fl.IntVar(&f.config.Rate, "rate", 10_000, "`R` records per second, in modes latency and join")
	fl.DurationVar(&f.config.Over, "over", 30*time.Second, "in mode idle, for how long the mesh is looked at")
	fl.DurationVar(&f.config.Scrape, "scrape", 0, "in modes direct, fanout and latency: serve the metrics of each node, and read them so often (0: not)")
	fl.IntVar(&f.config.Trace, "trace", 0, "in these modes: begin `N` traces a second in each producer (-1: one for each call that publishes), and send the spans to a collector that forgets them")
	fl.StringVar(&f.config.Dir, "data", "", "`DIR` of the store, which is kept (default: a temporary one)")
	fl.DurationVar(&f.config.Patience, "patience", 30*time.Second, "fail when nothing goes on for so long")
	fl.BoolVar(&f.json, "json", false, "print one JSON object")
	fl.BoolVar(&f.csv, "csv", false, "print a line of names and one of values, with commas")
	fl.BoolVar(&f.noProgress, "no-progress", false, "show no progress bar (there is none without a terminal)")
	fl.Int64Var(&f.lose, "lose", -1, "leave record `N` out, to see that it is missed")
	_ = fl.MarkHidden("lose")
}

func benchMode(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("want one mode: %s", benchModes())
	}
	if !slices.Contains(bench.Modes, bench.Mode(args[0])) {
		return fmt.Errorf("unknown mode %q: want one of %s", args[0], benchModes())
	}
	return nil
}

func benchModes() string {
	var names []string
	for _, m := range bench.Modes {
		names = append(names, string(m))
	}
	return strings.Join(names, ", ")
}

func runBench(cmd *cobra.Command, f *benchFlags, mode bench.Mode) error {
	c, err := f.resolve(cmd, mode)
	if err != nil {
		return err
	}
	ctx, stop := untilSignal(cmd.Context())
	defer stop()
	var bar *progressBar
	if !f.noProgress {
		if bar = newProgressBar(cmd.ErrOrStderr()); bar != nil {
			c.Watcher = bar
		}
	}
	report, err := bench.Run(ctx, c)
	bar.close()
	switch {
	case errors.Is(err, bench.ErrConfig):
		return usageError{err}
	case ctx.Err() != nil:
		return errors.New("bench: interrupted")
	case err != nil:
		return fmt.Errorf("bench %s: %w", mode, err)
	}
	switch out := cmd.OutOrStdout(); {
	case f.json:
		return printJSON(out, report)
	case f.csv:
		return printCSV(out, report)
	default:
		return printReport(out, report)
	}
}

// resolve turns the flags into a run.
func (f *benchFlags) resolve(cmd *cobra.Command, mode bench.Mode) (bench.Config, error) {
	c := f.config
	if f.json && f.csv {
		return c, usagef("--json and --csv: want one of them")
	}
	if f.sub.set != f.pub.set {
		return c, usagef("--sub and --pub: a running mesh is named by both")
	}
	if cmd.Flags().Changed("consumers") && mode != bench.Fanout && mode != bench.Idle {
		return c, usagef("--consumers is for modes %s and %s", bench.Fanout, bench.Idle)
	}
	if mode == bench.Idle && (cmd.Flags().Changed("count") || f.sub.set) {
		return c, usagef("mode %s starts a mesh of its own and takes no --count", bench.Idle)
	}
	if cmd.Flags().Changed("over") && mode != bench.Idle {
		return c, usagef("--over is for mode %s", bench.Idle)
	}
	if cmd.Flags().Changed("rate") && mode != bench.Latency && mode != bench.Join {
		return c, usagef("--rate is for modes %s and %s", bench.Latency, bench.Join)
	}
	if f.sub.set {
		node, err := f.node(cmd.ErrOrStderr())
		if err != nil {
			return c, err
		}
		c.Sub, c.Pub = node.Sub, node.Pub
	}
	self, err := os.Executable()
	if err != nil {
		return c, err
	}
	c.Program, c.Args = self, []string{benchRole}
	c.Mode, c.Listen, c.Host = mode, f.listen, f.host
	f.defaults(cmd, &c)
	if f.lose >= 0 {
		lose := uint64(f.lose)
		c.Lose = &lose
	}
	if f.verbose {
		c.Log = &locked{w: cmd.ErrOrStderr()}
	}
	if err := c.Validate(); err != nil {
		return c, usageError{err}
	}
	return c, nil
}

// defaults fills in what depends on the mode.
func (f *benchFlags) defaults(cmd *cobra.Command, c *bench.Config) {
	if c.Mode == bench.Join && !cmd.Flags().Changed("rate") {
		c.Rate = 1000
	}
	if c.Mode == bench.Fanout && !cmd.Flags().Changed("consumers") {
		c.Consumers = 8
	}
	if c.Mode == bench.Idle {
		for name, n := range map[string]*int{"consumers": &c.Consumers, "producers": &c.Producers} {
			if !cmd.Flags().Changed(name) {
				*n = 24
			}
		}
	}
	switch c.Count = f.count; {
	case c.Mode == bench.Idle:
		c.Count = uint64(c.Producers) // a record each, before it is left alone
	case cmd.Flags().Changed("count"):
	case c.Mode == bench.Latency:
		c.Count = uint64(10 * c.Rate)
	case c.Mode == bench.Join:
		c.Count = 20
	default:
		c.Count = 1_000_000
	}
}

func newBenchRole() *cobra.Command {
	var spans traceFlags
	var roots int
	cmd := &cobra.Command{
		Use:    benchRole + " ROLE",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: runs(func(cmd *cobra.Command, args []string) error {
			return runBenchRole(cmd, args[0], &spans, roots)
		}),
	}
	cmd.Flags().StringVar(&spans.to, "trace", traceOff, "where spans go")
	cmd.Flags().IntVar(&roots, "trace-roots", 0, "traces that a producer begins a second")
	return cmd
}

// errRole says that a role failed and has told its parent why.
var errRole = errors.New("role failed")

// runBenchRole leaves interrupts to the parent: it is the one to say what was
// interrupted, and its end is ours.
func runBenchRole(cmd *cobra.Command, role string, spans *traceFlags, roots int) error {
	ignoreInterrupts()
	provider, stop, err := spans.start(cmd, slog.Default(), sdktrace.WithSampler(sdktrace.AlwaysSample()))
	if err != nil {
		return err
	}
	defer stop()
	traced := func(c *beck.NodeConfig) { c.TracerProvider, c.RootTraces = provider, roots }
	if bench.RunRole(cmd.Context(), role, cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr(), traced) != 0 {
		return errRole
	}
	return nil
}
