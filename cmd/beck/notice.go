package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"
)

// patience is how long a command waits in silence.
const patience = 2 * time.Second

// waiting says what a command waits for.
type waiting struct {
	cause string // told once, until it changes; "" is nothing to wait for
	mark  uint64 // a change is progress, and starts the patience again
	text  string // what to say
}

// notify looks at state until stop is called, and writes its text as a line
// once it has been waited for longer than patience.
func notify(w io.Writer, state func() waiting) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() {
		tick := time.NewTicker(patience / 10)
		defer tick.Stop()
		var n notice
		for {
			select {
			case now := <-tick.C:
				if text := n.step(now, state()); text != "" {
					fmt.Fprintf(w, "beck: waiting: %s\n", text)
				}
			case <-ctx.Done():
				return
			}
		}
	})
	return func() { cancel(); done.Wait() }
}

// notice decides when to say something.
type notice struct {
	since time.Time // when the present wait began
	mark  uint64
	told  string // the cause that was told in the present wait
}

// step returns what to say now, or "".
func (n *notice) step(now time.Time, s waiting) string {
	if s.cause == "" || s.mark != n.mark || n.since.IsZero() {
		n.since, n.told = now, ""
	}
	n.mark = s.mark
	if s.cause == "" || s.cause == n.told || now.Sub(n.since) < patience {
		return ""
	}
	n.told = s.cause
	return s.text
}
