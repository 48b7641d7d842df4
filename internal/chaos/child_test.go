//go:build unix

package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/beckmesh/beck"
)

// childVariable tells this binary, by its presence in the environment, to be a
// node and no test.
const childVariable = "BECK_CHAOS_CHILD"

// settings is what a child is told, as JSON in childVariable.
type settings struct {
	Role             string
	Index            int // among those of its role
	Sub, Pub, Listen string
	Dir              string // journal of a producer
	Topics           []string
	Records          uint64 // for a producer to publish, over all topics and lives
	Began            time.Time
	Over             time.Duration // in which to publish them
}

// childRoles run until ctx ends, and report what happens.
var childRoles = map[string]func(ctx context.Context, s settings, out *reporter) error{
	"producer": runProducer,
	"consumer": runConsumer,
	"replay":   runReplay,
	"probe":    runProbe,
}

// runChild is main of a child. It ends well when its standard input does.
func runChild(text string) int {
	var s settings
	out := &reporter{to: os.Stdout}
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		fmt.Fprintln(os.Stderr, "chaos: settings:", err)
		return 1
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	go vitals(ctx, out)
	if err := childRoles[s.Role](ctx, s, out); err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		return 1
	}
	return 0
}

// vitals reports the child's heap and goroutines every second.
func vitals(ctx context.Context, out *reporter) {
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		<-tick.C
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		out.line("vitals", m.HeapAlloc, runtime.NumGoroutine())
	}
}

// node returns the settings of the child's node. It logs everything.
func (s *settings) node() beck.NodeConfig {
	return beck.NodeConfig{
		Sub: []string{s.Sub}, Pub: []string{s.Pub}, Listen: s.Listen,
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
}

// reporter tells the parent, a line at a time. What it has written, the parent
// gets, even if the child is killed.
type reporter struct {
	mu  sync.Mutex
	to  io.Writer
	buf []byte
}

// line writes words with a space between them. A parent that is gone is no
// error: the child ends with it.
func (r *reporter) line(words ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.buf = fmt.Appendln(r.buf[:0], words...)
	_, _ = r.to.Write(r.buf)
}
