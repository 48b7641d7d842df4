//go:build unix

package e2e

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/beckmesh/beck/internal/testproc"
	"github.com/beckmesh/beck/internal/zmtp"
)

const (
	hostilePeers = 1000 // of each kind
	hostileFiles = 8192 // that the tests themselves need open for that
	rssGrowth    = 32 << 20
)

// attack is peers that dial one address, again and again.
type attack struct {
	as     zmtp.SocketType
	dials  atomic.Int64
	held   atomic.Int64 // connections now
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

// startAttack lets n silent peers and n that send random bytes dial addr. One
// that was closed dials again after about pause. With a type, they perform the
// handshake of such a peer first.
func startAttack(addr string, n int, pause time.Duration, as zmtp.SocketType) *attack {
	ctx, cancel := context.WithCancel(context.Background())
	a := &attack{cancel: cancel, as: as}
	for i := range 2 * n {
		random := rand.New(rand.NewPCG(uint64(i), 0))
		a.wg.Go(func() {
			for ctx.Err() == nil {
				a.once(ctx, addr, i%2 == 0, random)
				select {
				case <-ctx.Done():
				case <-time.After(pause/2 + time.Duration(random.Int64N(int64(pause)))):
				}
			}
		})
	}
	return a
}

// once dials, and stays until it is closed.
func (a *attack) once(ctx context.Context, addr string, silent bool, random *rand.Rand) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return
	}
	a.dials.Add(1)
	a.held.Add(1)
	defer a.held.Add(-1)
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if a.as != "" {
		if _, err := zmtp.Handshake(conn, zmtp.Options{Type: a.as}, false); err != nil {
			return
		}
	}
	if !silent {
		b := make([]byte, 1+random.IntN(4096))
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		if a.as == "" && random.IntN(2) == 0 { // half of them get further than the first byte
			copy(b, greeting)
		}
		_, _ = conn.Write(b) // an error means that it was closed already
	}
	_, _ = io.Copy(io.Discard, conn)
}

// greeting is how a ZMTP peer begins.
var greeting = "\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03\x00NULL" + strings.Repeat("\x00", 48)

func (a *attack) stop() {
	a.cancel()
	a.wg.Wait()
}

// status returns a field of /proc/PID/status in bytes.
func (p *process) status(field string) int64 {
	p.t.Helper()
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", p.PID()))
	if err != nil {
		p.t.Fatal(err)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		var kib int64
		if name, value, _ := strings.Cut(s.Text(), ":"); name == field {
			if _, err := fmt.Sscanf(value, "%d kB", &kib); err == nil {
				return kib << 10
			}
		}
	}
	p.t.Fatalf("no %s of process %d", field, p.PID())
	return 0
}

// openFiles returns how many files and connections the process has open.
func (p *process) openFiles() int {
	entries, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.PID()))
	return len(entries)
}

// TestHostilePeers: while 1,000 silent connections that redial and 1,000 that
// send random bytes are at a port, a good peer joins within 1 s, and the
// process grows by less than 32 MiB.
func TestHostilePeers(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs /proc")
	}
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil || files.Cur < hostileFiles {
		t.Skipf("may open %d files, needs %d", files.Cur, hostileFiles)
	}
	m := newMesh(t)
	var out testproc.Transcript
	storeAt, producerAt := freePort(t), freePort(t)
	s := spawn(t, nil, nil, &out, m.node("store", "--data", m.newDir(), "--listen", storeAt)...)
	m.awaitReady(s, &out)
	m.produce("old", lines("r", 1000, beatSize)).wait(limit())
	p := m.produce("new", newSteady(t, "r", beatSize, beat), "--listen", producerAt)
	targets := []hostileTarget{
		{"producer", p, producerAt, zmtp.Sub, "new", nil},
		{"store", s, storeAt, zmtp.Sub, "old", []string{"--from-beginning"}},
		{"tower sub", m.tower, strings.TrimPrefix(m.sub, "tcp://"), zmtp.Pub, "new", nil},
		{"tower pub", m.tower, strings.TrimPrefix(m.pub, "tcp://"), zmtp.Sub, "new", nil},
	}
	before := make(map[*process]int64) // what they take at work, before any attack
	for _, h := range targets {
		h.join(t, m)
	}
	for _, h := range targets {
		before[h.process] = h.process.status("VmRSS")
	}
	for _, h := range targets {
		t.Run(h.name, func(t *testing.T) { h.test(t, m, "", before[h.process]) })
		t.Run(h.name+" after the handshake", func(t *testing.T) { h.test(t, m, h.as, before[h.process]) })
	}
}

// hostileTarget is a port that is attacked.
type hostileTarget struct {
	name    string
	process *process
	addr    string
	as      zmtp.SocketType // what dials it
	topic   string          // what a good peer gets only through it
	args    []string
}

// join starts a good peer and returns how long it takes to its first record.
func (h *hostileTarget) join(t *testing.T, m *mesh) time.Duration {
	t.Helper()
	out := newSink(nil)
	c := m.consume(h.topic, out, h.args...)
	eventually(t, limit(), "a good peer gets its first record", func() bool { return out.lines() > 0 })
	c.silence()
	c.kill()
	return out.first().Sub(c.began)
}

func (h *hostileTarget) test(t *testing.T, m *mesh, as zmtp.SocketType, before int64) {
	calm := h.join(t, m)
	files := h.process.openFiles()
	// Thousands of dials a second with -full. More would measure the tests, whose
	// attackers have the same two cores, and with the race detector so does less.
	a := startAttack(h.addr, hostilePeers, scaled(time.Second, 200*time.Millisecond), as)
	defer a.stop()
	eventually(t, limit(), "everybody has dialled", func() bool { return a.dials.Load() >= 2*hostilePeers })
	peak := before
	var joins []time.Duration
	for begin := time.Now(); len(joins) < 3 || time.Since(begin) < scaled(500*time.Millisecond, 10*time.Second); {
		joins = append(joins, h.join(t, m))
		peak = max(peak, h.process.status("VmRSS"))
	}
	dials, held := a.dials.Load(), a.held.Load()
	a.stop()
	slices.Sort(joins)
	if median := joins[len(joins)/2]; median > scaled(3*time.Second, time.Second) {
		t.Errorf("a good peer joins after %s", median)
	}
	if peak-before >= rssGrowth {
		t.Errorf("grew from %.1f to %.1f MiB", float64(before)/(1<<20), float64(peak)/(1<<20))
	}
	eventually(t, limit(), "its connections are gone", func() bool { return h.process.openFiles() <= files+8 })
	t.Logf("%d good peers joined in %s (median; worst %s; %s in peace) during %d dials (%d held at the end); grew by %.1f MiB from %.1f",
		len(joins), joins[len(joins)/2], joins[len(joins)-1], calm, dials, held, float64(peak-before)/(1<<20), float64(before)/(1<<20))
}
