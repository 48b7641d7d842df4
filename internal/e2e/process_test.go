//go:build unix

package e2e

import (
	"io"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/beckmesh/beck/internal/testproc"
)

// process is a running beck.
type process struct {
	*testproc.Process
	t      testing.TB
	name   string
	began  time.Time
	stderr testproc.Transcript
	silent bool // what it said is of no interest
}

// spawn starts `beck args...`, or `wrap... beck args...`. in and out may be nil;
// a Write of out that blocks is output that nobody reads. The process is killed
// with the test.
func spawn(t testing.TB, wrap []string, in io.Reader, out io.Writer, args ...string) *process {
	t.Helper()
	words := append(append(append([]string{}, wrap...), program), args...)
	p := &process{t: t, name: args[0]}
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, out, &p.stderr
	p.began = time.Now()
	var err error
	if p.Process, err = testproc.Start(cmd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.kill()
		if t.Failed() && !p.silent {
			t.Logf("standard error of %s:\n%s", strings.Join(args, " "), p.stderr.Tail(4000))
		}
	})
	return p
}

// kill ends the process with SIGKILL and waits until it is gone.
func (p *process) kill() { p.Kill() }

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
	if err := p.Signal(s); err != nil {
		p.t.Fatalf("%s to %s: %v", s, p.name, err)
	}
}

// wait checks that the process ends by itself, and well.
func (p *process) wait(within time.Duration) {
	p.t.Helper()
	if err := p.Wait(within); err != nil {
		p.t.Fatalf("%s: %v", p.name, err)
	}
}

func (p *process) running() bool { return p.Running() }

// awaitLog waits until standard error has a line with all of the words.
func (p *process) awaitLog(within time.Duration, words ...string) string {
	p.t.Helper()
	var found string
	eventually(p.t, within, p.name+" says "+strings.Join(words, " "), func() bool {
		found = p.stderr.Line(words...)
		return found != "" || !p.running()
	})
	if found == "" {
		p.t.Fatalf("%s ended and never said %q", p.name, words)
	}
	return found
}
