//go:build unix

package chaos

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// violation is a kind of broken promise.
type violation string

// The violations, in the order in which they are printed.
const (
	lost       violation = "lost"          // acknowledged, and a store or a consumer does not have it
	outOfOrder violation = "out of order"  // delivered before what comes before it
	duplicated violation = "duplicated"    // delivered twice in a consumer's life
	resumed    violation = "resumed wrong" // a consumer began behind what its name was given
	below      violation = "below commit"  // delivered again, below what its name had saved
	wrongValue violation = "wrong"         // another content, or another writer
	skipped    violation = "skipped"       // given up as missing or expired
	reused     violation = "reused"        // a restarted producer went back behind what was seen
	headBack   violation = "heads back"    // a store has less than it had
	unequal    violation = "unequal"       // stores that differ, or for too long
	unhealed   violation = "unhealed"      // what should have come in time
	ended      violation = "ended"         // processes that ended by themselves
	grown      violation = "grown"         // what a soak found to leak
)

var violations = []violation{
	lost, outOfOrder, duplicated, resumed, below, wrongValue, skipped, reused, headBack, unequal, unhealed, ended, grown,
}

// ledger keeps what the children report, and finds what is wrong with it. Its
// methods may be called by any goroutine.
type ledger struct {
	mu         sync.Mutex
	partitions map[place]*partition
	writers    map[string]int    // index by address
	addresses  map[string]string // address by the producer's name
	published  map[string]bool   // producers that have published everything
	done       map[string]bool   // ... and have all acknowledgements
	readers    map[string]*reader
	stores     map[string]*listing // by UUID
	storeAt    map[string]string   // UUID by the store's name
	wiped      map[string]bool     // UUIDs of stores that lost their disks
	refill     *refill             // of the store that was wiped; nil when it has everything again
	names      tally
	count      map[violation]uint64
	examples   map[violation][]string
	delivered  uint64
	resting    bool // the faults have ended, and all stores are equal
}

// partition is what is known of one.
type partition struct {
	acked  marks  // by offset
	seen   uint64 // behind the last record that anybody had
	before uint64 // seen when its producer was started
	end    uint64 // behind the last record that was published
}

func newLedger() *ledger {
	return &ledger{
		partitions: make(map[place]*partition), writers: make(map[string]int), addresses: make(map[string]string),
		published: make(map[string]bool), done: make(map[string]bool), readers: make(map[string]*reader),
		stores: make(map[string]*listing), storeAt: make(map[string]string), wiped: make(map[string]bool),
		count: make(map[violation]uint64), examples: make(map[violation][]string),
	}
}

// maxExamples is how many violations of a kind are described.
const maxExamples = 10

// wrong notes n violations.
func (l *ledger) wrong(v violation, n uint64, format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.note(v, n, format, args...)
}

// note is wrong for who holds the lock.
func (l *ledger) note(v violation, n uint64, format string, args ...any) {
	l.count[v] += n
	if len(l.examples[v]) < maxExamples {
		at := time.Now().Format("15:04:05.000 ")
		l.examples[v] = append(l.examples[v], at+fmt.Sprintf(format, args...))
	}
}

// total returns how many violations there were.
func (l *ledger) total() (n uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, of := range l.count {
		n += of
	}
	return n
}

func (l *ledger) at(p place) *partition {
	if l.partitions[p] == nil {
		l.partitions[p] = new(partition)
	}
	return l.partitions[p]
}

// places returns all partitions, sorted.
func (l *ledger) places() []place {
	return slices.SortedFunc(maps.Keys(l.partitions), func(a, b place) int {
		return strings.Compare(a.topic+a.partition, b.topic+b.partition)
	})
}

// starting begins a life of a node, before its process does.
func (l *ledger) starting(node string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch roleOf(node) {
	case "producer":
		l.published[node], l.done[node] = false, false
		for p, of := range l.partitions {
			if p.partition == l.addresses[node] {
				of.before = of.seen
			}
		}
	case "consumer", "replay":
		if l.readers[node] == nil {
			l.readers[node] = newReader()
		}
		l.readers[node].asked = false
	}
}

// hello takes a producer's address, which is the same in all its lives.
func (l *ledger) hello(node, address string, index int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if was := l.addresses[node]; was != "" && was != address {
		l.note(reused, 1, "%s was %s and is now %s", node, was, address)
	}
	l.addresses[node] = address
	l.written(address, index)
}

// written notes whose partition that is.
func (l *ledger) written(address string, index int) {
	if was, known := l.writers[address]; known && was != index {
		l.note(wrongValue, 1, "partition %s has values of producers %d and %d", address, was, index)
	}
	l.writers[address] = index
}

// next takes the offset at which a producer goes on.
func (l *ledger) next(node, topic string, offset uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := place{topic, l.addresses[node]}
	if of := l.at(p); offset < of.before {
		l.note(reused, of.before-offset, "%s goes on at %d of %s, where %d were seen", node, offset, topic, of.before)
	}
}

// acked takes what a producer's application was told is acknowledged.
func (l *ledger) acked(node, topic string, first, end uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	of := l.at(place{topic, l.addresses[node]})
	of.acked = of.acked.set(first, end)
	of.seen = max(of.seen, end)
}

// all takes how much a producer has published to a topic, which is everything.
func (l *ledger) all(node, topic string, end uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at(place{topic, l.addresses[node]}).end = end
	l.published[node] = true
}

func (l *ledger) finished(node string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done[node] = true
}

func (l *ledger) digest(node string, p place, digest string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.readers[node].digests[p] = digest
}

func (l *ledger) replayed(node string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.readers[node].ended = true
}
