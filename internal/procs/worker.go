package procs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// ErrParent says that the parent ended what it had started, or went away.
var ErrParent = errors.New("the measurement has ended")

// Worker is a child's end of the conversation. Its methods may be called from
// any goroutine.
type Worker struct {
	ctx    context.Context
	mu     sync.Mutex // guards what follows
	out    *json.Encoder
	meter  func() Usage
	began  float64 // CPUSeconds when it was told to go
	credit uint64
	more   *sync.Cond // credit grew, or the parent went
	going  chan struct{}
	gone   bool // going is closed
}

// NewWorker returns the worker of this process. Its context ends when the
// parent stops it.
func NewWorker(parent context.Context, in io.Reader, out io.Writer) *Worker {
	ctx, cancel := context.WithCancelCause(parent)
	w := &Worker{ctx: ctx, out: json.NewEncoder(out), going: make(chan struct{}), meter: ownUsage}
	w.more = sync.NewCond(&w.mu)
	context.AfterFunc(ctx, w.wake)
	go func() {
		w.obey(json.NewDecoder(in))
		cancel(ErrParent)
	}()
	return w
}

// Context ends when the parent stops this process; its cause is ErrParent.
func (w *Worker) Context() context.Context { return w.ctx }

// obey carries out commands until their stream ends.
func (w *Worker) obey(in *json.Decoder) {
	for {
		var c command
		if in.Decode(&c) != nil {
			return
		}
		switch c.Do {
		case doGo:
			w.start()
		case doCredit:
			w.grant(c.Records)
		case doReport:
			w.tell(event{Is: isUsage, Usage: w.usage()})
		}
	}
}

func (w *Worker) start() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.began = w.meter().CPUSeconds
	if !w.gone {
		w.gone = true
		close(w.going)
	}
}

func (w *Worker) grant(records uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.credit = max(w.credit, records)
	w.more.Broadcast()
}

func (w *Worker) wake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.more.Broadcast()
}

func (w *Worker) usage() *Usage {
	w.mu.Lock()
	defer w.mu.Unlock()
	u := w.meter()
	u.CPUSeconds -= w.began
	return &u
}

// Measure has the usage of another process reported instead of this one's,
// which only looks after it.
func (w *Worker) Measure(meter func() Usage) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.meter = meter
}

func ownUsage() Usage { return Usage{CPUSeconds: cpuTime().Seconds(), PeakRSS: peakRSS()} }

// tell sends an event. A parent that does not take it has gone, which is seen
// at the other stream.
func (w *Worker) tell(e event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	_ = w.out.Encode(e)
}

// Ready says that this process can go, and what others must know of it.
func (w *Worker) Ready(data any) error { return w.say(isReady, data) }

// Done says that this process has done its work, and with what result, and waits
// until the context ends: others may still be served from here.
func (w *Worker) Done(data any) error {
	if err := w.say(isDone, data); err != nil {
		return err
	}
	<-w.ctx.Done()
	return nil
}

func (w *Worker) say(what string, data any) error {
	text, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	w.tell(event{Is: what, Data: text})
	return nil
}

// AwaitGo waits until the parent says go, or returns ErrParent.
func (w *Worker) AwaitGo() error {
	select {
	case <-w.going:
		return nil
	case <-w.ctx.Done():
		return context.Cause(w.ctx)
	}
}

// AwaitCredit waits until more than n records may be sent, and returns how many
// may, or ErrParent.
func (w *Worker) AwaitCredit(n uint64) (uint64, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.credit <= n {
		if err := context.Cause(w.ctx); err != nil {
			return 0, err
		}
		w.more.Wait()
	}
	return w.credit, nil
}

// Follow tells the parent how a count grows, looking at it every so often,
// until stop is called, which tells it a last time.
func (w *Worker) Follow(every time.Duration, count func() uint64) (stop func()) {
	ctx, cancel := context.WithCancel(w.ctx)
	var done sync.WaitGroup
	done.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		var told uint64
		for ctx.Err() == nil {
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
			if n := count(); n != told {
				told = n
				w.tell(event{Is: isProgress, Records: n})
			}
		}
	})
	return func() { cancel(); done.Wait() }
}

// Run is the main function of a child: work does everything, and returns nil
// or ErrParent once the context has ended. Run returns the exit status.
func Run(ctx context.Context, in io.Reader, out io.Writer, work func(*Worker) error) int {
	w := NewWorker(ctx, in, out)
	err := work(w)
	if err == nil || errors.Is(err, ErrParent) || w.ctx.Err() != nil {
		return 0
	}
	w.tell(event{Is: isFailed, Error: err.Error()})
	return 1
}
