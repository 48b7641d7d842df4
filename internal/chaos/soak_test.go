//go:build unix

package chaos

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	soakRate  = 4000 // records a second in all
	soakEvery = 2 * time.Second

	warmUp     = 0.4  // so much of a life is warming up
	longEnough = 0.75 // a life is judged if it lasted for so much of the soak

	// A store fills a memtable and its cache of blocks at this rate within so
	// many seconds; until then its memory says nothing.
	storeWarmUp = 240
	leastJudged = 30
)

// soakSpared are not killed, so that some of each role live long. They are
// stopped and cut off like all others.
var soakSpared = map[string]bool{"tower": true, "store0": true, "producer0": true, "consumer0": true, "probe": true}

// mayGrow is how much a process may grow after its warm-up: so much that
// garbage collection, caches and links that come and go fit in, and a leak of a
// few kilobytes a second does not.
var mayGrow = map[metric]limits{
	rss:        {size: 32, part: 0.25},
	heap:       {size: 16, part: 0.25},
	goroutines: {size: 12, part: 0.25},
	threads:    {size: 8, part: 0.25},
	files:      {size: 12, part: 0.25},
}

// TestSoak: under load and faults for long, no process grows.
func TestSoak(t *testing.T) {
	if *durationFlag == 0 {
		t.Skip("no -soak")
	}
	*overFlag, *everyFlag = *durationFlag, soakEvery
	*recordsFlag = uint64(durationFlag.Seconds() * soakRate)
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(rand.Uint32())
	}
	name, net := soakNetwork(t)
	r := newTrial(t, name, net, seed)
	r.plan.spared = soakSpared
	r.faults = r.plan.schedule()
	r.vitals = newSamples()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { r.sample(ctx) })
	defer wg.Wait()
	defer cancel()
	r.announce()
	r.begin()
	if err := r.play(r.faults, r.load.Began); err != nil {
		t.Fatal(err)
	}
	cancel() // what follows is no steady load
	r.heal()
	r.resume()
	r.replay()
	r.ledger.settle()
	r.slopes()
	r.keepSamples()
	r.verdict()
}

// soakNetwork is the one that was asked for, or the best there is.
func soakNetwork(t *testing.T) (string, network) {
	t.Helper()
	var err error
	for _, name := range networkNames {
		if *networkFlag != "" && *networkFlag != name {
			continue
		}
		var net network
		if net, err = networks[name](t); err == nil {
			return name, net
		}
	}
	t.Fatalf("no network %s: %v", *networkFlag, err)
	return "", nil
}

// slopes prints what each life that was long enough grew by, and notes those
// that grew by too much.
func (r *trial) slopes() {
	total := r.plan.over.Seconds()
	lives, short := r.vitals.lives(longEnough * total)
	var b strings.Builder
	fmt.Fprintf(&b, "soak of %s: usual size and growth after %.0f %% of a life; * is too much\n  %-13s", r.plan.over, warmUp*100, "process")
	for _, m := range metrics {
		fmt.Fprintf(&b, " %22s", m)
	}
	for _, l := range lives {
		fmt.Fprintf(&b, "\n  %-13s", fmt.Sprintf("%s.%d", l.node, l.number))
		for _, m := range metrics {
			fmt.Fprintf(&b, " %22s", r.judge(l, m))
		}
	}
	fmt.Fprintf(&b, "\n  %d lives were long enough to be judged, %d were not\n", len(lives), short)
	fmt.Fprint(os.Stdout, b.String())
	if len(lives) < len(soakSpared) {
		r.ledger.wrong(unhealed, 1, "only %d lives were long enough to be judged", len(lives))
	}
}

// keepSamples writes what was measured beside the logs.
func (r *trial) keepSamples() {
	f := r.create("samples.txt")
	defer f.Close()
	w := bufio.NewWriter(f)
	defer w.Flush()
	for l, of := range r.vitals.of {
		for m, s := range of {
			for i := range s.at {
				fmt.Fprintf(w, "%s.%d %s %.0f %.1f\n", l.node, l.number, m, s.at[i], s.value[i])
			}
		}
	}
}

// judge describes one metric of a life, and notes it if it grew by too much.
func (r *trial) judge(l life, m metric) string {
	of := r.vitals.of[l][m]
	if of == nil {
		return "-"
	}
	warm := warmUp * of.span()
	if m == rss && roleOf(l.node) == "store" {
		warm = max(warm, storeWarmUp)
	}
	s := of.after(warm)
	if s.span() < leastJudged {
		return "warming up"
	}
	grew, most := s.growth(), mayGrow[m].most(s)
	text := fmt.Sprintf("%.1f %+.1f of %.0f", s.median(), grew, most)
	if mayGrow[m].exceeded(s) {
		r.ledger.wrong(grown, 1, "%s.%d: %s by %.1f in %.0fs, and may by %.1f", l.node, l.number, m, grew, s.span(), most)
		text += "*"
	}
	return text
}
