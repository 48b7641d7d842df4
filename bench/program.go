package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/beckmesh/beck/internal/procs"
)

// runProgram looks after a server that is another program: it is ready when its
// address takes connections, and ends with this process, however that ends.
func runProgram(r role, w *procs.Worker) error {
	p, err := startProgram(r.Other, r.Dir)
	if err != nil {
		return err
	}
	defer p.stop()
	w.Measure(p.usage)
	for !accepts(r.Await) {
		select {
		case <-p.exited:
			return p.failure()
		case <-w.Context().Done():
			return procs.ErrParent
		case <-time.After(5 * time.Millisecond):
		}
	}
	if err := w.Ready(ready{Addr: r.Await}); err != nil {
		return err
	}
	select {
	case <-p.exited:
		return p.failure()
	case <-w.Context().Done():
		return nil
	}
}

func accepts(addr string) bool {
	c, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return false
	}
	c.Close()
	return true
}

// program is a process that is not one of ours.
type program struct {
	name   string
	cmd    *exec.Cmd
	exited chan struct{} // closed when it has ended; then err is its outcome
	err    error
}

// startProgram starts a program in a directory. What it prints goes to our
// standard error.
func startProgram(words []string, dir string) (*program, error) {
	p := newProgram(words, dir)
	p.cmd.Stdout = os.Stderr
	return p, p.start()
}

func newProgram(words []string, dir string) *program {
	p := &program{name: words[0], cmd: exec.Command(words[0], words[1:]...), exited: make(chan struct{})}
	p.cmd.Dir, p.cmd.Stderr = dir, os.Stderr
	p.cmd.SysProcAttr = dieWithParent()
	return p
}

func (p *program) start() error {
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.exited)
	}()
	return nil
}

// usage returns what the program uses, or has used.
func (p *program) usage() procs.Usage {
	select {
	case <-p.exited:
	default:
		return procs.ForeignUsage(p.cmd.Process.Pid)
	}
	state := p.cmd.ProcessState
	u := procs.Usage{CPUSeconds: (state.UserTime() + state.SystemTime()).Seconds()}
	if r, ok := state.SysUsage().(*syscall.Rusage); ok {
		u.PeakRSS = int64(r.Maxrss) << 10
	}
	return u
}

func (p *program) failure() error {
	return errors.Join(fmt.Errorf("%s has ended", p.name), p.err)
}

// stop ends the program.
func (p *program) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // an error means that it has ended
	select {
	case <-p.exited:
	case <-time.After(3 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.exited
	}
}
