//go:build unix

package e2e

import (
	"io"
	"testing"
)

const (
	killedRecords = 200_000
	killedSize    = 100
	killMarks     = 8
)

// TestStoreKilledWhileProducing: the store is killed with SIGKILL while 200,000
// records are produced and started again, four times: all of them replay, none
// twice.
func TestStoreKilledWhileProducing(t *testing.T) {
	t.Parallel()
	m := newMesh(t)
	dir := m.newDir()
	s := m.store(dir)
	killWhileProducing(t, m, dir, s)
}

// TestStoreKilledProducerFirst: the same with the producer started before any
// store.
func TestStoreKilledProducerFirst(t *testing.T) {
	t.Parallel()
	m := newMesh(t)
	killWhileProducing(t, m, m.newDir(), nil)
}

// killWhileProducing kills the store s, or starts it when it does not run, at
// each eighth of what is produced. The producer goes on meanwhile. A consumer
// that is there all the time gets everything as well.
func killWhileProducing(t *testing.T, m *mesh, dir string, s *process) {
	t.Helper()
	live := newSink(newInOrder(killedSize, map[string]int{"r": 0}).check)
	c := m.consume("killed", live, "--from-beginning")
	in, marks := marked(t, lines("r", killedRecords, killedSize), killedRecords/killMarks)
	p := m.produce("killed", in)
	kills := 0
	for range marks {
		if s != nil {
			s.kill()
			s = nil
			kills++
		} else {
			s = m.store(dir)
		}
	}
	if s == nil {
		s = m.store(dir)
	}
	p.wait(limit())
	s.kill() // what was acknowledged is on disk
	m.store(dir)
	checkReplay(t, m, "killed", map[string]int{"r": killedRecords}, killedSize)
	eventually(t, limit(), "live consumer has all", func() bool { return live.lines() >= killedRecords || live.failure() != nil })
	c.stop()
	if err := live.failure(); err != nil || live.lines() != killedRecords {
		t.Errorf("live consumer printed %d lines, want %d: %v", live.lines(), killedRecords, err)
	}
	t.Logf("store killed %d times", kills+1)
}

// marked returns a source that says when it comes to each next step lines; it
// goes on at once if it has been listened to. The channel is closed at the end.
func marked(t *testing.T, l *numbered, step int) (in io.Reader, marks <-chan int) {
	reached := make(chan int)
	l.every(step, func(line int) {
		if line == 0 {
			return
		}
		select {
		case reached <- line:
		case <-t.Context().Done():
		}
	})
	return io.MultiReader(l, atEnd(func() { close(reached) })), reached
}

// atEnd is an empty source that calls a function when it is read.
type atEnd func()

func (f atEnd) Read([]byte) (int, error) {
	f()
	return 0, io.EOF
}
