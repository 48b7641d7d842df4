package procs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// ErrRole wraps what ended a process that should have gone on.
var ErrRole = errors.New("process failed")

// grace is how long a process that was asked to leave may take.
const grace = 5 * time.Second

// Process is a child.
type Process struct {
	Name    string
	Started time.Time // just before it was started

	group    *Group
	cmd      *exec.Cmd
	stdin    io.WriteCloser
	stderr   tail
	progress func(uint64)
	ready    chan json.RawMessage
	done     chan json.RawMessage
	usage    chan Usage
	exited   chan struct{}

	mu      sync.Mutex
	leaving bool   // it was asked to
	said    string // why it failed, in its own words
}

// Start starts a program as a child of the group. Name is what errors call it;
// progress, which may be nil, is called with each count that it tells.
func (g *Group) Start(name string, progress func(uint64), program string, args ...string) (*Process, error) {
	p := &Process{
		Name: name, Started: time.Now(), group: g, progress: progress,
		ready: make(chan json.RawMessage, 1), done: make(chan json.RawMessage, 1),
		usage: make(chan Usage, 1), exited: make(chan struct{}),
	}
	p.cmd = exec.Command(program, args...)
	p.cmd.Stderr = io.Writer(&p.stderr)
	if g.Log != nil {
		p.cmd.Stderr = io.MultiWriter(&p.stderr, g.Log)
	}
	in, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p.stdin = in
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := context.Cause(g.ctx); err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	g.list = append(g.list, p)
	go p.follow(out)
	return p, nil
}

// follow reads what the child says to its end, and collects it.
func (p *Process) follow(out io.Reader) {
	defer close(p.exited)
	in := json.NewDecoder(out)
	for {
		var e event
		if in.Decode(&e) != nil {
			break
		}
		p.hear(e)
	}
	_, _ = io.Copy(io.Discard, out)
	err := p.cmd.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.leaving {
		p.group.cancel(p.failure(err))
	}
}

func (p *Process) hear(e event) {
	p.group.progressed()
	switch e.Is {
	case isReady:
		offer(p.ready, e.Data)
	case isDone:
		offer(p.done, e.Data)
	case isUsage:
		if e.Usage != nil {
			offer(p.usage, *e.Usage)
		}
	case isProgress:
		if p.progress != nil {
			p.progress(e.Records)
		}
	case isFailed:
		p.mu.Lock()
		p.said = e.Error
		p.mu.Unlock()
	}
}

// offer puts v into a channel of one place, unless something is in it already.
func offer[T any](c chan T, v T) {
	select {
	case c <- v:
	default:
	}
}

// failure says why the child ended; it needs the lock.
func (p *Process) failure(err error) error {
	said := p.said
	if said == "" {
		said = p.stderr.last()
	}
	switch {
	case said != "":
		return fmt.Errorf("%w: %s: %s", ErrRole, p.Name, said)
	case err != nil:
		return fmt.Errorf("%w: %s: %w", ErrRole, p.Name, err)
	}
	return fmt.Errorf("%w: %s left early", ErrRole, p.Name)
}

func (p *Process) tell(c command) {
	text, _ := json.Marshal(c)               // cannot fail
	_, _ = p.stdin.Write(append(text, '\n')) // a child that has gone is noticed by follow
}

// Go tells the child to begin. Told again, it counts its processor time anew.
func (p *Process) Go() { p.tell(command{Do: doGo}) }

// Credit lets the child send so many records, counted from its start.
func (p *Process) Credit(records uint64) { p.tell(command{Do: doCredit, Records: records}) }

// AwaitReady waits until the child is ready and decodes what it said into v,
// which may be nil.
func (p *Process) AwaitReady(v any) error { return p.await(p.ready, v) }

// AwaitDone waits until the child is done and decodes its result into v, which
// may be nil.
func (p *Process) AwaitDone(v any) error { return p.await(p.done, v) }

func (p *Process) await(from chan json.RawMessage, v any) error {
	select {
	case data := <-from:
		if v == nil {
			return nil
		}
		if err := json.Unmarshal(data, v); err != nil {
			return fmt.Errorf("%s: %w", p.Name, err)
		}
		return nil
	case <-p.group.ctx.Done():
		return context.Cause(p.group.ctx)
	}
}

// Usage returns what the child has used.
func (p *Process) Usage() (Usage, error) {
	p.tell(command{Do: doReport})
	select {
	case u := <-p.usage:
		return u, nil
	case <-p.group.ctx.Done():
		return Usage{}, context.Cause(p.group.ctx)
	}
}

// Stop asks the child to leave, and waits until it is gone; after a while it is
// killed.
func (p *Process) Stop() {
	p.leave()
	p.awaitExit()
}

func (p *Process) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.leaving {
		p.leaving = true
		_ = p.stdin.Close()
	}
}

func (p *Process) awaitExit() {
	select {
	case <-p.exited:
	case <-time.After(grace):
		_ = p.cmd.Process.Kill() // an error means that it has ended already
		<-p.exited
	}
}

// tail keeps the last line that was written to it, at most tailMax bytes.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const tailMax = 4 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if i := bytes.LastIndexByte(bytes.TrimRight(t.text, "\n"), '\n'); i >= 0 {
		t.text = append(t.text[:0], t.text[i+1:]...)
	}
	if len(t.text) > tailMax {
		t.text = append(t.text[:0], t.text[len(t.text)-tailMax:]...)
	}
	return len(p), nil
}

func (t *tail) last() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.text))
}
