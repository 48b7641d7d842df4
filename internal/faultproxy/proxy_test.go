package faultproxy

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait of these tests.
const patience = 10 * time.Second

// quiet is how long nothing must come where nothing should.
const quiet = 50 * time.Millisecond

// echo is a server that sends back what it gets, and says what it got.
type echo struct {
	listener net.Listener
	wg       sync.WaitGroup
}

func newEcho(t *testing.T) *echo {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e := &echo{listener: l}
	e.wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			e.wg.Go(func() {
				defer conn.Close()
				_, _ = io.Copy(conn, conn)
			})
		}
	})
	t.Cleanup(func() { l.Close(); e.wg.Wait() })
	return e
}

// start returns a proxy before an echo server. The proxy is closed first.
func start(t *testing.T) *Proxy {
	t.Helper()
	p, err := Listen(newEcho(t).listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func dial(t *testing.T, p *Proxy) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn.(*net.TCPConn)
}

func send(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}

func want(t *testing.T, c net.Conn, text string) {
	t.Helper()
	got := make([]byte, len(text))
	c.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != text {
		t.Fatalf("got %q, %v; want %q", got, err, text)
	}
}

// wantNothing checks that nothing comes, for a moment.
func wantNothing(t *testing.T, c net.Conn) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(quiet))
	if n, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("got %d bytes, %v; want none", n, err)
	}
}

// wantEnd checks that the connection ends; an end without an error is io.EOF.
func wantEnd(t *testing.T, c net.Conn) error {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(patience))
	n, err := c.Read(make([]byte, 1))
	if n > 0 || err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("got %d bytes, %v; want the end", n, err)
	}
	return err
}

// wantRefused checks that a new connection is reset, perhaps before the dial
// has returned.
func wantRefused(t *testing.T, p *Proxy) {
	t.Helper()
	conn, err := net.Dial("tcp", p.Addr())
	if err != nil {
		return
	}
	defer conn.Close()
	wantEnd(t, conn)
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !ok(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("not in %s: %s", patience, what)
		}
	}
}

func TestPassesEverything(t *testing.T) {
	p, block := start(t), bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	conn := dial(t, p)
	go func() {
		_, _ = conn.Write(block)
		_ = conn.CloseWrite()
	}()
	conn.SetReadDeadline(time.Now().Add(patience))
	got, err := io.ReadAll(conn)
	if err != nil || !bytes.Equal(got, block) {
		t.Fatalf("got %d bytes, %v; want the %d sent", len(got), err, len(block))
	}
	eventually(t, "connection forgotten", func() bool { return p.Stats().Open == 0 })
	if s := p.Stats(); s.Accepted != 1 || s.Bytes != [2]uint64{1 << 20, 1 << 20} {
		t.Errorf("counted %+v", s)
	}
}

func TestCutResetsAll(t *testing.T) {
	p := start(t)
	a, b := dial(t, p), dial(t, p)
	for _, c := range []net.Conn{a, b} {
		send(t, c, "x")
		want(t, c, "x")
	}
	if n := p.Cut(); n != 2 {
		t.Errorf("cut %d connections", n)
	}
	for _, c := range []net.Conn{a, b} {
		if err := wantEnd(t, c); errors.Is(err, io.EOF) {
			t.Error("a cut looks like an orderly end")
		}
	}
	c := dial(t, p)
	send(t, c, "again")
	want(t, c, "again")
}

func TestRefuse(t *testing.T) {
	p := start(t)
	old := dial(t, p)
	send(t, old, "x")
	want(t, old, "x")
	p.Refuse(true)
	wantRefused(t, p)
	send(t, old, "y")
	want(t, old, "y")
	p.Refuse(false)
	c := dial(t, p)
	send(t, c, "z")
	want(t, c, "z")
	if s := p.Stats(); s.Refused != 1 || s.Accepted != 2 {
		t.Errorf("counted %+v", s)
	}
}

func TestStallClosesTheWindow(t *testing.T) {
	p := start(t)
	conn := dial(t, p)
	send(t, conn, "x")
	want(t, conn, "x")
	p.Stall(Forward, true)
	send(t, conn, "y")
	wantNothing(t, conn)
	// All buffers fill, and then the sender waits.
	block, sent := make([]byte, 1<<20), 1
	for {
		conn.SetWriteDeadline(time.Now().Add(4 * quiet))
		n, err := conn.Write(block)
		if sent += n; errors.Is(err, os.ErrDeadlineExceeded) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	conn.SetWriteDeadline(time.Time{})
	p.Stall(Forward, false)
	conn.SetReadDeadline(time.Now().Add(patience))
	if n, err := io.CopyN(io.Discard, conn, int64(sent)); err != nil {
		t.Fatalf("after the stall came %d of %d bytes: %v", n, sent, err)
	}
}

func TestStallOneWayOnly(t *testing.T) {
	p := start(t)
	conn := dial(t, p)
	p.Stall(Backward, true)
	send(t, conn, "x")
	eventually(t, "byte on its way", func() bool { return p.Stats().Bytes[Forward] == 1 })
	wantNothing(t, conn)
	p.Stall(Backward, false)
	want(t, conn, "x")
}

func TestDropLosesWithoutAWord(t *testing.T) {
	p := start(t)
	conn := dial(t, p)
	p.Drop(Backward, true)
	send(t, conn, "lost")
	wantNothing(t, conn)
	if s := p.Stats(); s.Bytes[Forward] != 4 || s.Bytes[Backward] != 0 || s.Open != 1 {
		t.Errorf("counted %+v", s)
	}
	p.Drop(Backward, false)
	send(t, conn, "kept")
	want(t, conn, "kept")
}

func TestHalfClose(t *testing.T) {
	p := start(t)
	conn := dial(t, p)
	send(t, conn, "x")
	want(t, conn, "x")
	p.HalfClose(Forward) // the echo ends, and so does what it sends
	if err := wantEnd(t, conn); !errors.Is(err, io.EOF) {
		t.Errorf("ended with %v", err)
	}
}

func TestThrottle(t *testing.T) {
	p := start(t)
	conn := dial(t, p)
	const rate, size = 1 << 20, 256 << 10
	p.Throttle(Forward, rate)
	go func() { _, _ = conn.Write(make([]byte, size)) }()
	begin := time.Now()
	conn.SetReadDeadline(begin.Add(patience))
	if _, err := io.CopyN(io.Discard, conn, size); err != nil {
		t.Fatal(err)
	}
	least := (size/rate*1000 + size%rate*1000/rate) * int(time.Millisecond) * 9 / 10
	if took := time.Since(begin); took < time.Duration(least) {
		t.Errorf("%d bytes at %d bytes/s took %s", size, rate, took)
	}
	p.Throttle(Forward, 0)
	send(t, conn, "fast")
	want(t, conn, "fast")
}

func TestCorrupt(t *testing.T) {
	p := start(t)
	conn := dial(t, p)
	p.Corrupt(Backward, 4)
	send(t, conn, "aaaaaa")
	want(t, conn, "aaaAaa")
	send(t, conn, "aaa")
	want(t, conn, "aAa")
	p.Corrupt(Backward, 0)
	send(t, conn, "aaaaaaaa")
	want(t, conn, "aaaaaaaa")
}

func TestSetTarget(t *testing.T) {
	p, err := Listen("127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	wantRefused(t, p)
	p.SetTarget(newEcho(t).listener.Addr().String())
	conn := dial(t, p)
	send(t, conn, "x")
	want(t, conn, "x")
	p.Close()
}

// TestCloseWaits: goleak sees whatever Close would leave behind.
func TestCloseWaits(t *testing.T) {
	p := start(t)
	conn := dial(t, p)
	send(t, conn, "x")
	want(t, conn, "x")
	p.Stall(Forward, true)
	p.Throttle(Backward, 1)
	send(t, conn, "y")
	p.Close()
	wantEnd(t, conn)
	p.Close()
	if s := p.Stats(); s.Open != 0 {
		t.Errorf("%d connections after Close", s.Open)
	}
	if c, err := net.Dial("tcp", p.Addr()); err == nil {
		c.Close()
		t.Error("still listens")
	}
}
