package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/beckmesh/beck/internal/workload"
)

// sweepConsumers is the sweep in which a record is delivered more than once.
const sweepConsumers = "consumers"

// sweeps are the things that grow.
var sweeps = []sweep{
	{
		name: "size", title: "Producer to consumer, by the size of a value", run: runPairs, step: bytesText,
		steps: []int{100, 16, 1 << 10, 10 << 10, 100 << 10, 1 << 20},
		args: func(c *costs, n int) (string, []string) {
			count := c.count
			if n > 100 {
				count = max(100, c.count*400/uint64(n+300))
			}
			return direct, append(flag("size", n), "--count", strconv.FormatUint(count, 10))
		},
	},
	{
		name: sweepConsumers, title: "Producer to consumers, by their number", run: runPairs, step: counts,
		steps: []int{1, 2, 4, 8, 16, 32, 64},
		args: func(c *costs, n int) (string, []string) {
			return fanout, append(flag("consumers", n), "--count", strconv.FormatUint(max(1000, c.count/uint64(n)), 10))
		},
	},
	{
		name: "producers", title: "Producers to one consumer, by their number", run: runPairs, step: counts,
		steps: []int{1, 2, 4, 8, 16, 32, 64},
		args:  func(c *costs, n int) (string, []string) { return direct, append(flag("producers", n), c.counted()...) },
	},
	{
		name: "topics", title: "Producer to consumer, by the number of topics, written in turn", run: runPairs, step: counts,
		steps: []int{1, 10, 100, 1000},
		args:  func(c *costs, n int) (string, []string) { return direct, append(flag("topics", n), c.counted()...) },
	},
	{
		name: "partitions", title: "A store, by the partitions it holds", run: runPartitions, step: counts,
		steps: []int{1, 10, 100, 1000, 10_000, 100_000},
		args:  func(c *costs, n int) (string, []string) { return join, nil },
	},
	{
		name: "held", title: "Producer to store, by what the store holds already", run: runHeld, step: gigabytes,
		steps: []int{0, 1, 2, 5, 10, 20},
		args:  func(c *costs, n int) (string, []string) { return store, c.counted() },
	},
	{
		name: "watched", title: "Producer to consumer, watched", run: runPairs, step: watchedText,
		steps: []int{0, 1, 2, 3},
		args: func(c *costs, n int) (string, []string) {
			return direct, append(slices.Clone(watched[n].args), "--count", strconv.FormatUint(watchedTimes*c.count, 10))
		},
	},
	{
		name: "idle", title: "A mesh in which nothing happens, by the number of its nodes", run: runIdle, step: counts,
		steps: []int{10, 50, 100},
		args: func(c *costs, n int) (string, []string) {
			half := (n - 2) / 2 // besides a tower and a store
			return idle, append(flag("producers", half), flag("consumers", half)...)
		},
	},
}

// watchedTimes is how many times as many records as other runs those have that are
// watched: so many that they last for some seconds.
const watchedTimes = 20

// watched are the ways of being watched: metrics are read as often as by a busy
// Prometheus, and spans made of a part of what is published.
var watched = []struct {
	name string
	args []string
}{
	{name: "not"},
	{"metrics", []string{"--scrape", "1s"}},
	{"metrics and traces", []string{"--scrape", "1s", "--trace", "10"}},
	{"metrics, all traced", []string{"--scrape", "1s", "--trace", "-1"}},
}

func watchedText(n int) string { return watched[n].name }

// runIdle measures each number of nodes by itself: the processor time of a second.
func runIdle(ctx context.Context, c *costs, s sweep) (*table, error) {
	t := newTable("nodes", "share of a core", "lowest to highest", "processor time per node and second")
	for _, n := range slices.Sorted(slices.Values(s.steps)) {
		var shares []float64
		for range c.rounds {
			mode, args := s.args(c, n)
			r, err := runBeck(ctx, c.beck, mode, args...)
			if err != nil {
				return nil, fmt.Errorf("%s nodes: %w", s.step(n), err)
			}
			shares = append(shares, r.TotalCPU()/r.Seconds)
			fmt.Fprintf(c.log, "%-10s %-12s %s\n", s.name, s.step(n), percent(r.TotalCPU()/r.Seconds))
		}
		x, _ := spreadOf(shares)
		t.row(s.step(n), percent(x.median), percent(x.low)+" to "+percent(x.high), fmt.Sprintf("%.0f µs", x.median/float64(n)*1e6))
	}
	return t, nil
}

func percent(share float64) string { return fmt.Sprintf("%.2f %%", 100*share) }

func (c *costs) counted() []string { return []string{"--count", strconv.FormatUint(c.count, 10)} }

func gigabytes(n int) string { return fmt.Sprintf("%d GB", n) }

// fillTopics is how many partitions one run adds to a store: a topic each, which
// the run's consumer has to read back.
const fillTopics = 1000

// runPartitions fills one store step by step, and measures at each step how long
// it takes to start, and consumers to join beside it.
func runPartitions(ctx context.Context, c *costs, s sweep) (*table, error) {
	t := newTable("partitions", "µs per record while filling", "store start", "lowest to highest", "join, p50", "join, max", "store memory")
	err := c.inDir(func(dir string) error {
		have := 0
		for _, n := range slices.Sorted(slices.Values(s.steps)) {
			fill, err := c.addPartitions(ctx, dir, n-have)
			if err != nil {
				return fmt.Errorf("filling to %s partitions: %w", counts(n), err)
			}
			have = n
			var joins []*workload.Report
			for range c.rounds {
				r, err := c.runStep(ctx, s, n, "--data", dir)
				if err != nil {
					return err
				}
				joins = append(joins, r)
			}
			partitionRow(t, s.step(n), fill, joins)
		}
		return nil
	})
	return t, err
}

// addPartitions adds partitions of at least four records each to a store, and
// returns the report of the last run that did.
func (c *costs) addPartitions(ctx context.Context, dir string, more int) (last *workload.Report, err error) {
	for more > 0 {
		topics := min(more, fillTopics)
		more -= topics
		count := 4 * uint64(topics)
		if more == 0 {
			count = max(count, c.count)
		}
		last, err = runBeck(ctx, c.beck, store,
			append(flag("topics", topics), "--count", strconv.FormatUint(count, 10), "--data", dir)...)
		if err != nil {
			return nil, err
		}
	}
	return last, nil
}

func partitionRow(t *table, name string, fill *workload.Report, joins []*workload.Report) {
	of := func(m metric) spread {
		var list []float64
		for _, r := range joins {
			list = append(list, m(r))
		}
		x, _ := spreadOf(list)
		return x
	}
	start := of(func(r *workload.Report) float64 { return r.StoreStartSeconds * 1e6 })
	memory := of(func(r *workload.Report) float64 { return float64(r.PeakRSSBytes["store"]) / (1 << 20) })
	t.row(name, fmt.Sprintf("%.3f", cpuPerRecord(fill)), millis(start.median), millis(start.low)+" to "+millis(start.high),
		millis(of(p50).median), millis(of(worst).high), fmt.Sprintf("%.0f MiB", memory.median))
}

// heldRecord is the size of the records that a store is filled with before it
// is measured.
const heldRecord = 10 << 10

// runHeld fills one store step by step, and measures at each step next to an
// empty store.
func runHeld(ctx context.Context, c *costs, s sweep) (*table, error) {
	all, bases := make(map[int][]*workload.Report), make(map[int][]*workload.Report)
	err := c.inDir(func(dir string) error {
		have := 0
		for _, n := range slices.Sorted(slices.Values(s.steps)) {
			if more := n - have; more > 0 {
				count := strconv.Itoa(more * 1e9 / heldRecord)
				if _, err := runBeck(ctx, c.beck, store, append(flag("size", heldRecord), "--count", count, "--data", dir)...); err != nil {
					return fmt.Errorf("filling to %s: %w", gigabytes(n), err)
				}
				have = n
			}
			for range c.rounds {
				empty, err := c.runStep(ctx, s, 0)
				if err != nil {
					return err
				}
				full, err := c.runStep(ctx, s, n, "--data", dir)
				if err != nil {
					return err
				}
				all[n], bases[n] = append(all[n], full), append(bases[n], empty)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return pairTable(s, all, bases), nil
}
