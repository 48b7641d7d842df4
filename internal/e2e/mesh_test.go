//go:build unix

package e2e

import (
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beckmesh/beck/internal/testproc"
)

// mesh is a tower in a process, and how nodes find it.
type mesh struct {
	t        testing.TB
	wrap     []string // what every command is run by
	tower    *process
	sub, pub string // the tower's endpoints
}

func newMesh(t testing.TB) *mesh {
	m := &mesh{t: t}
	m.startTower("tcp://"+freePort(t), "tcp://"+freePort(t))
	return m
}

// startTower starts a tower on the given endpoints; after one that was killed,
// m.sub and m.pub are the same ports.
func (m *mesh) startTower(sub, pub string) {
	m.t.Helper()
	var out testproc.Transcript
	m.tower = spawn(m.t, m.wrap, nil, &out, "tower", "--sub", sub, "--pub", pub)
	at := m.awaitReady(m.tower, &out)
	m.sub, m.pub = at["sub"], at["pub"]
}

// awaitReady returns the fields of the line that a tower or store prints.
func (m *mesh) awaitReady(p *process, out *testproc.Transcript) map[string]string {
	m.t.Helper()
	eventually(m.t, limit(), p.name+" ready", func() bool { return out.Line("ready ") != "" || !p.running() })
	fields := make(map[string]string)
	for _, word := range strings.Fields(out.Line("ready ")) {
		key, value, _ := strings.Cut(word, "=")
		fields[key] = value
	}
	if len(fields) == 0 {
		m.t.Fatalf("%s ended before it was ready", p.name)
	}
	return fields
}

// node returns the arguments of a node, which listens on loopback unless args
// say otherwise.
func (m *mesh) node(args ...string) []string {
	words := []string{args[0], "--sub", m.sub, "--pub", m.pub, "--listen", "127.0.0.1:0"}
	return append(words, args[1:]...)
}

// store starts a store and waits until it is ready.
func (m *mesh) store(dir string, args ...string) *process {
	m.t.Helper()
	var out testproc.Transcript
	p := spawn(m.t, m.wrap, nil, &out, m.node(append([]string{"store", "--data", dir}, args...)...)...)
	m.awaitReady(p, &out)
	return p
}

// newDir returns the name of a data directory that is not there yet.
func (m *mesh) newDir() string { return filepath.Join(m.t.TempDir(), "data") }

func (m *mesh) produce(topic string, in io.Reader, args ...string) *process {
	m.t.Helper()
	return spawn(m.t, m.wrap, in, nil, m.node(append([]string{"produce", topic}, args...)...)...)
}

func (m *mesh) consume(topic string, out io.Writer, args ...string) *process {
	m.t.Helper()
	return spawn(m.t, m.wrap, nil, out, m.node(append([]string{"consume", topic, "--verbose"}, args...)...)...)
}

// awaitReadyLog waits until a consumer says that it gets whatever is published
// from now on.
func awaitReadyLog(p *process) {
	p.t.Helper()
	p.awaitLog(limit(), "msg=ready", "address=")
}

// replay prints a topic from its beginning to its end.
func (m *mesh) replay(topic string, out io.Writer) {
	m.t.Helper()
	m.consume(topic, out, "--from-beginning", "-e").wait(limit())
}

// freePort returns "127.0.0.1:port" of a port that nobody listens on.
func freePort(t testing.TB) string {
	t.Helper()
	addr, err := testproc.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return addr
}
