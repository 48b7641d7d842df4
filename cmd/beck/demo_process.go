package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/beckmesh/beck/internal/config"
)

// process is a child that runs this program with other arguments, so that the
// demo kills real processes.
type process struct {
	name   string
	cmd    *exec.Cmd
	stderr tail
	ready  chan string   // gets the ready line
	exited chan struct{} // closed when it has ended; then err is its outcome
	err    error
}

// startProcess starts `beck args...` with in as its standard input.
func startProcess(ctx context.Context, in io.Reader, args ...string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &process{name: args[0], ready: make(chan string, 1), exited: make(chan struct{})}
	// Nobody's configuration: the demo is the same everywhere.
	p.cmd = exec.CommandContext(ctx, self, append(args, "--http=off", "--"+config.FileFlag+"=", "--"+config.ContextFlag+"=")...)
	p.cmd.Env = config.Without(os.Environ())
	p.cmd.Stdin = in
	p.cmd.Stderr = &p.stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", p.name, err)
	}
	go p.follow(out)
	return p, nil
}

// follow reads the output to its end and then collects the process.
func (p *process) follow(out io.Reader) {
	r := bufio.NewReader(out)
	if line, err := r.ReadString('\n'); err == nil {
		p.ready <- strings.TrimSpace(line)
	}
	_, _ = io.Copy(io.Discard, r)
	p.err = p.cmd.Wait()
	close(p.exited)
}

// awaitReady returns the fields of the ready line: "sub", "pub", "address".
func (p *process) awaitReady(ctx context.Context) (map[string]string, error) {
	select {
	case line := <-p.ready:
		words := strings.Fields(line)
		if len(words) == 0 || words[0] != "ready" {
			return nil, fmt.Errorf("%s printed %q instead of a ready line", p.name, line)
		}
		fields := make(map[string]string)
		for _, word := range words[1:] {
			key, value, _ := strings.Cut(word, "=")
			fields[key] = value
		}
		return fields, nil
	case <-p.exited:
		return nil, p.failure("ended before it was ready")
	case <-ctx.Done():
		return nil, p.failure("was not ready in time")
	}
}

// wait returns nil when the process ended well.
func (p *process) wait(ctx context.Context) error {
	select {
	case <-p.exited:
	case <-ctx.Done():
		return p.failure("did not end in time")
	}
	if p.err != nil {
		return p.failure(p.err.Error())
	}
	return nil
}

// failure is an error with what the process said last.
func (p *process) failure(what string) error {
	if said := p.stderr.last(); said != "" {
		return fmt.Errorf("%s %s; it said: %s", p.name, what, said)
	}
	return fmt.Errorf("%s %s", p.name, what)
}

// kill ends the process as a crash would, and waits until it is gone.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // an error means that it has ended already
	<-p.exited
}

// stop asks the process to end, and insists after a while.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(3 * time.Second):
		p.kill()
	}
}

// tail keeps the last line that was written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if i := bytes.LastIndexByte(bytes.TrimRight(t.text, "\n"), '\n'); i >= 0 {
		t.text = append(t.text[:0], t.text[i+1:]...)
	}
	return len(p), nil
}

func (t *tail) last() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.text))
}
