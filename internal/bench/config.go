package bench

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/beckmesh/beck/internal/workload"
)

// Mode is what a run measures.
type Mode string

// The modes.
const (
	Direct  Mode = "direct"  // producers to one consumer, no store
	Store   Mode = "store"   // producers until a store has acknowledged everything
	Replay  Mode = "replay"  // a store to a new consumer, the producers gone
	Fanout  Mode = "fanout"  // producers to several consumers
	Latency Mode = "latency" // a producer at a fixed rate to one consumer
	Join    Mode = "join"    // the start of a consumer to its first record
	Idle    Mode = "idle"    // a mesh in which nothing happens
)

// Modes lists all modes.
var Modes = []Mode{Direct, Store, Replay, Fanout, Latency, Join, Idle}

// Errors that a caller can match.
var (
	// ErrConfig says that a setting is out of its bounds; the text names it.
	ErrConfig = errors.New("invalid setting")
	// ErrStalled says that records stopped arriving.
	ErrStalled = errors.New("nothing arrives any more")
)

// Config is one run.
type Config struct {
	Mode Mode

	Count     uint64        // records over all producers; in mode Join, starts of a consumer
	Size      int           // bytes of a value
	Producers int           // processes
	Consumers int           // processes; more than 1 in modes Fanout and Idle only
	Topics    int           // each producer writes them in turn
	Batch     int           // records that a producer hands over at once, as long as they have at most 1 MiB
	Rate      int           // records per second, in modes Latency and Join
	Over      time.Duration // in mode Idle: for how long it is looked at

	// Sub and Pub are the tower of a running mesh, as in beck.NodeConfig. None
	// stands for a mesh of its own.
	Sub, Pub []string
	Listen   string // what the nodes listen on
	Host     string // what others are told to dial

	// Scrape has each node serve its metrics, and has them read so often; 0 is never.
	// Trace is how many traces each producer begins a second, below 0 one for each call
	// that publishes; spans go to a collector that forgets them. Both in modes Direct, Fanout and
	// Latency only.
	Scrape time.Duration
	Trace  int

	Dir      string        // of the store, and kept; "" for a temporary one
	Patience time.Duration // a run in which nothing goes on for so long has failed
	Lose     *uint64       // for tests: a record that the first producer leaves out

	// Program and Args start a role: the role as JSON is appended to them.
	Program string
	Args    []string
	Log     io.Writer // gets what the nodes have to say; may be nil
	Watcher Watcher   // may be nil
}

// Watcher is told how a run goes on. The calls come one at a time.
type Watcher interface {
	Phase(name string, total uint64) // a new count begins
	Progress(n uint64)               // of total
}

// The bounds of a value. An 8-byte stamp is the least that can be checked, and
// a message of 16 MiB the most that nodes accept.
const (
	MinSize = 8
	MaxSize = 15 << 20
)

// Validate returns nil, or an error that wraps ErrConfig and names the first
// setting that is out of its bounds.
func (c Config) Validate() error {
	if !slices.Contains(Modes, c.Mode) {
		return fmt.Errorf("%w: mode %q: want one of %s", ErrConfig, c.Mode, modeNames())
	}
	least := MinSize
	if c.Mode == Latency {
		least = 2 * MinSize
	}
	for _, b := range []struct {
		name          string
		is, low, high int64
	}{
		{"rate", int64(c.Rate), 1, 10_000_000}, // a count may follow from it
		{"count", int64(min(c.Count, 1<<62)), 1, 1 << 40},
		{"size", int64(c.Size), int64(least), MaxSize},
		{"producers", int64(c.Producers), 1, 1000},
		{"consumers", int64(c.Consumers), 1, 1000},
		{"topics", int64(c.Topics), 1, 1_000_000},
		{"batch", int64(c.Batch), 1, 1 << 20},
	} {
		if b.is < b.low || b.is > b.high {
			return fmt.Errorf("%w: %s is %d: want %d to %d", ErrConfig, b.name, b.is, b.low, b.high)
		}
	}
	if c.Mode == Idle && (c.Over < time.Second || c.Over > 24*time.Hour) {
		return fmt.Errorf("%w: over is %s: want 1s to 24h", ErrConfig, c.Over)
	}
	if c.Scrape != 0 && (c.Scrape < 10*time.Millisecond || c.Scrape > time.Hour) {
		return fmt.Errorf("%w: scrape is %s: want 10ms to 1h", ErrConfig, c.Scrape)
	}
	if c.Trace < -1 || c.Trace > 1_000_000 {
		return fmt.Errorf("%w: trace is %d: want -1 to %d", ErrConfig, c.Trace, 1_000_000)
	}
	if c.Patience < time.Millisecond {
		return fmt.Errorf("%w: patience is %s: want at least 1ms", ErrConfig, c.Patience)
	}
	return c.validateMode()
}

// validateMode refuses what a mode has no use for.
func (c Config) validateMode() error {
	one := func(name string, n int) error {
		if n != 1 {
			return fmt.Errorf("%w: mode %s has one of %s, not %d", ErrConfig, c.Mode, name, n)
		}
		return nil
	}
	var errs []error
	if c.Mode != Fanout && c.Mode != Idle {
		errs = append(errs, one("consumers", c.Consumers))
	}
	if c.Mode == Latency || c.Mode == Join {
		errs = append(errs, one("producers", c.Producers), one("topics", c.Topics))
	}
	if c.Dir != "" && (len(c.Sub) > 0 || !c.hasStore()) {
		errs = append(errs, fmt.Errorf("%w: a directory is given, but this run starts no store", ErrConfig))
	}
	if (c.Scrape > 0 || c.Trace != 0) && !c.watchable() {
		errs = append(errs, fmt.Errorf("%w: metrics and spans are for modes %s, %s and %s", ErrConfig, Direct, Fanout, Latency))
	}
	return errors.Join(errs...)
}

// watchable reports whether a run can be watched: one that has its nodes exchange
// records, and that is all.
func (c Config) watchable() bool { return c.Mode == Direct || c.Mode == Fanout || c.Mode == Latency }

// hasStore reports whether a mesh of its own needs a store.
func (c Config) hasStore() bool {
	return c.Mode == Store || c.Mode == Replay || c.Mode == Join || c.Mode == Idle
}

// shape returns what is sent.
func (c Config) shape() workload.Shape {
	s := workload.Shape{
		Count: c.Count, Size: c.Size, Producers: c.Producers, Topics: c.Topics, Timed: c.Mode == Latency,
	}
	if c.Mode == Join {
		s.Count = endless
	}
	return s
}

// endless is more records than a run can last for.
const endless = 1 << 40

func modeNames() string {
	var names []string
	for _, m := range Modes {
		names = append(names, string(m))
	}
	return strings.Join(names, ", ")
}
