package main

import (
	"io"
	"os"
	"os/signal"
	"sync"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/cwriter"
	"github.com/vbauerster/mpb/v8/decor"
)

// progressBar shows each phase of a benchmark, or of work on a store's directory,
// as a bar. A nil one can be closed.
type progressBar struct {
	out   *mpb.Progress
	bar   *mpb.Bar
	bytes bool // are counted, and not records
}

// newProgressBar returns nil if w is no terminal.
func newProgressBar(w io.Writer) *progressBar {
	f, ok := w.(*os.File)
	if !ok || !cwriter.IsTerminal(int(f.Fd())) {
		return nil
	}
	return &progressBar{out: mpb.New(mpb.WithOutput(f), mpb.WithWidth(40))}
}

// Phase implements bench.Watcher and blocklog.Watcher.
func (p *progressBar) Phase(name string, total uint64) {
	p.drop()
	counters := decor.CountersNoUnit("%d of %d")
	if p.bytes {
		counters = decor.CountersKibiByte("% .1f of % .1f")
	}
	p.bar = p.out.AddBar(int64(total),
		mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.Name(name, decor.WCSyncSpaceR)),
		mpb.AppendDecorators(counters, decor.Percentage(decor.WCSyncSpace)),
	)
}

// Progress implements bench.Watcher and blocklog.Watcher.
func (p *progressBar) Progress(n uint64) { p.bar.SetCurrent(int64(n)) }

// drop takes the bar of the last phase away.
func (p *progressBar) drop() {
	if p.bar != nil {
		p.bar.Abort(true)
		p.bar.Wait()
	}
}

func (p *progressBar) close() {
	if p == nil {
		return
	}
	p.drop()
	p.out.Wait()
}

// locked lets several processes write to one place.
type locked struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// ignoreInterrupts leaves what Ctrl-C means to another process.
func ignoreInterrupts() { signal.Ignore(os.Interrupt) }
