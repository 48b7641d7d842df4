package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/beckmesh/beck/internal/survey"
	"github.com/spf13/cobra"
)

// checkFlags are the flags of `beck check`.
type checkFlags struct {
	inspectFlags
	format *choice
	limits survey.Limits
	free   float64 // percent
}

func newCheck() *cobra.Command {
	f := checkFlags{format: newChoice("text", "json", "prometheus", "nagios")}
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Say what is wrong with the mesh, for people and for monitoring",
		Long: `check looks whether every tower and every store answers; whether stores lack
records, hold other records than other stores, or have a disk that is full or nearly
so; whether each partition's head is in as many stores as it should be; and whether
consumers wait in vain or are too far behind. It prints a line for the whole, and one
for each problem. The exit status is

  0  ok
  1  warning: it mends itself, or is not urgent
  2  critical: records are lost, or would be with what may fail next

Nothing that can be asked at all is critical. It asks twice, --sample apart: a head
counts as stored if stores have what was the head the first time.`,
		Example: `  beck check --min-stores 2 --max-lag 100000
  beck check --format nagios`,
		Args: cobra.NoArgs,
		RunE: runs(func(cmd *cobra.Command, _ []string) error { return runCheck(cmd, &f) }),
	}
	f.meshFlags.addTo(cmd)
	f.addPatience(cmd)
	fl := cmd.Flags()
	fl.DurationVar(&f.sample, "sample", defaultSample, "how long to look")
	fl.Var(f.format, "format", "`FORMAT`: text, json, prometheus or nagios")
	fl.IntVar(&f.limits.MinStores, "min-stores", 1, "`N` stores must have the head of each partition")
	fl.Float64Var(&f.free, "disk-free", 10, "`PERCENT` of a store's disk that must be free")
	fl.Uint64Var(&f.limits.WarnLag, "warn-lag", 0, "warn of saved positions that are more than `N` records behind; 0: of none")
	fl.Uint64Var(&f.limits.MaxLag, "max-lag", 0, "saved positions that are more than `N` records behind are critical; 0: none are")
	fl.StringArrayVar(&f.limits.Names, "name", nil, "look at the saved positions of `NAME` only; may be repeated")
	return cmd
}

func (f *checkFlags) check() error {
	switch {
	case f.limits.MinStores < 0 || f.limits.MinStores > 100:
		return usagef("--min-stores: %d: want 0 to 100", f.limits.MinStores)
	case !(f.free >= 0 && f.free <= 100):
		return usagef("--disk-free: %v: want 0 to 100", f.free)
	case f.limits.MaxLag > 0 && f.limits.WarnLag > f.limits.MaxLag:
		return usagef("--warn-lag: %d is above --max-lag %d", f.limits.WarnLag, f.limits.MaxLag)
	}
	for _, name := range f.limits.Names {
		if err := validSavedName(name); err != nil {
			return fmt.Errorf("--name: %w", err)
		}
	}
	f.limits.DiskFree = f.free / 100
	return nil
}

func runCheck(cmd *cobra.Command, f *checkFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	v, err := f.findings(cmd)
	if err != nil {
		return err
	}
	if err := v.print(cmd.OutOrStdout(), f.format.value); err != nil {
		return err
	}
	if level := survey.Worst(v.Problems); level > survey.OK {
		return verdictError{int(level)}
	}
	return nil
}

// findings asks the mesh. That no tower answers is a finding, not an error.
func (f *checkFlags) findings(cmd *cobra.Command) (*verdict, error) {
	snap, err := f.look(cmd, func(c *survey.Config) {
		c.Partitions, c.Ranges, c.Readers, c.Positions = true, true, true, true
	})
	if err != nil && !errors.Is(err, survey.ErrNoTower) {
		return nil, err
	}
	return newVerdict(snap, f.limits), nil
}

// verdict is what a check found.
type verdict struct {
	survey.Verdict
	snap *survey.Snapshot
}

func newVerdict(snap *survey.Snapshot, limits survey.Limits) *verdict {
	return &verdict{snap.Verdict(limits), snap}
}

func (v *verdict) print(out io.Writer, format string) error {
	switch format {
	case "json":
		return writeJSON(out, v.Verdict)
	case "prometheus":
		return v.prometheus(out)
	case "nagios":
		return v.write(out, v.nagios())
	}
	return v.write(out, v.text())
}

func (v *verdict) write(out io.Writer, text string) error {
	if _, err := io.WriteString(out, text); err != nil {
		return fmt.Errorf("writing standard output: %w", err)
	}
	return nil
}

// line is the summary for people.
func (v *verdict) line() string {
	n := &v.Summary
	return fmt.Sprintf("%d of %d towers, %d nodes, %d stores, %d topics, %d partitions, %s records",
		n.TowersUp, n.Towers, n.Nodes, n.Stores, n.Topics, n.Partitions, humanCount(n.Records))
}

// text is a line for the whole and one for each problem.
func (v *verdict) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", v.Status, v.line())
	for _, p := range v.Problems {
		fmt.Fprintf(&b, "%s: %s: %s\n", p.Level, p.Kind, oneLine(p.Text))
	}
	return b.String()
}

// nagios is the output of a plugin: a line with what can be drawn behind a bar,
// then a line for each problem. A bar in a text would end it.
func (v *verdict) nagios() string {
	n := &v.Summary
	what := v.line()
	if len(v.Problems) > 0 {
		what = noBar(v.Problems[0].Text)
		if more := len(v.Problems) - 1; more > 0 {
			what += fmt.Sprintf(" (and %d more)", more)
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "BECK %s - %s | towers_up=%d;;;0;%d nodes=%d;;;0 silent=%d;;;0 stores=%d;;;0 partitions=%d;;;0 records=%d;;;0 under_stored=%d;;;0 missing=%d;;;0 conflicts=%d;;;0 max_lag=%d;;;0\n",
		strings.ToUpper(v.Status.String()), what, n.TowersUp, n.Towers, n.Nodes, n.Silent, n.Stores, n.Partitions, n.Records, n.UnderStored, n.Missing, n.Conflicts, n.MaxLag)
	for _, p := range v.Problems {
		fmt.Fprintf(&b, "%s: %s: %s\n", strings.ToUpper(p.Level.String()), p.Kind, noBar(p.Text))
	}
	return b.String()
}

// oneLine keeps a text, in which names from elsewhere are quoted, on its line.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

func noBar(text string) string { return strings.ReplaceAll(oneLine(text), "|", "/") }
