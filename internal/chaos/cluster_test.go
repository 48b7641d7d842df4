//go:build unix

package chaos

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/beckmesh/beck/internal/testproc"
)

// cluster is all processes of a test.
type cluster struct {
	t      *testing.T
	dir    string // of everything that they write
	net    network
	ledger *ledger
	load   settings // what a producer is told of it
	vitals *samples // nil: of no interest

	leftOut int // wipes for which the other stores were not ready in time

	mu    sync.Mutex
	nodes map[string]*node
}

// node is a process in one of its lives.
type node struct {
	name    string
	life    int
	began   time.Time
	process *testproc.Process
	stdin   *os.File      // its end ends a child
	read    chan struct{} // closed when everything it reported was taken
	meant   atomic.Bool   // to end
}

const exitPatience = 30 * time.Second

// newCluster has no process yet. Its directory stays if the test fails.
func newCluster(t *testing.T, net network, load settings) *cluster {
	t.Helper()
	dir, err := os.MkdirTemp("", "beck-chaos-")
	if err != nil {
		t.Fatal(err)
	}
	c := &cluster{t: t, dir: dir, net: net, ledger: newLedger(), load: load, nodes: make(map[string]*node)}
	t.Cleanup(func() {
		c.killAll()
		if err := net.close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("logs, data and reports of all processes: %s", dir)
			return
		}
		os.RemoveAll(dir)
	})
	return c
}

// start begins the next life of a node, of which the former has ended.
func (c *cluster) start(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := &node{name: name, began: time.Now(), read: make(chan struct{})}
	if before := c.nodes[name]; before != nil {
		n.life = before.life + 1
	}
	c.ledger.starting(name)
	cmd := c.command(name)
	log := c.create(fmt.Sprintf("%s.%d.log", name, n.life))
	in, stdin, err := os.Pipe()
	if err != nil {
		c.t.Fatal(err)
	}
	out, stdout, err := os.Pipe()
	if err != nil {
		c.t.Fatal(err)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr, n.stdin = in, stdout, log, stdin
	n.process, err = testproc.Start(cmd)
	for _, f := range []*os.File{in, stdout, log} { // the child has its own
		f.Close()
	}
	if err != nil {
		c.t.Fatal(err)
	}
	c.nodes[name] = n
	go c.read(n, out)
	go c.watch(n)
}

func (c *cluster) create(name string) *os.File {
	f, err := os.Create(filepath.Join(c.dir, name))
	if err != nil {
		c.t.Fatal(err)
	}
	return f
}

// command returns what runs a node: beck, or this binary in a role.
func (c *cluster) command(name string) *exec.Cmd {
	at, role := c.net.location(name), roleOf(name)
	var words []string
	switch role {
	case "tower":
		words = []string{program, "tower", "--verbose", "--sub", at.sub, "--pub", at.pub}
	case "store":
		words = []string{
			program, "store", "--verbose", "--data", c.storeDir(name),
			"--sub", at.sub, "--pub", at.pub, "--listen", at.listen,
		}
	default:
		words = []string{self}
	}
	words = append(append([]string{}, at.wrap...), words...)
	cmd := exec.Command(words[0], words[1:]...)
	if words[len(words)-1] != self {
		return cmd
	}
	s := c.load
	s.Role, s.Sub, s.Pub, s.Listen = role, at.sub, at.pub, at.listen
	s.Index = c.index(name)
	s.Dir = filepath.Join(c.dir, name)
	text, err := json.Marshal(s)
	if err != nil {
		c.t.Fatal(err)
	}
	cmd.Env = append(os.Environ(), childVariable+"="+string(text))
	return cmd
}

func (c *cluster) storeDir(name string) string { return filepath.Join(c.dir, name) }

// watch sees to it that no process ends by itself.
func (c *cluster) watch(n *node) {
	<-n.process.Exited()
	if !n.meant.Load() {
		c.ledger.wrong(ended, 1, "%s ended by itself: %v: see %s.%d.log", n.name, n.process.Err(), n.name, n.life)
	}
}

// read takes what a node reports, also after its end, and keeps it in a file.
func (c *cluster) read(n *node, out *os.File) {
	defer close(n.read)
	defer out.Close()
	kept := c.create(fmt.Sprintf("%s.%d.out", n.name, n.life))
	defer kept.Close()
	w := bufio.NewWriter(kept)
	defer w.Flush()
	for r := bufio.NewReader(out); ; {
		line, err := r.ReadString('\n')
		_, _ = w.WriteString(line) // it is for whoever looks for a fault
		if err != nil {
			return // what was being written when it was killed is no line
		}
		if err := c.take(n, strings.Fields(line)); err != nil {
			c.ledger.wrong(ended, 1, "%s reports %q: %v", n.name, line, err)
		}
	}
}

func (c *cluster) node(name string) *node {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.nodes[name]
}

// kill ends a node with SIGKILL, and returns when all that it reported is taken.
func (c *cluster) kill(name string) {
	n := c.node(name)
	n.meant.Store(true)
	n.process.Kill()
	n.stdin.Close()
	<-n.read
}

// leave lets a child end well.
func (c *cluster) leave(name string) {
	n := c.node(name)
	n.meant.Store(true)
	n.stdin.Close()
	if err := n.process.Wait(exitPatience); err != nil {
		c.ledger.wrong(ended, 1, "%s did not end well: %v: see %s.%d.log", name, err, name, n.life)
		n.process.Kill()
	}
	<-n.read
}

func (c *cluster) signal(name string, s syscall.Signal) error { return c.node(name).process.Signal(s) }

func (c *cluster) killAll() {
	c.mu.Lock()
	var names []string
	for name := range c.nodes {
		names = append(names, name)
	}
	c.mu.Unlock()
	for _, name := range names {
		c.kill(name)
	}
}
