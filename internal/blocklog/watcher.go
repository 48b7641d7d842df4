package blocklog

import "context"

// Watcher is told how far a long operation has come. Its methods are called by
// the goroutine that called the operation.
type Watcher interface {
	// Phase begins a part of the operation that is about so many bytes long.
	Phase(name string, bytes uint64)
	// Progress says how many bytes of the phase are done.
	Progress(done uint64)
}

// pace counts bytes for a watcher, which may be nil, and ends an operation when
// its context does.
type pace struct {
	ctx   context.Context
	watch Watcher
	done  uint64
}

func (p *pace) phase(name string, bytes uint64) {
	p.done = 0
	if p.watch != nil {
		p.watch.Phase(name, bytes)
	}
}

// add counts n bytes more and returns the context's error.
func (p *pace) add(n int) error {
	p.done += uint64(n)
	if p.watch != nil {
		p.watch.Progress(p.done)
	}
	return p.ctx.Err()
}

// Write counts the bytes that are copied to it.
func (p *pace) Write(b []byte) (int, error) { return len(b), p.add(len(b)) }
