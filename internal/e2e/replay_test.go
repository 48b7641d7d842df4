//go:build unix

package e2e

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/beckmesh/beck/internal/faultproxy"
)

const fileLines = 100_000 // at least

// realFile writes a text of at least fileLines lines that people wrote: the Go
// sources of this machine, one after the other.
func realFile(t *testing.T) string {
	t.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	lines := 0
	err = filepath.WalkDir(filepath.Join(strings.TrimSpace(string(root)), "src"), func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(name, ".go") {
			return err
		}
		source, err := os.ReadFile(name)
		if err != nil || !bytes.HasSuffix(source, []byte("\n")) {
			return err
		}
		text.Write(source)
		if lines += bytes.Count(source, []byte("\n")); lines >= fileLines {
			return fs.SkipAll
		}
		return nil
	})
	if err != nil || lines < fileLines {
		t.Fatalf("found %d lines of Go: %v", lines, err)
	}
	name := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(name, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestFileByteForByteWithProducerGone: a real file of at least 100,000 lines
// comes out as it went in, with the producer gone before the consumer starts.
func TestFileByteForByteWithProducerGone(t *testing.T) {
	t.Parallel()
	m := newMesh(t)
	m.store(m.newDir())
	name := realFile(t)
	in, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	p := m.produce("file", in)
	p.wait(limit())
	produced := time.Since(p.began)
	outName := filepath.Join(t.TempDir(), "out")
	out, err := os.Create(outName)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	begin := time.Now()
	m.replay("file", out)
	want, _ := os.ReadFile(name)
	got, _ := os.ReadFile(outName)
	if !bytes.Equal(got, want) {
		t.Fatalf("came back as %d bytes and %d lines of %d and %d, or differently",
			len(got), bytes.Count(got, []byte("\n")), len(want), bytes.Count(want, []byte("\n")))
	}
	t.Logf("%d lines, %d bytes: produced in %s, replayed in %s",
		bytes.Count(want, []byte("\n")), len(want), produced, time.Since(begin))
}

// TestReplayIsCompleteAndInOrder: 1,000,000 records of 100 bytes.
func TestReplayIsCompleteAndInOrder(t *testing.T) {
	t.Parallel()
	n := scaled(200_000, 1_000_000)
	m := newMesh(t)
	m.store(m.newDir())
	p := m.produce("many", lines("r", n, 101)) // with the newline, which is no part of a record
	p.wait(limit())
	t.Logf("%d records of 100 bytes: produced in %s", n, time.Since(p.began))
	checkReplay(t, m, "many", map[string]int{"r": n}, 101)
}

// checkReplay checks that a new consumer prints all lines of each tag, in
// order, and nothing else.
func checkReplay(t *testing.T, m *mesh, topic string, want map[string]int, size int) {
	t.Helper()
	order := newInOrder(size, make(map[string]int))
	total := 0
	for tag, n := range want {
		order.next[tag] = 0
		total += n
	}
	out := newSink(order.check)
	begin := time.Now()
	m.replay(topic, out)
	if err := out.failure(); err != nil || out.lines() != total {
		t.Fatalf("replayed %d lines, want %d: %v", out.lines(), total, err)
	}
	t.Logf("replayed %d lines in %s", total, time.Since(begin))
}

// TestThrottledConsumerPrintsAll: a live consumer held to 1 MB/s still prints
// all of 200,000 lines although the producer exited long before. The lines are
// more than its queue holds.
func TestThrottledConsumerPrintsAll(t *testing.T) {
	t.Parallel()
	const n, size = 200_000, 300
	rate := scaled(30_000_000, 1_000_000)
	t.Run("its output", func(t *testing.T) {
		t.Parallel()
		m := newMesh(t)
		m.store(m.newDir())
		out := newSink(newInOrder(size, map[string]int{"r": 0}).check)
		out.rate = rate
		throttled(t, m, m, out, n, size, rate)
	})
	t.Run("its network", func(t *testing.T) {
		t.Parallel()
		m := newMesh(t)
		m.store(m.newDir())
		b := newBetween(m)
		b.each(func(p *faultproxy.Proxy) { p.Throttle(faultproxy.Backward, rate) })
		out := newSink(newInOrder(size, map[string]int{"r": 0}).check)
		throttled(t, b.mesh(), m, out, n, size, 2*rate) // it hears two nodes
	})
}

// throttled starts a consumer, then a producer, and checks that the consumer
// prints every line, most of them after the producer has ended.
func throttled(t *testing.T, consumers, producers *mesh, out *sink, n, size, rate int) {
	t.Helper()
	c := consumers.consume("slow", out)
	awaitReadyLog(c)
	p := producers.produce("slow", lines("r", n, size))
	p.wait(limit())
	gone, before := time.Since(p.began), out.lines()
	eventually(t, limit(), "every line printed", func() bool { return out.lines() >= n || out.failure() != nil })
	took := time.Since(p.began)
	c.stop()
	if err := out.failure(); err != nil || out.lines() != n {
		t.Fatalf("printed %d lines of %d: %v", out.lines(), n, err)
	}
	if before > n*9/10 {
		t.Errorf("%d of %d lines were printed before the producer ended: nothing was held back", before, n)
	}
	if least := time.Duration(n*size/rate) * time.Second * 8 / 10; took < least {
		t.Errorf("took %s, less than the %s of %d bytes/s", took, least, rate)
	}
	t.Logf("producer ended after %s with %d lines printed; all %d after %s", gone, before, n, took)
}

// TestTwoProducersTwoConsumers: every consumer gets every record of each
// producer in order, and topic hello never receives hello2.
func TestTwoProducersTwoConsumers(t *testing.T) {
	t.Parallel()
	n, size := scaled(50_000, 500_000), 60
	m := newMesh(t)
	m.store(m.newDir())
	var outs []*sink
	var consumers []*process
	for range 2 {
		out := newSink(newInOrder(size, map[string]int{"one": 0, "two": 0}).check)
		c := m.consume("hello", out)
		outs, consumers = append(outs, out), append(consumers, c)
	}
	for _, c := range consumers {
		awaitReadyLog(c)
	}
	producers := []*process{
		m.produce("hello", lines("one", n, size)),
		m.produce("hello", lines("two", n, size)),
		m.produce("hello2", lines("other", n, size)),
	}
	for _, p := range producers {
		p.wait(limit())
	}
	for i, out := range outs {
		eventually(t, limit(), fmt.Sprintf("consumer %d has all", i), func() bool { return out.lines() >= 2*n || out.failure() != nil })
		consumers[i].stop()
		if err := out.failure(); err != nil || out.lines() != 2*n {
			t.Errorf("consumer %d printed %d lines, want %d: %v", i, out.lines(), 2*n, err)
		}
	}
	checkReplay(t, m, "hello", map[string]int{"one": n, "two": n}, size)
	checkReplay(t, m, "hello2", map[string]int{"other": n}, size)
}

// TestLatestPrintsOnlyWhatIsNew: a new latest consumer on a topic of 1,000,000
// old records prints none of them, and every record published after it said
// that it is ready: by a producer that was there before, and by a new one.
func TestLatestPrintsOnlyWhatIsNew(t *testing.T) {
	t.Parallel()
	old, fresh, size := scaled(200_000, 1_000_000), 1000, 60
	m := newMesh(t)
	m.store(m.newDir())
	m.produce("log", lines("gone", old/2, size)).wait(limit())
	more := make(chan struct{})
	stays := m.produce("log", lines("stays", old/2+fresh, size).every(old/2, func(line int) {
		if line > 0 {
			<-more
		}
	}))
	published := newSink(nil)
	first := m.consume("log", published, "--from-beginning", "-c", fmt.Sprint(old))
	first.wait(limit()) // everything old has been published

	out := newSink(newInOrder(size, map[string]int{"stays": old / 2, "new": 0}).check)
	c := m.consume("log", out)
	awaitReadyLog(c)
	ready := time.Since(c.began)
	close(more)
	m.produce("log", lines("new", fresh, size)).wait(limit())
	stays.wait(limit())
	eventually(t, limit(), "all that is new printed", func() bool { return out.lines() >= 2*fresh || out.failure() != nil })
	c.stop()
	if err := out.failure(); err != nil || out.lines() != 2*fresh {
		t.Fatalf("printed %d lines, want %d: %v", out.lines(), 2*fresh, err)
	}
	t.Logf("ready after %s beside %d old records", ready, old)
}
