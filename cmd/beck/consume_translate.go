package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/beckmesh/beck"
)

const (
	maxTranslated = 64 << 20               // bytes that a command may make of a value
	maxComplaint  = 200                    // bytes of what it says when it fails
	killPatience  = 500 * time.Millisecond // how long what it started may hold its output
)

// translator changes values by a command, which the shell runs for each record
// with the value as its input. A newline at the end of what it prints is taken for
// the end of its line, and left out.
type translator struct {
	command  string
	out, err limited
}

func newTranslator(command string) *translator {
	return &translator{command: command, out: limited{limit: maxTranslated}, err: limited{limit: maxComplaint, drop: true}}
}

func (t *translator) change(ctx context.Context, r *beck.Record) error {
	t.out.bytes, t.err.bytes = t.out.bytes[:0], t.err.bytes[:0]
	cmd := shell(ctx, t.command)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(r.Value), &t.out, &t.err
	cmd.WaitDelay = killPatience
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("--translate %q at %s: %w%s", t.command, r.Place(), err, t.complaint())
	}
	r.Value = bytes.Clone(bytes.TrimSuffix(t.out.bytes, []byte("\n")))
	return nil
}

// complaint is the first line that the command wrote to standard error.
func (t *translator) complaint() string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(t.err.bytes)), "\n")
	if line == "" {
		return ""
	}
	return ": " + line
}

// limited is a buffer that takes no more than its limit: it refuses the rest, or
// drops it.
type limited struct {
	bytes []byte
	limit int
	drop  bool
}

func (l *limited) Write(p []byte) (int, error) {
	fits := min(len(p), l.limit-len(l.bytes))
	if fits < len(p) && !l.drop {
		return 0, fmt.Errorf("it printed more than %d bytes", l.limit)
	}
	l.bytes = append(l.bytes, p[:fits]...)
	return len(p), nil
}
