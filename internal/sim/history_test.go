package sim

import (
	"flag"
	"fmt"
	"runtime"
	"slices"
	"sort"
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
		w := Run(*one, true)
		for _, line := range w.trace.lines() {
			fmt.Println(line)
		}
		if err := w.Err(); err != nil {
			t.Fatal(err)
		}
		return
	}
	var mu sync.Mutex
	faults := make(map[string]int)
	passed, failed := 0, 0
	var healed []time.Duration
	work := make(chan int64)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for seed := range work {
				w := Run(seed, false)
				mu.Lock()
				if healed = append(healed, w.Healed); len(healed)%10_000 == 0 {
					fmt.Printf("%d of %d\n", len(healed), *seeds)
				}
				for name, n := range w.Faults {
					faults[name] += n
				}
				if err := w.Err(); err != nil {
					failed++
					if failed <= 3 {
						t.Error(err)
					} else {
						t.Errorf("seed %d: %v", seed, w.failed)
					}
				} else {
					passed++
				}
				mu.Unlock()
			}
		})
	}
	for i := range int64(*seeds) {
		work <- *first + i
	}
	close(work)
	wg.Wait()
	var names []string
	for name := range faults {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		fmt.Printf("%8d × %s\n", faults[name], name)
	}
	if *seeds >= 500 {
		for _, name := range mustHappen {
			if faults[name] == 0 {
				t.Errorf("%q never happened", name)
			}
		}
	}
	slices.Sort(healed)
	fmt.Printf("healed within %v (median), %v (99 of 100), %v (all)\n", healed[len(healed)/2], healed[len(healed)*99/100], healed[len(healed)-1])
	fmt.Printf("%d passed, %d failed\n", passed, failed)
}
