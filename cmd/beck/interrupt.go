package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// untilSignal returns a context that ends with the first SIGINT or SIGTERM.
// From then on, and after stop, a signal ends the program as it does by
// default, so that a second Ctrl-C always works.
func untilSignal(parent context.Context) (ctx context.Context, stop func()) {
	ctx, stop = signal.NotifyContext(parent, os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

// stages is an interruption in two steps: after the first signal nothing new
// is begun, after the second nothing is waited for.
type stages struct {
	drain context.Context // done after the first signal
	leave context.Context // done after the second
	quit  chan struct{}
	done  chan struct{}
}

func newStages(parent context.Context) *stages {
	s := &stages{quit: make(chan struct{}), done: make(chan struct{})}
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	leave, cancelLeave := context.WithCancel(parent)
	drain, cancelDrain := context.WithCancel(leave)
	s.drain, s.leave = drain, leave
	go func() {
		defer close(s.done)
		defer cancelLeave()
		defer signal.Stop(signals)
		for _, next := range []func(){cancelDrain, cancelLeave} {
			select {
			case <-signals:
				next()
			case <-s.quit:
				return
			}
		}
		<-s.quit
	}()
	return s
}

// stop gives signals their default meaning back and ends both contexts.
func (s *stages) stop() {
	close(s.quit)
	<-s.done
}
