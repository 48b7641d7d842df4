package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/beckmesh/beck/internal/workload"
	"github.com/spf13/cobra"
)

// costs is what `bench cost` is asked for.
type costs struct {
	beck   string
	rounds int
	count  uint64
	most   int // of what grows; 0 for all steps
	dir    string
	docs   string
	log    io.Writer
	out    io.Writer
}

// sweep measures what a record costs while one thing grows.
type sweep struct {
	name  string
	title string
	run   func(ctx context.Context, c *costs, s sweep) (*table, error)
	steps []int                                    // of what grows; the first is the base
	step  func(n int) string                       // names a step
	args  func(c *costs, n int) (string, []string) // mode and flags of `beck bench`
}

func newCost() *cobra.Command {
	var c costs
	var names []string
	for _, s := range sweeps {
		names = append(names, s.name)
	}
	cmd := &cobra.Command{
		Use:   "cost SWEEP",
		Short: "Measure what a record costs as something grows: " + strings.Join(names, ", "),
		Long: `cost runs beck with more and more of something, each step in turn with the first
one, and prints processor time per record: the median over the rounds, and the
ratio to the first step of the same round. SWEEP is one of ` + strings.Join(names, ", ") + ".",
		Args: cobra.ExactArgs(1), ValidArgs: names,
		RunE: func(cmd *cobra.Command, args []string) error {
			i := slices.IndexFunc(sweeps, func(s sweep) bool { return s.name == args[0] })
			if i < 0 {
				return fmt.Errorf("unknown sweep %q: want one of %s", args[0], strings.Join(names, ", "))
			}
			c.log, c.out = cmd.ErrOrStderr(), cmd.OutOrStdout()
			return c.measure(cmd.Context(), sweeps[i])
		},
	}
	f := cmd.Flags()
	f.StringVar(&c.beck, "beck", "", "the `PROGRAM` beck, built from this tree")
	f.IntVar(&c.rounds, "rounds", 5, "how often each pair is measured")
	f.Uint64Var(&c.count, "count", 500_000, "records of a run; large ones are fewer")
	f.IntVar(&c.most, "most", 0, "leave out the steps beyond `N` (default: none)")
	f.StringVar(&c.dir, "dir", "", "`DIR` for what is stored (default: a temporary one)")
	f.StringVar(&c.docs, "docs", "", "`DIR` whose performance.md is written (default: none)")
	_ = cmd.MarkFlagRequired("beck")
	return cmd
}

func (c *costs) measure(ctx context.Context, s sweep) error {
	if c.rounds < 1 || c.count < 100 {
		return errors.New("want at least one round and 100 records")
	}
	if c.most > 0 {
		s.steps = slices.DeleteFunc(slices.Clone(s.steps), func(n int) bool { return n > c.most })
	}
	if len(s.steps) == 0 {
		return fmt.Errorf("no step of %s is at most %d", s.name, c.most)
	}
	t, err := s.run(ctx, c, s)
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	if err != nil {
		return err
	}
	text := t.markdown()
	fmt.Fprintf(c.out, "\n%s\n\n%s", s.title, text)
	if c.docs == "" {
		return nil
	}
	text = machine(c.dir) + fmt.Sprintf("\n`bench cost %s --rounds %d --count %d`\n\n", s.name, c.rounds, c.count) + text
	return updateDocument(c.docs, map[string]string{"cost " + s.name: text})
}

// runStep runs beck once.
func (c *costs) runStep(ctx context.Context, s sweep, n int, extra ...string) (*workload.Report, error) {
	mode, args := s.args(c, n)
	r, err := runBeck(ctx, c.beck, mode, append(args, extra...)...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.step(n), err)
	}
	fmt.Fprintf(c.log, "%-10s %-12s %s\n", s.name, s.step(n), costText(r))
	return r, nil
}

// costText is a report on one line.
func costText(r *workload.Report) string {
	var parts []string
	for _, role := range r.Roles() {
		parts = append(parts, fmt.Sprintf("%s %.3f", role, r.CPUSeconds[role]/float64(r.Count)*1e6))
	}
	per := "record"
	if r.Mode == join {
		per = "join"
	}
	return fmt.Sprintf("%.3f µs per %s (%s)", cpuPerRecord(r), per, strings.Join(parts, ", "))
}

// runPairs measures each step next to the first one, so that what slows the
// machine down for a while falls on both.
func runPairs(ctx context.Context, c *costs, s sweep) (*table, error) {
	base := s.steps[0]
	all, bases := make(map[int][]*workload.Report), make(map[int][]*workload.Report)
	for range c.rounds {
		for _, n := range s.steps {
			first, err := c.runStep(ctx, s, base)
			if err != nil {
				return nil, err
			}
			here := first
			if n != base {
				if here, err = c.runStep(ctx, s, n); err != nil {
					return nil, err
				}
			}
			all[n], bases[n] = append(all[n], here), append(bases[n], first)
		}
	}
	return pairTable(s, all, bases), nil
}

// pairTable has a row for each step.
func pairTable(s sweep, all, bases map[int][]*workload.Report) *table {
	roles := make(map[string]bool)
	for _, r := range all[s.steps[0]] {
		for _, role := range r.Roles() {
			roles[role] = role != "tower"
		}
	}
	maps.DeleteFunc(roles, func(_ string, shown bool) bool { return !shown })
	shown := slices.Sorted(maps.Keys(roles))
	names := []string{s.name, "µs per record", "ratio to " + s.step(s.steps[0]), "lowest to highest"}
	if s.name == sweepConsumers {
		names = append(names, "µs per delivery")
	}
	for _, role := range shown {
		names = append(names, role+" µs", role+" memory")
	}
	t := newTable(names...)
	for _, n := range slices.Sorted(slices.Values(s.steps)) {
		var cost, ratio []float64
		for i, r := range all[n] {
			cost = append(cost, cpuPerRecord(r))
			ratio = append(ratio, cpuPerRecord(r)/cpuPerRecord(bases[n][i]))
		}
		total, _ := spreadOf(cost)
		times, _ := spreadOf(ratio)
		row := []string{s.step(n), fmt.Sprintf("%.3f", total.median), times2(times.median), times2(times.low) + " to " + times2(times.high)}
		if s.name == sweepConsumers {
			row = append(row, fmt.Sprintf("%.3f", total.median/float64(n)))
		}
		for _, role := range shown {
			row = append(row, roleText(all[n], role)...)
		}
		t.row(row...)
	}
	return t
}

// roleText returns the medians of a role's cost per record and peak memory.
func roleText(reports []*workload.Report, role string) []string {
	var cpu, memory []float64
	for _, r := range reports {
		cpu = append(cpu, r.CPUSeconds[role]/float64(r.Count)*1e6)
		memory = append(memory, float64(r.PeakRSSBytes[role])/(1<<20))
	}
	c, _ := spreadOf(cpu)
	m, _ := spreadOf(memory)
	return []string{fmt.Sprintf("%.3f", c.median), fmt.Sprintf("%.0f MiB", m.median)}
}

// inDir runs f with a directory that is removed afterwards.
func (c *costs) inDir(f func(dir string) error) error {
	dir, err := os.MkdirTemp(c.dir, "bench-cost-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	return f(filepath.Join(dir, "store"))
}

func flag(name string, n int) []string { return []string{"--" + name, strconv.Itoa(n)} }

func counts(n int) string { return grouped(float64(n)) }
