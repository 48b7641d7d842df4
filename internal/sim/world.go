package sim

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand"
	"strings"
	"sync/atomic"
	"time"
)

// World is one history: everything that happens in it follows from its seed.
type World struct {
	Seed     int64
	rng      *rand.Rand
	now      time.Time
	elapsed  time.Duration // since epoch
	events   events
	count    uint64 // of events, ever
	happened uint64
	id       string // prefix of host names
	serial   int

	hosts     []*host          // that are up, in the order they came up
	endpoints map[string]*host // by "tcp://name:port"
	towers    []*tower
	stores    []*storeBox
	cStores   []*cStore
	lost      int                  // disks, or blocks of them
	blocked   map[[2]*machine]bool // from, to: nothing gets through

	socket int // bytes that a connection holds on its way and unread
	model  model
	misled bool // C stores believe what C producers answer, and whoever asks them gets it
	retain retaining
	Faults map[string]int // how often each fault happened
	Healed time.Duration  // how long it took until everybody had what was acknowledged
	trace  trace
	failed error
	log    *slog.Logger
}

// epoch is when every world begins.
var epoch = time.UnixMilli(1_700_000_000_000)

// worlds numbers the histories of a process, which may run side by side.
var worlds atomic.Uint64

func newWorld(seed int64) *World {
	w := &World{
		Seed: seed, rng: rand.New(rand.NewSource(seed)), now: epoch,
		id: fmt.Sprintf("sim%08d", worlds.Add(1)), endpoints: make(map[string]*host),
		blocked: make(map[[2]*machine]bool), model: make(model), Faults: make(map[string]int),
		log: slog.New(slog.DiscardHandler),
	}
	w.socket = pick(w, []int{2 << 10, 8 << 10, 64 << 10})
	return w
}

// maxEvents is far more than a history takes.
const maxEvents = 5_000_000

// chance is true with probability p.
func (w *World) chance(p float64) bool { return w.rng.Float64() < p }

// between returns a time from low to high.
func (w *World) between(low, high time.Duration) time.Duration {
	return low + time.Duration(w.rng.Int63n(int64(high-low)+1))
}

// pick returns one of a list.
func pick[T any](w *World, list []T) T { return list[w.rng.Intn(len(list))] }

// failf notes that an invariant was broken. The first failure ends the history.
func (w *World) failf(format string, args ...any) {
	if w.failed == nil {
		w.failed = fmt.Errorf(format, args...)
		w.tracef("FAILED: %v", w.failed)
	}
}

// Err returns what was broken, with the trace of what led to it.
func (w *World) Err() error {
	if w.failed == nil {
		return nil
	}
	return fmt.Errorf("seed %d: %w\n%s", w.Seed, w.failed, strings.Join(w.trace.lines(), "\n"))
}

// firstLine returns a text up to its first newline.
func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// never is a context that has ended: calls that would wait return instead.
var never = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()
