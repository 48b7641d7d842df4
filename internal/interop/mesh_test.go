//go:build unix

package interop

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// topic is what all tests publish to.
const topic = "hello"

// mesh is a tower, and how to start nodes that join it.
type mesh struct {
	t        *testing.T
	sub, pub string
	nodes    int
}

// newMesh starts a tower, ours or theirs.
func newMesh(t *testing.T, program string) *mesh {
	t.Helper()
	m := &mesh{t: t, sub: freeEndpoint(t), pub: freeEndpoint(t)}
	if program == ours {
		spawn(t, ours, "tower", "--sub", m.sub, "--pub", m.pub).says("ready ")
		return m
	}
	spawn(t, cTower, "--sub", m.sub, "--pub", m.pub, "--verbose").says("tower is running")
	return m
}

// freeEndpoint returns an endpoint whose port was free a moment ago: C towers
// cannot choose one themselves and tell.
func freeEndpoint(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "tcp://" + l.Addr().String()
}

// node starts a node of ours, `beck args...`.
func (m *mesh) node(args ...string) *process {
	m.t.Helper()
	return spawn(m.t, ours, append(args, "--sub", m.sub, "--pub", m.pub, "--host", "127.0.0.1", "--listen", "127.0.0.1:0")...)
}

// foreign starts a C node, configured by a file. Options stand behind the
// topic: the C programs take a word behind an option as its value.
func (m *mesh) foreign(program string, args ...string) *process {
	m.t.Helper()
	m.nodes++
	dir := m.t.TempDir()
	config := filepath.Join(dir, "node.cfg")
	text := fmt.Sprintf(`beacon
    address = 127.0.0.1
    sub_address = %s
    pub_address = %s
store
    db = %s
`, m.sub, m.pub, filepath.Join(dir, "db"))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		m.t.Fatal(err)
	}
	return spawn(m.t, program, append(args, "-c", config)...)
}

// store starts a store, ours or theirs, and waits until it runs.
func (m *mesh) store(program string) *process {
	m.t.Helper()
	if program == ours {
		s := m.node("store", "--verbose", "--data", m.t.TempDir())
		s.says("ready ")
		return s
	}
	s := m.foreign(cStore, "--verbose")
	s.says("Store: running")
	return s
}

// producer starts a producer, ours or theirs, that reads its standard input.
func (m *mesh) producer(program string) *process {
	m.t.Helper()
	if program == ours {
		return m.node("produce", topic, "--verbose")
	}
	return m.foreign(cProducer, topic, "--verbose")
}

// replay starts a consumer, ours or theirs, from the first record on.
func (m *mesh) replay(program string) *process {
	m.t.Helper()
	if program == ours {
		return m.node("consume", topic, "--from-beginning", "--verbose")
	}
	return m.foreign(cConsumer, topic, "--from-beginning")
}

// produce has a program produce all of text and waits until a store has
// everything. Ours then leaves; a C producer may not be left yet where a C
// consumer still wants something: that asks again only when it hears a head.
func (m *mesh) produce(program, text string) *process {
	m.t.Helper()
	p := m.producer(program)
	if program == ours {
		p.write(text)
		p.finish()
		return p
	}
	p.warmUp()
	p.write(text)
	p.published += strings.Count(text, "\n")
	p.says(acknowledged(p.published - 1))
	return p
}

// warmUp has a C producer publish lines until three in a row were acknowledged
// soon. A C producer serves a record again only before its first
// acknowledgement, and wrong ones after it, so what it publishes before its
// store listens would be lost; and a C store never repeats an acknowledgement
// that came before its producer listened.
func (p *process) warmUp() {
	p.t.Helper()
	for soon := 0; soon < 3; p.published++ {
		if p.published > 200 {
			p.t.Fatalf("%s: no store hears it", p.name)
		}
		p.write(fmt.Sprintf("warm %d\n", p.published))
		if soon++; !p.within(200*time.Millisecond, func() bool { return p.out.contains(acknowledged(p.published)) }) {
			soon = 0
		}
	}
}

// acknowledged is what a C producer prints of an acknowledgement.
func acknowledged(sequence int) string {
	return fmt.Sprintf("Received ACK with sequence %d\n", sequence)
}
