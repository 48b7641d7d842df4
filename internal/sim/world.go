package sim

import (
	"container/heap"
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
	events   events
	count    uint64 // of events, ever
	happened uint64
	id       string // prefix of host names
	serial   int

	hosts     []*host          // that are up, in the order they came up
	endpoints map[string]*host // by "tcp://name:port"
	towers    []*tower
	stores    []*storeBox
	blocked   map[[2]*machine]bool // from, to: nothing gets through

	socket   int // bytes that a connection holds on its way and unread
	model    model
	Faults   map[string]int // how often each fault happened
	Healed   time.Duration  // how long it took until everybody had what was acknowledged
	trace    []string
	traceAll bool
	failed   error
	log      *slog.Logger
}

// worlds numbers the histories of a process, which may run side by side.
var worlds atomic.Uint64

// maxTrace is how many lines of what happened are kept for a failure.
const maxTrace = 400

func newWorld(seed int64) *World {
	w := &World{
		Seed: seed, rng: rand.New(rand.NewSource(seed)), now: time.UnixMilli(1_700_000_000_000),
		id: fmt.Sprintf("sim%08d", worlds.Add(1)), endpoints: make(map[string]*host),
		blocked: make(map[[2]*machine]bool), model: newModel(), Faults: make(map[string]int),
		log: slog.New(slog.DiscardHandler),
	}
	w.socket = pick(w, []int{2 << 10, 8 << 10, 64 << 10})
	return w
}

// verbose has everything that the nodes log traced.
func (w *World) verbose() {
	w.log = slog.New(slog.NewTextHandler(traceWriter{w}, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey || a.Key == slog.LevelKey {
				return slog.Attr{}
			}
			return a
		},
	}))
	w.traceAll = true
}

type traceWriter struct{ *World }

func (w traceWriter) Write(b []byte) (int, error) {
	w.tracef("    %s", strings.TrimSpace(string(b)))
	return len(b), nil
}

// maxEvents is far more than a history takes.
const maxEvents = 5_000_000

// event is something that happens at a time.
type event struct {
	at   time.Time
	turn uint64 // ties go by the order in which they were planned
	do   func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	if !e[i].at.Equal(e[j].at) {
		return e[i].at.Before(e[j].at)
	}
	return e[i].turn < e[j].turn
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	old := *e
	last := old[len(old)-1]
	old[len(old)-1] = event{}
	*e = old[:len(old)-1]
	return last
}

// after plans do.
func (w *World) after(d time.Duration, do func()) {
	w.count++
	heap.Push(&w.events, event{at: w.now.Add(d), turn: w.count, do: do})
}

// run lets d pass, or less when something fails.
func (w *World) run(d time.Duration) { w.runUntil(d, func() bool { return false }) }

// runUntil lets time pass until done, at most d, and says whether it was done.
func (w *World) runUntil(d time.Duration, done func() bool) bool {
	end := w.now.Add(d)
	for w.failed == nil && !done() {
		if len(w.events) == 0 || w.events[0].at.After(end) {
			w.now = end
			return done()
		}
		e := heap.Pop(&w.events).(event)
		w.now = e.at
		e.do()
		if w.happened++; w.happened > maxEvents {
			w.failf("%d events: something goes round in circles", w.happened)
		}
	}
	return w.failed == nil
}

// chance is true with probability p.
func (w *World) chance(p float64) bool { return w.rng.Float64() < p }

// between returns a time from low to high.
func (w *World) between(low, high time.Duration) time.Duration {
	return low + time.Duration(w.rng.Int63n(int64(high-low)+1))
}

// pick returns one of a list.
func pick[T any](w *World, list []T) T { return list[w.rng.Intn(len(list))] }

// tracef notes what happened.
func (w *World) tracef(format string, args ...any) {
	if len(w.trace) >= maxTrace && !w.traceAll {
		w.trace = append(w.trace[:0], w.trace[maxTrace/2:]...)
	}
	w.trace = append(w.trace, fmt.Sprintf("%8.3fs ", float64(w.now.UnixMilli()-1_700_000_000_000)/1000)+fmt.Sprintf(format, args...))
}

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
	return fmt.Errorf("seed %d: %w\n%s", w.Seed, w.failed, strings.Join(w.trace, "\n"))
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
