//go:build unix

package interop

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beckmesh/beck/internal/testproc"
)

// patience is how long a test waits for what must happen. C nodes take seconds
// for what ours do at once.
const patience = 40 * time.Second

// The programs that are tested.
const (
	ours      = "beck"
	cTower    = "dafka_towerd"
	cStore    = "dafka_stored"
	cProducer = "dafka_console_producer"
	cConsumer = "dafka_console_consumer"
)

// need skips the test unless all programs are there.
func need(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range append(programs, ours, "stdbuf") {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("%s is not on PATH", p)
		}
	}
}

// process is a running program, ours or theirs.
type process struct {
	t      *testing.T
	name   string
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    transcript
	errors transcript
	exited chan struct{} // closed when it has ended; then err is its outcome
	err    error

	published int // records of a C producer
}

// spawn starts a program that is killed with the test. Its standard input stays
// open until the test closes it. C programs write their output by blocks unless
// told otherwise, which stdbuf does.
func spawn(t *testing.T, program string, args ...string) *process {
	t.Helper()
	words := append([]string{program}, args...)
	if program != ours {
		words = append([]string{"stdbuf", "-oL"}, words...)
	}
	p := &process{t: t, name: strings.Join(words, " "), cmd: exec.Command(words[0], words[1:]...), exited: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr, p.cmd.SysProcAttr = &p.out, &p.errors, procAttr()
	p.cmd.WaitDelay = time.Second // for copying the output of a process that was killed
	p.cmd.Env = append(os.Environ(), testproc.NoHTTP...)
	in, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.in = in
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.exited)
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("%s\nstandard error: %s\nstandard output ends: %s", p.name, tail(p.errors.String()), tail(p.out.String()))
		}
	})
	return p
}

func tail(s string) string { return s[max(0, len(s)-2000):] }

// kill ends the process without a word and waits until it is gone.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // an error means that it has ended already
	<-p.exited
}

// write sends text to standard input.
func (p *process) write(text string) {
	p.t.Helper()
	if _, err := io.WriteString(p.in, text); err != nil {
		p.t.Fatalf("%s: %v", p.name, err)
	}
}

// finish closes standard input and checks that the program then ends well.
func (p *process) finish() {
	p.t.Helper()
	p.in.Close()
	select {
	case <-p.exited:
	case <-time.After(patience):
		p.t.Fatalf("%s has not ended within %s", p.name, patience)
	}
	if p.err != nil {
		p.t.Fatalf("%s: %v", p.name, p.err)
	}
}

// until waits for a condition while the program runs.
func (p *process) until(what string, done func() bool) {
	p.t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(5 * time.Millisecond) {
		select {
		case <-p.exited:
			if done() {
				return
			}
			p.t.Fatalf("%s ended (%v) before: %s", p.name, p.err, what)
		default:
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("%s: gave up waiting for: %s", p.name, what)
		}
	}
}

// within waits for a condition, and reports whether it came about in time.
func (p *process) within(d time.Duration, done func() bool) bool {
	for deadline := time.Now().Add(d); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

// says waits until the program has printed text.
func (p *process) says(text string) {
	p.t.Helper()
	p.until(text, func() bool { return p.out.contains(text) || p.errors.contains(text) })
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

func (s *transcript) contains(text string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Contains(s.text.Bytes(), []byte(text))
}

func (s *transcript) size() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Len()
}
