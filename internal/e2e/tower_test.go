//go:build unix

package e2e

import (
	"context"
	"io"
	"slices"
	"testing"
	"time"
)

// steady is a source of numbered lines at a steady pace, until it is stopped.
type steady struct {
	io.Reader
	stop context.CancelFunc
}

// newSteady makes a line of size bytes about every pace.
func newSteady(t *testing.T, tag string, size int, pace time.Duration) *steady {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer w.Close()
		tick := time.NewTicker(pace)
		defer tick.Stop()
		for i := 0; ; i++ {
			if _, err := w.Write(appendLine(nil, tag, i, size)); err != nil {
				return
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		r.Close()
		<-done
	})
	return &steady{Reader: r, stop: cancel}
}

const (
	beat     = 5 * time.Millisecond // between records of the steady producer
	beatSize = 60
)

// gapLimit is how long records may pause where nothing of theirs is touched, and
// soon how long it may take them to flow again. Beside other tests, a machine
// pauses by itself.
func gapLimit() time.Duration { return scaled(500*time.Millisecond, 100*time.Millisecond) }
func soon() time.Duration     { return scaled(5*time.Second, 2*time.Second) }

// TestTowerKilled: records flow on without the tower, and again within 2 s when
// all links were cut while it is down; when it is back, a new consumer joins
// within 2 s.
func TestTowerKilled(t *testing.T) {
	m := newMesh(t)
	b := newBetween(m)
	nodes := b.mesh()
	nodes.store(nodes.newDir())
	out := newSink(newInOrder(beatSize, map[string]int{"r": 0}).check)
	c := nodes.consume("beats", out, "--from-beginning")
	source := newSteady(t, "r", beatSize, beat)
	p := nodes.produce("beats", source)
	eventually(t, limit(), "records flow", func() bool { return out.lines() >= 50 })

	watch := scaled(time.Second, 5*time.Second)
	calm := out.gapDuring(watch)
	stood := b.taken()
	m.tower.kill()
	gap := out.gapDuring(2 * watch) // redials, and what is forgotten after 4 s with -full
	if gap > gapLimit() {
		t.Errorf("%s between records when the tower was killed (%s before)", gap, calm)
	}
	if n := b.taken(); n != stood {
		t.Errorf("%d links were made anew when the tower was killed", n-stood)
	}
	if err := out.failure(); err != nil {
		t.Fatal(err)
	}

	before := b.taken()
	out.resetGap()
	cutAt := time.Now()
	links := b.cut()
	seen := out.lines()
	eventually(t, soon(), "records flow again after all links were cut", func() bool {
		return b.taken() >= before+uint64(links) && out.lines() > seen && out.last().After(cutAt) && caughtUp(out)
	})
	cutGap := out.resetGap()
	if links < 4 {
		t.Errorf("cut %d links of a producer, a store and a consumer: are they all there?", links)
	}

	m.startTower(m.sub, m.pub)
	again := time.Now()
	late := newSink(nil)
	nodes.consume("beats", late)
	eventually(t, soon(), "a new consumer joins", func() bool { return late.lines() > 0 })
	t.Logf("longest gap: %s in peace, %s with the tower killed, %s with %d links cut; a new consumer has its first record %s after the tower was back",
		calm, gap, cutGap, links, late.first().Sub(again))

	source.stop()
	p.wait(limit())
	n := p.published(t, m, "beats")
	eventually(t, limit(), "everything printed", func() bool { return out.lines() >= n || out.failure() != nil })
	c.stop()
	if err := out.failure(); err != nil || out.lines() != n {
		t.Errorf("printed %d lines of %d: %v", out.lines(), n, err)
	}
}

// caughtUp reports whether lines come without waiting behind a gap: the last is
// hardly older than a beat.
func caughtUp(s *sink) bool { return time.Since(s.last()) < 4*beat }

// gapDuring returns the longest gap between lines from now on.
func (s *sink) gapDuring(d time.Duration) time.Duration {
	s.resetGap()
	<-time.After(d) // the time is what is measured
	return s.resetGap()
}

// published returns how many records of a topic the stores have, now that the
// producer has ended.
func (p *process) published(t *testing.T, m *mesh, topic string) int {
	t.Helper()
	out := newSink(newInOrder(beatSize, map[string]int{"r": 0}).check)
	m.replay(topic, out)
	if err := out.failure(); err != nil {
		t.Fatal(err)
	}
	return out.lines()
}

// TestFirstRecordSoon: a consumer that starts beside a running mesh prints its
// first record within 250 ms of its start, be it an old one or a new one.
func TestFirstRecordSoon(t *testing.T) {
	m := newMesh(t)
	m.store(m.newDir())
	m.produce("old", lines("r", 1000, beatSize)).wait(limit())
	source := newSteady(t, "r", beatSize, beat)
	m.produce("new", source)
	flowing := newSink(nil)
	m.consume("new", flowing)
	eventually(t, limit(), "records flow", func() bool { return flowing.lines() > 0 })
	for _, test := range []struct {
		name, topic string
		args        []string
	}{
		{"old", "old", []string{"--from-beginning"}},
		{"new", "new", nil},
		{"old, to the end", "old", []string{"--from-beginning", "-e"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var took []time.Duration
			for range scaled(5, 21) {
				out := newSink(nil)
				c := m.consume(test.topic, out, test.args...)
				eventually(t, limit(), "first record", func() bool { return out.lines() > 0 })
				took = append(took, out.first().Sub(c.began))
				c.silence()
				c.kill()
			}
			slices.Sort(took)
			median := took[len(took)/2]
			if median > scaled(500*time.Millisecond, 250*time.Millisecond) {
				t.Errorf("first record after %s", median)
			}
			t.Logf("first record after %s (median of %d), worst %s", median, len(took), took[len(took)-1])
		})
	}
}
