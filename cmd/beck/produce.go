package main

import (
	"errors"
	"log/slog"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/httpd"
	"github.com/beckmesh/beck/producer"
	"github.com/spf13/cobra"
)

// produceFlags are the flags of `beck produce`.
type produceFlags struct {
	meshFlags
	web     httpFlags
	spans   traceFlags
	noWait  bool
	acks    int
	journal string
	codec   codec
	rate    rate
	count   int64
	quiet   bool
	at      string // of --at and --delay, which there are not yet
	delay   string
	topic   string
	input
	dress
}

func newProduce() *cobra.Command {
	f := produceFlags{input: input{delimiter: newDelimiter(`\n`)}}
	cmd := &cobra.Command{
		Use:     "produce TOPIC [FILE...]",
		Aliases: []string{"pub"},
		Short:   "Publish standard input, a record a line",
		Long: `produce publishes each line of standard input as a record of TOPIC, without its
newline, and returns when every record is on the disk of a store. The first
Ctrl-C ends the input and goes on waiting for the stores, the second leaves at
once and says how many records were not stored.

With FILEs each of them is a record; with --lines a file's lines are. With --count
N and a TEXT in their place, N records are made of it, in which {{Count}} is the
number of the record, {{TimeStamp}}, {{Unix}}, {{UnixNano}} and {{Time}} the time,
{{ID}} a text that does not come again, and {{Random MIN MAX}} so many letters.

With --json the lines are those that "beck consume --json" prints, and where no
TOPIC is given, each goes to the topic that it names.`,
		Example: `  beck produce hello < lines.txt
  tail -f app.log | beck produce logs.app --journal ./unsent
  beck produce hello -K : -H source=import -l keyed.txt
  beck produce images a.png b.png
  beck pub hello --count 10 --rate 2/s 'message {{Count}} at {{TimeStamp}}'
  echo now | beck produce hello --no-wait`,
		Args: func(cmd *cobra.Command, args []string) error { return f.place(cmd, args) },
		RunE: runs(func(cmd *cobra.Command, _ []string) error { return runProduce(cmd, &f) }),
	}
	f.addTo(cmd)
	f.addInput(cmd)
	f.addDelivery(cmd)
	f.web.addTo(cmd, httpd.Off)
	f.spans.addTo(cmd)
	return cmd
}

// addInput adds the flags that say what the records are.
func (f *produceFlags) addInput(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVarP(&f.topic, "topic", "t", "", "the `TOPIC`, as the first argument is")
	fl.StringVarP(&f.lines, "lines", "l", "", "publish the lines of `FILE`, not those of standard input, which is -")
	fl.VarP(&f.delimiter, "delimiter", "D", "what `BYTES` are behind each record of the input; with escapes")
	fl.VarP(&f.keyDelim, "key-delimiter", "K", "a record's key is what comes before the first of these `BYTES`; with escapes")
	fl.BoolVarP(&f.null, "null", "Z", false, "an empty key is none")
	fl.BoolVarP(&f.json, "json", "J", false, "read lines of JSON, as \"beck consume --json\" prints them")
	fl.Int64VarP(&f.count, "count", "c", 0, "publish `N` records: of the input, or made of a TEXT")
	fl.VarP(&f.headers, "header", "H", "a header `NAME=VALUE` of each record; may be repeated")
	fl.StringVar(&f.fixedKey, "key", "", "the `KEY` of each record")
	fl.StringVar(&f.time, "time", "", "the `TIME` of each record: ms since 1970, RFC 3339, or an age such as 1h (default now)")
}

// addDelivery adds the flags that say how records go out.
func (f *produceFlags) addDelivery(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.VarP(&f.codec, "compress", "z", "compress values with `CODEC`: none, zstd or s2")
	fl.Var(&f.rate, "rate", "publish at most so many records in a time: `N`/s, N/m or N/h")
	fl.IntVarP(&f.acks, "acks", "k", 1, "wait until `N` stores have each record on disk; 0 is --no-wait")
	fl.BoolVar(&f.noWait, "no-wait", false, "return when the records are sent; do not wait for stores, and at most 1s for a first node")
	fl.StringVar(&f.journal, "journal", "", "keep unstored records in `DIR`, and publish first what it holds from before")
	fl.BoolVarP(&f.quiet, "quiet", "q", false, "say nothing on standard error but what ends the command")
	fl.StringVar(&f.at, "at", "", "deliver at a `TIME`")
	fl.StringVar(&f.delay, "delay", "", "deliver after a `TIME`")
	fl.Lookup("at").Hidden, fl.Lookup("delay").Hidden = true, true
}

// place puts the arguments where they belong: the topic first, unless a flag names
// it or, with --json, each record does.
func (f *produceFlags) place(cmd *cobra.Command, args []string) error {
	named := cmd.Flags().Changed("topic")
	if !named && len(args) > 0 {
		f.topic, args, named = args[0], args[1:], true
	}
	switch {
	case !named && !f.json:
		return errors.New("give a TOPIC")
	case named:
		if err := checkOwnTopic(f.topic); err != nil {
			return err
		}
	}
	if f.count > 0 && len(args) > 0 {
		if len(args) > 1 {
			return errors.New("--count takes one TEXT behind TOPIC: quote it")
		}
		f.text, args = args[0], nil
		f.hasText = true
	}
	f.files = args
	return nil
}

// check returns what is wrong with flags together.
func (f *produceFlags) check(cmd *cobra.Command) error {
	changed := cmd.Flags().Changed
	switch {
	case changed("at"), changed("delay"):
		return usagef("--at, --delay: records cannot be delayed yet; without them they are delivered at once")
	case changed("count") && f.count < 1:
		return usagef("--count: %d: want at least 1", f.count)
	case f.acks < 0 || f.acks > maxAcks:
		return usagef("--acks: %d: want 0 to %d", f.acks, maxAcks)
	case f.noWait && changed("acks") && f.acks > 0:
		return usagef("--no-wait and --acks %d: want one of them", f.acks)
	case f.quiet && f.verbose:
		return usagef("--quiet and --verbose: want one of them")
	case f.quiet && given(cmd.Flags(), levelFlag):
		return usagef("--quiet and --%s %s: want one of them", levelFlag, f.words)
	case changed("journal") && f.journal == "":
		return usagef("--journal: no directory given")
	case changed("key") && changed("key-delimiter"):
		return usagef("--key and --key-delimiter: want one of them")
	}
	if err := f.web.check(); err != nil {
		return err
	}
	return f.input.check(cmd)
}

// maxAcks is as many stores as a producer can be told to wait for.
const maxAcks = 100

func runProduce(cmd *cobra.Command, f *produceFlags) error {
	node, err := f.node(cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	if err := f.check(cmd); err != nil {
		return err
	}
	if err := f.dress.prepare(cmd, time.Now()); err != nil {
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
	c := f.config(node)
	in, err := f.open(cmd, c.MessageBytes)
	if err != nil {
		return err
	}
	defer in.close()
	signals := newStages(cmd.Context())
	defer signals.stop()
	p, err := producer.Start(c)
	if err != nil {
		return err
	}
	d := producerDaemon(p, c.WindowBytes, node)
	d.LogLevel = f.overHTTP(node.Logger)
	h, err := f.web.serve(cmd, d)
	if err != nil {
		return errors.Join(err, p.Close())
	}
	defer h.Close()
	if !f.quiet {
		tell(cmd.ErrOrStderr(), h)
	}
	feed := &feed{
		producer: p, noWait: c.MinStoreAcks == 0, acks: c.MinStoreAcks, quiet: f.quiet, errOut: cmd.ErrOrStderr(),
		dress: f.dress, left: f.count,
	}
	if in.bytes == nil {
		feed.want = uint64(in.total)
	}
	if !f.hasText { // else the texts are made at the rate
		feed.pace = pacer{perSecond: f.rate.perSecond}
	}
	if !f.quiet {
		bar := watch(feed.errOut, f.title(), in, feed)
		defer bar.close()
		feed.errOut = bar
	}
	return feed.run(signals, in, node)
}

// title is what a progress bar is called.
func (f *produceFlags) title() string {
	if f.topic == "" {
		return "produce"
	}
	return f.topic
}

// config returns the producer's settings.
func (f *produceFlags) config(node beck.NodeConfig) producer.Config {
	c := producer.DefaultConfig()
	c.NodeConfig, c.Journal, c.MinStoreAcks = node, f.journal, f.acks
	if f.noWait {
		c.MinStoreAcks = 0
	}
	c.Compression = f.codec.Compression
	c.Timestamps = !f.json // lines of JSON say which record has a time
	return c
}
