package sim

import (
	"flag"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"
)

var (
	seeds = flag.Int("seeds", 100, "how many histories to run")
	first = flag.Int64("first", 1, "the first seed")
	one   = flag.Int64("seed", 0, "run this seed only, and print what happened")
)

// mustHappen is what a run of some length cannot do without.
var mustHappen = []string{
	"ACK twice", "C node crash", "C node restart", "all connections of a host cut", "connection cut", "consumer crash",
	"consumer crash with a name",
	"consumer lazy", "consumer pauses", "consumer restart", "consumer seeks", "disk damaged", "disk full", "disk has room", "disk looked at when an ACK left",
	"history with C nodes", "history with retention", "purge", "host resumed", "host stopped", "link overtaken by its window", "log opened again",
	"machine slow", "new consumer", "one-way cut", "partition", "partition healed", "producer crash",
	"producer crash with a journal", "producer restart", "record of a C producer sent wrong",
	"record served to a C consumer", "record that came again", "record that did not fit", "stale ACK", "store crash",
	"store restart", "store wiped", "sync failed", "tower down", "tower up", "window full",
}

// TestHistories runs histories from random faults. Its last line counts those
// that kept the promises and those that did not.
func TestHistories(t *testing.T) {
	if *one != 0 {
		replay(t, *one)
		return
	}
	o := outcome{t: t, faults: make(map[string]int)}
	work := make(chan int64)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for seed := range work {
				o.note(seed, Run(seed, false))
			}
		})
	}
	for i := range int64(*seeds) {
		work <- *first + i
	}
	close(work)
	wg.Wait()
	o.print()
}

// replay runs one history and prints what happens in it.
func replay(t *testing.T, seed int64) {
	w := Run(seed, true)
	for _, line := range w.trace.lines() {
		fmt.Println(line)
	}
	if err := w.Err(); err != nil {
		t.Fatal(err)
	}
}

// outcome is what became of histories.
type outcome struct {
	t      *testing.T
	mu     sync.Mutex
	faults map[string]int // how often each happened
	healed []time.Duration
	failed int
}

// fewTraces is of how many histories that failed the trace is printed.
const fewTraces = 3

// note takes a history that has ended.
func (o *outcome) note(seed int64, w *World) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.healed = append(o.healed, w.Healed); len(o.healed)%10_000 == 0 {
		fmt.Printf("%d of %d\n", len(o.healed), *seeds)
	}
	for name, n := range w.Faults {
		o.faults[name] += n
	}
	err := w.Err()
	if err == nil {
		return
	}
	if o.failed++; o.failed <= fewTraces {
		o.t.Error(err)
	} else {
		o.t.Errorf("seed %d: %v", seed, w.failed)
	}
}

// enough returns in how many histories a fault must happen. A C producer's wrong
// answers have become rare: only C nodes still ask for them.
func enough(name string) int {
	if name == "record of a C producer sent wrong" {
		return 10_000
	}
	return 500
}

// print says how often each fault happened, how long healing took, and how many
// histories passed. A run of some length in which a fault never happened fails.
func (o *outcome) print() {
	for _, name := range slices.Sorted(maps.Keys(o.faults)) {
		fmt.Printf("%8d × %s\n", o.faults[name], name)
	}
	for _, name := range mustHappen {
		if *seeds >= enough(name) && o.faults[name] == 0 {
			o.t.Errorf("%q never happened", name)
		}
	}
	slices.Sort(o.healed)
	n := len(o.healed)
	fmt.Printf("healed within %v (median), %v (99 of 100), %v (all)\n", o.healed[n/2], o.healed[n*99/100], o.healed[n-1])
	fmt.Printf("%d passed, %d failed\n", n-o.failed, o.failed)
}
