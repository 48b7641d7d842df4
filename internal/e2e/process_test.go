//go:build unix

package e2e

import (
	"bytes"
	"io"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// process is a running beck.
type process struct {
	t      testing.TB
	name   string
	cmd    *exec.Cmd
	began  time.Time
	stderr transcript
	exited chan struct{} // closed when it has ended; then err is its outcome
	err    error
	silent bool // what it said is of no interest
}

// spawn starts `beck args...`, or `wrap... beck args...`. in and out may be nil;
// a Write of out that blocks is output that nobody reads. The process is killed
// with the test.
func spawn(t testing.TB, wrap []string, in io.Reader, out io.Writer, args ...string) *process {
	t.Helper()
	words := append(append(append([]string{}, wrap...), program), args...)
	p := &process{t: t, name: args[0], cmd: exec.Command(words[0], words[1:]...), exited: make(chan struct{})}
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = in, out, &p.stderr
	p.cmd.SysProcAttr = procAttr()
	p.cmd.WaitDelay = time.Second // for copying the output of a process that was killed
	p.began = time.Now()
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.kill()
		if t.Failed() && !p.silent {
			t.Logf("standard error of %s:\n%s", strings.Join(args, " "), p.stderr.tail(4000))
		}
	})
	go func() {
		p.err = p.cmd.Wait()
		close(p.exited)
	}()
	return p
}

// kill ends the process with SIGKILL and waits until it is gone.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // an error means that it has ended already
	<-p.exited
}

// stop ends the process as a person does, with SIGTERM, and checks that it
// ends well.
func (p *process) stop() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	p.wait(limit())
}

// silence keeps what the process said out of the test's log.
func (p *process) silence() { p.silent = true }

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatalf("%s to %s: %v", s, p.name, err)
	}
}

// wait checks that the process ends by itself, and well.
func (p *process) wait(within time.Duration) {
	p.t.Helper()
	select {
	case <-p.exited:
	case <-time.After(within):
		p.t.Fatalf("%s has not ended within %s", p.name, within)
	}
	if p.err != nil {
		p.t.Fatalf("%s: %v", p.name, p.err)
	}
}

func (p *process) running() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// awaitLog waits until standard error has a line with all of the words.
func (p *process) awaitLog(within time.Duration, words ...string) string {
	p.t.Helper()
	var found string
	eventually(p.t, within, p.name+" says "+strings.Join(words, " "), func() bool {
		found = p.stderr.line(words...)
		return found != "" || !p.running()
	})
	if found == "" {
		p.t.Fatalf("%s ended and never said %q", p.name, words)
	}
	return found
}

// transcript keeps what is written to it.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *transcript) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *transcript) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func (s *transcript) tail(n int) string {
	text := s.String()
	return text[max(0, len(text)-n):]
}

// line returns the first whole line that has all of the words, "" for none.
func (s *transcript) line(words ...string) string {
	for line := range strings.Lines(s.String()) {
		if strings.HasSuffix(line, "\n") && containsAll(line, words) {
			return line
		}
	}
	return ""
}

func containsAll(line string, words []string) bool {
	for _, word := range words {
		if !strings.Contains(line, word) {
			return false
		}
	}
	return true
}
