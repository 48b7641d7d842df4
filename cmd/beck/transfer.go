package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/cwriter"
	"github.com/vbauerster/mpb/v8/decor"
)

const (
	barPatience = time.Second            // how long something takes that needs no bar
	barEvery    = 100 * time.Millisecond // how often a bar is brought up to date
)

// transfer shows on a terminal how much of a long input is published, and how
// fast. What is written to it appears above the bar.
type transfer struct {
	w     io.Writer
	name  string
	total int64         // bytes or records
	bytes func() int64  // how many bytes are done; nil: records are counted
	sent  func() uint64 // how many records are done
	begun time.Time

	mu   sync.Mutex
	bars *mpb.Progress // nil until there is one
	stop context.CancelFunc
	done sync.WaitGroup
}

// watch shows how the publishing of in goes on, if w is a terminal and it is known
// how much there is.
func watch(w io.Writer, name string, in *reading, f *feed) *transfer {
	t := &transfer{w: w, name: name, total: in.total, sent: f.total.Load, begun: time.Now(), stop: func() {}}
	if in.bytes != nil {
		t.bytes = f.bytes.Load
	}
	if f, ok := w.(*os.File); ok && in.total > 0 && cwriter.IsTerminal(int(f.Fd())) {
		ctx, cancel := context.WithCancel(context.Background())
		t.stop = cancel
		t.done.Go(func() { t.run(ctx, f) })
	}
	return t
}

// Write implements io.Writer.
func (t *transfer) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.bars != nil {
		return t.bars.Write(p)
	}
	return t.w.Write(p)
}

// close takes the bar away.
func (t *transfer) close() {
	t.stop()
	t.done.Wait()
}

func (t *transfer) run(ctx context.Context, f *os.File) {
	select {
	case <-ctx.Done():
		return
	case <-time.After(barPatience):
	}
	bar := t.show(f)
	tick := time.NewTicker(barEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		bar.SetCurrent(t.current())
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	bar.Abort(true)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.bars.Wait()
	t.bars = nil
}

// show puts a bar on the terminal.
func (t *transfer) show(f *os.File) *mpb.Bar {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.bars = mpb.New(mpb.WithOutput(f), mpb.WithWidth(40))
	counters := decor.CountersNoUnit("%d of %d records")
	if t.bytes != nil {
		counters = decor.CountersKibiByte("% .1f of % .1f")
	}
	rate := func(decor.Statistics) string { return perSecond(t.sent(), time.Since(t.begun)) }
	return t.bars.AddBar(t.total,
		mpb.PrependDecorators(decor.Name(t.name+" ")),
		mpb.AppendDecorators(counters, decor.Any(rate, decor.WCSyncSpace)))
}

// current is how much is done; what is done altogether is shown by taking the bar
// away.
func (t *transfer) current() int64 {
	n := int64(t.sent())
	if t.bytes != nil {
		n = t.bytes()
	}
	return min(n, t.total-1)
}

// perSecond names a rate.
func perSecond(n uint64, in time.Duration) string {
	return fmt.Sprintf("%s records/s", grouped(uint64(float64(n)/max(in.Seconds(), 1e-9))))
}
