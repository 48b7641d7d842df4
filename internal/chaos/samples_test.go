//go:build unix

package chaos

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const sampleEvery = time.Second

// metric is something that is measured of a process.
type metric string

// The metrics. What a child tells of itself, the program does not tell.
const (
	rss        metric = "rss"        // resident memory, MiB
	heap       metric = "heap"       // of a child, as it says, MiB
	goroutines metric = "goroutines" // of a child, as it says
	threads    metric = "threads"
	files      metric = "files" // descriptors
)

var metrics = []metric{rss, heap, goroutines, threads, files}

// life is a process of a node.
type life struct {
	node   string
	number int
}

// samples are taken of every process that there is, by life. A nil *samples
// takes none.
type samples struct {
	began time.Time

	mu sync.Mutex
	of map[life]map[metric]*series
}

func newSamples() *samples { return &samples{began: time.Now(), of: make(map[life]map[metric]*series)} }

func (s *samples) add(n *node, m metric, value float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := life{n.name, n.life}
	if s.of[l] == nil {
		s.of[l] = make(map[metric]*series)
	}
	if s.of[l][m] == nil {
		s.of[l][m] = new(series)
	}
	s.of[l][m].add(time.Since(s.began).Seconds(), value)
}

// child takes what a child tells of itself.
func (s *samples) child(n *node, heapBytes, goroutineCount float64) {
	if s != nil {
		s.add(n, heap, heapBytes/(1<<20))
		s.add(n, goroutines, goroutineCount)
	}
}

// sample looks at all processes until ctx ends.
func (c *cluster) sample(ctx context.Context) {
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		<-tick.C
		c.mu.Lock()
		var all []*node
		for _, n := range c.nodes {
			all = append(all, n)
		}
		c.mu.Unlock()
		for _, n := range all {
			if n.process.Running() {
				c.vitals.process(n)
			}
		}
	}
}

// process measures what the system knows of a process. One that has just ended
// has nothing.
func (s *samples) process(n *node) {
	status, err := os.Open(fmt.Sprintf("/proc/%d/status", n.process.PID()))
	if err != nil {
		return
	}
	defer status.Close()
	for lines := bufio.NewScanner(status); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) < 2 {
			continue
		}
		value, _ := strconv.ParseFloat(words[1], 64)
		switch words[0] {
		case "VmRSS:":
			s.add(n, rss, value/1024) // it is in KiB
		case "Threads:":
			s.add(n, threads, value)
		}
	}
	if open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", n.process.PID())); err == nil {
		s.add(n, files, float64(len(open)))
	}
}

// lives returns the lives that lasted for at least so many seconds, sorted, and
// how many did not.
func (s *samples) lives(seconds float64) (long []life, short int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for l, of := range s.of {
		if of[rss] != nil && of[rss].span() >= seconds {
			long = append(long, l)
		} else {
			short++
		}
	}
	slices.SortFunc(long, func(a, b life) int { return cmp.Or(cmp.Compare(a.node, b.node), cmp.Compare(a.number, b.number)) })
	return long, short
}
