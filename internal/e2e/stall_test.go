//go:build unix

package e2e

import (
	"bytes"
	"io"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/beckmesh/beck/protocol"
)

// endless repeats one block of lines as fast as it is read, or at a rate.
type endless struct {
	block []byte
	rate  int // bytes a second; 0 is no limit
	began time.Time

	mu    sync.Mutex
	sent  int
	ended bool
}

const (
	stallLine  = 100
	stallBlock = 10_000 // lines
)

func newEndless(rate int) *endless {
	e := &endless{rate: rate}
	for i := range stallBlock {
		e.block = appendLine(e.block, "r", i, stallLine)
	}
	return e
}

// Read implements io.Reader.
func (e *endless) Read(b []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.began.IsZero() {
		e.began = time.Now()
	}
	if e.rate > 0 {
		due := e.began.Add(time.Duration(e.sent) * time.Second / time.Duration(e.rate))
		time.Sleep(time.Until(due)) // the pace is the test
	}
	at := e.sent % len(e.block)
	if e.ended && at%stallLine == 0 {
		return 0, io.EOF
	}
	end := len(e.block)
	if e.ended {
		end = at + stallLine - at%stallLine
	}
	n := copy(b, e.block[at:end])
	e.sent += n
	return n, nil
}

// end ends the source with the line that it is in.
func (e *endless) end() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ended = true
}

// total returns the bytes that were read from the source.
func (e *endless) total() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.sent
}

// repeats checks, fast, that what is written are the lines of an endless
// source, from its beginning.
type repeats struct {
	block []byte

	mu    sync.Mutex
	bytes int
	wrong int // first byte that differs, from 1; 0 for none
}

// Write implements io.Writer.
func (r *repeats) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for rest := b; len(rest) > 0; {
		want := r.block[r.bytes%len(r.block):]
		n := min(len(rest), len(want))
		if r.wrong == 0 && !bytes.Equal(rest[:n], want[:n]) {
			r.wrong = r.bytes + 1
		}
		r.bytes += n
		rest = rest[n:]
	}
	return len(b), nil
}

func (r *repeats) seen() (bytes, wrong int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.bytes, r.wrong
}

// rate returns the bytes a second that come from now on.
func (r *repeats) rate(d time.Duration) float64 {
	before, _ := r.seen()
	begin := time.Now()
	<-time.After(d) // the time is what is measured
	after, _ := r.seen()
	return float64(after-before) / time.Since(begin).Seconds()
}

// TestStoppedConsumer: a consumer that does not read for 10 s is not
// disconnected, leaves the others at least 90 % of the rate that they have
// without it, and still gets everything afterwards.
func TestStoppedConsumer(t *testing.T) {
	m := newMesh(t)
	m.store(m.newDir())
	b := newBetween(m) // to count the links of the one that is stopped
	source := newEndless(20_000_000)
	others, stopped := &repeats{block: source.block}, &repeats{block: source.block}
	other := m.consume("stalled", others, "--from-beginning")
	p := m.produce("stalled", source)
	eventually(t, limit(), "records flow", func() bool { n, _ := others.seen(); return n > len(source.block) })
	without := others.rate(scaled(time.Second, 5*time.Second))

	c := b.mesh().consume("stalled", stopped, "--from-beginning")
	eventually(t, limit(), "the other consumer reads", func() bool { n, _ := stopped.seen(); return n > 0 })
	awaitReadyLog(c)
	links := b.taken()
	c.signal(syscall.SIGSTOP)
	frozen, _ := stopped.seen()
	with := others.rate(scaled(3*time.Second, 10*time.Second))
	if n, _ := stopped.seen(); n > frozen+1<<20 {
		t.Errorf("the stopped consumer printed %d bytes", n-frozen)
	}
	c.signal(syscall.SIGCONT)
	eventually(t, limit(), "the consumer that was stopped goes on", func() bool { n, _ := stopped.seen(); return n > frozen+4<<20 })
	if n := b.taken(); n != links || links == 0 {
		t.Errorf("the stopped consumer made %d links more than its %d", n-links, links)
	}
	source.end()
	p.wait(limit())
	total := source.total()
	for name, out := range map[string]*repeats{"stopped": stopped, "other": others} {
		eventually(t, limit(), "the "+name+" consumer has everything", func() bool { n, wrong := out.seen(); return n >= total || wrong > 0 })
		if n, wrong := out.seen(); n != total || wrong > 0 {
			t.Errorf("the %s consumer printed %d bytes of %d, the first wrong one is %d", name, n, total, wrong)
		}
	}
	checkRates(t, with, without)
	t.Logf("%d MB in all", total/1_000_000)
	c.stop()
	other.stop()
}

// TestStoppedConsumerAtFullSpeed: the same rates while the producer is as fast
// as it can be. What a store can write varies, so that the rate without a
// stopped consumer is measured before and after.
func TestStoppedConsumerAtFullSpeed(t *testing.T) {
	if !*fullFlag {
		t.Skip("writes gigabytes: with -full only")
	}
	m := newMesh(t)
	m.store(m.newDir())
	source := newEndless(0)
	others := &repeats{block: source.block}
	m.consume("stalled", others, "--from-beginning")
	m.produce("stalled", source)
	others.rate(2 * time.Second) // until it is under way
	before := others.rate(5 * time.Second)
	c := m.consume("stalled", io.Discard)
	awaitReadyLog(c)
	c.signal(syscall.SIGSTOP)
	with := others.rate(10 * time.Second)
	c.kill()
	after := others.rate(5 * time.Second)
	source.end()
	t.Logf("%.1f MB/s before, %.1f after", before/1e6, after/1e6)
	checkRates(t, with, (before+after)/2)
}

func checkRates(t *testing.T, with, without float64) {
	t.Helper()
	if with < scaled(0.7, 0.9)*without {
		t.Errorf("the other consumer gets %.1f MB/s of %.1f", with/1e6, without/1e6)
	}
	t.Logf("the other consumer gets %.1f MB/s, and %.1f beside one that is stopped", without/1e6, with/1e6)
}

// TestRangeOfKilledStore: what only a store has that was killed is waited for,
// and reported as stalled; it is not passed over for what the producer still
// has. It comes when the store is back.
func TestRangeOfKilledStore(t *testing.T) {
	t.Parallel()
	const n, size = 40_000, 4 << 10 // more than the producer's window
	m := newMesh(t)
	dir := m.newDir()
	s := m.store(dir)
	in, marks := marked(t, lines("r", n+1, size), n)
	m.produce("kept", in)
	printed := newSink(nil)
	m.consume("kept", printed, "--from-beginning", "-c", strconv.Itoa(n)).wait(limit())
	s.kill()
	out := newSink(newInOrder(size, map[string]int{"r": 0}).check)
	c := m.consume("kept", out, "--from-beginning")
	c.awaitLog(10*time.Second, "kind=stalled", "topic=kept", "first=0")
	if n := out.lines(); n > 0 {
		t.Errorf("%d lines were printed without the first", n)
	}
	m.store(dir)
	<-marks // the last record
	eventually(t, limit(), "everything printed", func() bool { return out.lines() >= n+1 || out.failure() != nil })
	c.stop()
	if err := out.failure(); err != nil {
		t.Error(err)
	}
}

// TestRangeThatNobodyHas is reported as stalled by name within 10 s; other
// partitions flow meanwhile.
func TestRangeThatNobodyHas(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		source bool // it can be asked, too, and answers nothing
		refuse bool // or says, after its first record, that it has no more
	}{
		{"stated by a node that cannot be asked", false, false},
		{"stated by a node that does not answer", true, false},
		{"stated by a node that has it no more", true, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := newMesh(t)
			m.store(m.newDir())
			node := newScripted(t, protocol.RoleProducer, m.sub)
			out := newSink(newInOrder(beatSize, map[string]int{"r": 0, "scripted": 0}).check)
			c := m.consume("holes", out, "--from-beginning")
			l := node.awaitLink(limit(), "", 0, "Hholes\x00")
			consumer := l.peer
			if test.source {
				node.hear(newLookup(t, m).endpoint(consumer), "F"+node.uuid)
			}
			first := "first=0"
			if test.refuse {
				first = "first=1"
				refusals(t, node, l, consumer)
			}
			l.send(t, protocol.AppendHead(nil, "holes", node.uuid, 99))
			stated := time.Now()
			source := newSteady(t, "r", beatSize, beat)
			m.produce("holes", source)
			line := c.awaitLog(10*time.Second, "kind=stalled", "topic=holes", "partition="+node.uuid, first, "last=99")
			took := time.Since(stated)
			before := out.lines()
			eventually(t, limit(), "other partitions flow", func() bool { return out.lines() > before+10 })
			if before == 0 {
				t.Error("nothing flowed until the stall was reported")
			}
			if err := out.failure(); err != nil {
				t.Error(err)
			}
			if test.source && node.count(protocol.KindFetch) == 0 {
				t.Error("the node was not asked")
			}
			t.Logf("reported after %s with %d other records printed: %s", took, before, line)
		})
	}
}

// refusals sends the first record, and answers every FETCH with a DIRECT-HEAD
// that names what the node still has: nothing up to its head.
func refusals(t *testing.T, node *scripted, l *scriptedLink, consumer string) {
	t.Helper()
	l.write(t, protocol.AppendRecord(nil, "holes", node.uuid, 0), appendLine(nil, "scripted", 0, beatSize)[:beatSize-1])
	nothing := protocol.Trailer{Lowest: 100, HasLowest: true}
	frame := nothing.Append(protocol.AppendDirectHead(nil, consumer, node.uuid, "holes", 99))
	node.wg.Go(func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for answered := 0; t.Context().Err() == nil; <-tick.C {
			for ; answered < node.count(protocol.KindFetch); answered++ {
				if l.write(nil, frame) != nil {
					return
				}
			}
		}
	})
}
