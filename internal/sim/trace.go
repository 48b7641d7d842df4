package sim

import (
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// trace is what happened, for whoever looks at a failure. It is put into words
// only then.
type trace struct {
	notes []note
	all   bool // keep everything, not only the newest
}

type note struct {
	at     time.Duration
	format string
	args   []any
}

// maxTrace is how many notes are kept for a failure.
const maxTrace = 400

// tracef notes what happened. The arguments must not change afterwards.
func (w *World) tracef(format string, args ...any) {
	t := &w.trace
	if len(t.notes) >= maxTrace && !t.all {
		t.notes = append(t.notes[:0], t.notes[maxTrace/2:]...)
	}
	t.notes = append(t.notes, note{w.elapsed, format, args})
}

func (t *trace) lines() (lines []string) {
	for _, n := range t.notes {
		lines = append(lines, fmt.Sprintf("%8.3fs ", n.at.Seconds())+fmt.Sprintf(n.format, n.args...))
	}
	return lines
}

// verbose has everything traced, also what the nodes log.
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
	w.trace.all = true
}

type traceWriter struct{ *World }

func (w traceWriter) Write(b []byte) (int, error) {
	w.tracef("    %s", strings.TrimSpace(string(b)))
	return len(b), nil
}
