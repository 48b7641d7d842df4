package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/beckmesh/beck/internal/workload"
	"github.com/spf13/cobra"
)

// comparison is what `bench compare` is asked for.
type comparison struct {
	beck    string
	rounds  int
	count   uint64
	sizes   []int
	modes   []string
	only    []string
	rate    int
	dir     string // for everything that is stored
	docs    string // directory to write into; "" for none
	raw     string // file for every report; "" for none
	log     io.Writer
	out     io.Writer
	rawFile io.Writer
}

var allModes = []string{direct, store, replay, fanout, latency, join}

// fanoutConsumers is how many consumers share a fan-out.
const fanoutConsumers = 8

func newCompare() *cobra.Command {
	var c comparison
	cmd := &cobra.Command{
		Use: "compare", Short: "Measure every system in every mode, and write the tables",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c.log, c.out = cmd.ErrOrStderr(), cmd.OutOrStdout()
			return c.run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.StringVar(&c.beck, "beck", "", "the `PROGRAM` beck, built from this tree")
	f.IntVar(&c.rounds, "rounds", 5, "how often everything is measured")
	f.Uint64Var(&c.count, "count", 1_000_000, "records of 100 bytes; larger ones are fewer")
	f.IntSliceVar(&c.sizes, "sizes", []int{100, 1024}, "bytes of a value")
	f.StringSliceVar(&c.modes, "modes", allModes, "modes to measure")
	f.StringSliceVar(&c.only, "systems", nil, "parts of the names of the systems to measure (default: all)")
	f.IntVar(&c.rate, "rate", 10_000, "records per second in mode latency")
	f.StringVar(&c.dir, "dir", "", "`DIR` for what is stored (default: a temporary one)")
	f.StringVar(&c.docs, "docs", "", "`DIR` whose performance.md and images are written (default: none)")
	f.StringVar(&c.raw, "raw", "", "`FILE` that gets every single report")
	_ = cmd.MarkFlagRequired("beck")
	return cmd
}

func (c *comparison) run(ctx context.Context) error {
	if err := c.validate(); err != nil {
		return err
	}
	if c.raw != "" {
		f, err := os.Create(c.raw)
		if err != nil {
			return err
		}
		defer f.Close()
		c.rawFile = f
	}
	chosen := c.choose()
	r := newResults()
	for round := range c.rounds {
		if err := c.round(ctx, round, chosen, r); err != nil {
			return err
		}
	}
	fmt.Fprint(c.out, tables(c, chosen, r))
	if c.docs == "" {
		return nil
	}
	return writeComparison(c, chosen, r)
}

func (c *comparison) validate() error {
	if c.rounds < 1 || c.count < 100 || c.rate < 1 {
		return fmt.Errorf("want at least one round, 100 records and 1 record per second")
	}
	for _, m := range c.modes {
		if !slices.Contains(allModes, m) {
			return fmt.Errorf("unknown mode %q: want some of %s", m, strings.Join(allModes, ", "))
		}
	}
	for _, size := range c.sizes {
		if size < 16 || size > 8<<20 {
			return fmt.Errorf("size %d: want 16 to 8388608", size)
		}
	}
	return nil
}

// choose returns the systems that are to be measured and are there.
func (c *comparison) choose() (chosen []system) {
	for _, s := range systems(c.beck) {
		wanted := len(c.only) == 0 || slices.ContainsFunc(c.only, func(part string) bool {
			return strings.Contains(strings.ToLower(s.name), strings.ToLower(part))
		})
		if !wanted {
			continue
		}
		if s.missing != nil {
			if why := s.missing(); why != "" {
				fmt.Fprintf(c.log, "without %s: %s\n", s.name, why)
				continue
			}
		}
		chosen = append(chosen, s)
	}
	return chosen
}

// round measures everything once. The systems follow each other, and each
// round begins with another one.
func (c *comparison) round(ctx context.Context, round int, chosen []system, r *results) error {
	for _, mode := range c.modes {
		for _, size := range c.sizesOf(mode) {
			for i := range chosen {
				s := chosen[(round+i)%len(chosen)]
				if !slices.Contains(s.modes, mode) {
					continue
				}
				report, err := c.measure(ctx, s, mode, size)
				if ctx.Err() != nil {
					return errors.New("interrupted")
				}
				at := cell{mode, size, s.name}
				r.add(at, report, err)
				c.tell(round, at, report, err)
			}
		}
	}
	return nil
}

// sizesOf returns the sizes that a mode is measured with: what is not about
// throughput has one.
func (c *comparison) sizesOf(mode string) []int {
	if mode == latency || mode == join {
		return c.sizes[:1]
	}
	return c.sizes
}

// measure runs one system once, in a directory of its own.
func (c *comparison) measure(ctx context.Context, s system, mode string, size int) (*workload.Report, error) {
	dir, err := os.MkdirTemp(c.dir, "bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	return s.run(ctx, c.workFor(s, mode, size, dir))
}

// workFor returns what one run is to do. Larger records are fewer, so that no
// run takes much longer than the others.
func (c *comparison) workFor(s system, mode string, size int, dir string) work {
	w := work{mode: mode, size: size, count: c.count, consumers: 1, rate: c.rate, dir: dir}
	if size > 100 {
		w.count = max(100, c.count*400/uint64(size+300))
	}
	switch mode {
	case fanout:
		w.count, w.consumers = max(100, w.count/4), fanoutConsumers
	case latency:
		w.count = min(c.count, uint64(10*c.rate))
	case join:
		w.count = 20
	}
	if s.share > 0 {
		w.count = max(100, uint64(float64(w.count)*s.share))
	}
	return w
}

// tell says on one line what a run brought, and keeps the whole of it.
func (c *comparison) tell(round int, at cell, r *workload.Report, err error) {
	fmt.Fprintf(c.log, "%d/%d  %-8s %5d B  %-18s ", round+1, c.rounds, at.mode, at.size, at.system)
	switch {
	case err != nil:
		fmt.Fprintf(c.log, "failed: %v\n", err)
	case r.Latency != nil:
		fmt.Fprintf(c.log, "p50 %.1f µs  p99 %.1f µs  max %.1f µs\n", r.Latency.P50, r.Latency.P99, r.Latency.Max)
	default:
		fmt.Fprintf(c.log, "%s records/s  %.1f MB/s  %.3f µs processor time each\n",
			grouped(r.RecordsPerSecond), r.MegabytesPerSecond, cpuPerRecord(r))
	}
	if c.rawFile != nil {
		line := struct {
			Round  int              `json:"round"`
			System string           `json:"system"`
			Error  string           `json:"error,omitempty"`
			Report *workload.Report `json:"report,omitempty"`
		}{round + 1, at.system, errorText(err), r}
		if err := json.NewEncoder(c.rawFile).Encode(line); err != nil {
			fmt.Fprintf(c.log, "writing %s: %v\n", c.raw, err)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
