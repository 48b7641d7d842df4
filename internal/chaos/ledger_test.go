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
	resumed    violation = "resumed wrong" // a restarted consumer began elsewhere than it had to
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
	lost, outOfOrder, duplicated, resumed, wrongValue, skipped, reused, headBack, unequal, unhealed, ended, grown,
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
	count      map[violation]uint64
	examples   map[violation][]string
	delivered  uint64
}

// partition is what is known of one.
type partition struct {
	acked  []bool // by offset
	seen   uint64 // behind the last record that anybody had
	before uint64 // seen when its producer was started
	end    uint64 // behind the last record that was published
}

// reader is a consumer in one of its lives.
type reader struct {
	next    map[place]uint64
	digests map[place]string
	ended   bool // has replayed everything
}

// span is what a store has of a partition.
type span struct{ tail, next uint64 }

// listing is what a store says that it has.
type listing struct {
	at            time.Time // when the last list was complete
	heads, coming map[place]span
}

func newLedger() *ledger {
	return &ledger{
		partitions: make(map[place]*partition), writers: make(map[string]int), addresses: make(map[string]string),
		published: make(map[string]bool), done: make(map[string]bool), readers: make(map[string]*reader),
		stores: make(map[string]*listing), count: make(map[violation]uint64), examples: make(map[violation][]string),
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
		l.readers[node] = &reader{next: make(map[place]uint64), digests: make(map[place]string)}
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
	for uint64(len(of.acked)) < end {
		of.acked = append(of.acked, false)
	}
	for o := first; o < end; o++ {
		of.acked[o] = true
	}
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

// got takes what a consumer delivered. Each of its lives begins at the first
// record of a partition.
func (l *ledger) got(node string, r run) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.written(r.partition, r.producer)
	l.delivered += r.end - r.first
	of := l.at(r.place)
	of.seen = max(of.seen, r.end)
	reader := l.readers[node]
	next, begun := reader.next[r.place]
	switch {
	case !begun && r.first != 0:
		l.note(resumed, 1, "%s began %s/%s at %d", node, r.topic, r.partition, r.first)
	case r.first < next:
		l.note(duplicated, min(next, r.end)-r.first, "%s got %s/%s %d–%d when it had all below %d", node, r.topic, r.partition, r.first, r.end-1, next)
	case r.first > next:
		l.note(outOfOrder, r.first-next, "%s got %s/%s %d–%d when %d was due", node, r.topic, r.partition, r.first, r.end-1, next)
	}
	reader.next[r.place] = max(next, r.end)
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

// head takes an entry of a store's list.
func (l *ledger) head(store string, p place, s span) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stores[store] == nil {
		l.stores[store] = &listing{}
	}
	of := l.stores[store]
	if of.coming == nil {
		of.coming = make(map[place]span)
	}
	of.coming[p] = s
	part := l.at(p)
	part.seen = max(part.seen, s.next)
	if was := of.heads[p]; s.next < was.next {
		l.note(headBack, 1, "store %s had %d of %s/%s and has %d", store, was.next, p.topic, p.partition, s.next)
	}
}

// listed takes the end of a store's list.
func (l *ledger) listed(store string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	of := l.stores[store]
	if of == nil {
		return // it has nothing yet
	}
	for p := range of.heads {
		if _, has := of.coming[p]; !has {
			l.note(headBack, 1, "store %s had %d of %s/%s and has nothing", store, of.heads[p].next, p.topic, p.partition)
		}
	}
	of.heads, of.coming, of.at = of.coming, nil, time.Now()
}
