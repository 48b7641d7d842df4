package testproc

import (
	"fmt"
	"os/exec"
	"syscall"
	"time"
)

// copyDelay is how long the output of a process that was killed is waited for.
const copyDelay = time.Second

// Process is a child of this process. Its methods may be called by any
// goroutine.
type Process struct {
	cmd    *exec.Cmd
	exited chan struct{} // closed when it has ended; then err is its outcome
	err    error
}

// Start starts a command. The child ends with this process, however that ends,
// where the system can do so (Linux).
func Start(cmd *exec.Cmd) (*Process, error) {
	cmd.SysProcAttr = procAttr()
	cmd.WaitDelay = copyDelay
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	p := &Process{cmd: cmd, exited: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.exited)
	}()
	return p, nil
}

// PID returns the number of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Kill ends the process with SIGKILL and waits until it is gone. One that has
// ended stays so.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // an error means that it has ended already
	<-p.exited
}

// Signal sends a signal. It fails when the process has ended.
func (p *Process) Signal(s syscall.Signal) error { return p.cmd.Process.Signal(s) }

// Exited is closed when the process has ended; Err then returns its outcome.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Running reports whether the process has not ended.
func (p *Process) Running() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// Err waits until the process has ended and returns how: nil for exit code 0.
func (p *Process) Err() error {
	<-p.exited
	return p.err
}

// Wait waits until the process ends by itself. It returns how, or an error when
// that takes longer than within.
func (p *Process) Wait(within time.Duration) error {
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-p.exited:
		return p.err
	case <-timer.C:
		return fmt.Errorf("has not ended within %s", within)
	}
}
