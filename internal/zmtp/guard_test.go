package zmtp

import (
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// serve accepts connections and runs their handshakes in g, as a listener does.
// results delivers what each came to.
type server struct {
	addr    string
	guard   *Guard
	results chan error
}

func serve(t *testing.T, limit int) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{addr: l.Addr().String(), guard: NewGuard(limit), results: make(chan error, 10_000)}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer c.Close()
				_, err := s.guard.Handshake(c, Options{Type: XPub, Timeout: time.Minute})
				s.results <- err
			})
		}
	})
	t.Cleanup(func() { l.Close(); s.guard.Close(); running.Wait() })
	return s
}

// silent dials and says nothing.
func (s *server) silent(t *testing.T) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// waitPending waits until n handshakes go on.
func (s *server) waitPending(t *testing.T, n int) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		s.guard.mu.Lock()
		got := s.guard.pending.Len()
		s.guard.mu.Unlock()
		if got == n {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d handshakes go on, want %d", got, n)
		}
	}
}

// closed tells whether the server closed c, which said nothing.
func closed(c net.Conn, wait time.Duration) bool {
	c.SetReadDeadline(time.Now().Add(wait))
	_, err := io.Copy(io.Discard, c) // our greeting, then the end
	var timeout net.Error
	return !(errors.As(err, &timeout) && timeout.Timeout())
}

func TestGuardLetsGoodPeersIn(t *testing.T) {
	s := serve(t, 0)
	first := s.silent(t)
	s.waitPending(t, 1)
	var others []net.Conn
	for range defaultPlaces - 1 {
		others = append(others, s.silent(t))
	}
	s.waitPending(t, defaultPlaces)
	start := time.Now()
	if _, err := Handshake(s.silent(t), Options{Type: Sub}, false); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(start); d > 500*time.Millisecond {
		t.Errorf("a good peer waited %v", d)
	}
	var good, evicted int
	for range 2 {
		switch err := <-s.results; {
		case err == nil:
			good++
		case errors.Is(err, ErrEvicted):
			evicted++
		}
	}
	if good != 1 || evicted != 1 {
		t.Errorf("%d good, %d evicted", good, evicted)
	}
	if !closed(first, 5*time.Second) {
		t.Error("the oldest was not closed")
	}
	s.waitPending(t, defaultPlaces-1)
	for _, c := range others[:3] {
		if closed(c, 10*time.Millisecond) {
			t.Error("another than the oldest was closed")
		}
	}
}

// Silent peers that come again as soon as they are closed do not keep good ones
// out.
func TestGuardUnderRedial(t *testing.T) {
	s := serve(t, 8)
	stop := make(chan struct{})
	var redialling sync.WaitGroup
	for range 32 {
		redialling.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if c, err := net.Dial("tcp", s.addr); err == nil {
					closed(c, 100*time.Millisecond)
					c.Close()
				}
			}
		})
	}
	defer redialling.Wait()
	defer close(stop)
	s.waitPending(t, 8)
	for end, joined := time.Now().Add(20*time.Second), 0; joined < 5; {
		if time.Now().After(end) {
			t.Fatalf("%d of 5 good peers got in", joined)
		}
		if c, err := net.Dial("tcp", s.addr); err == nil {
			if _, err := Handshake(c, Options{Type: Sub}, false); err == nil {
				joined++
			}
			c.Close()
		}
	}
}

func TestGuardFreesPlaces(t *testing.T) {
	s := serve(t, 2)
	for range 20 {
		c := s.silent(t)
		if _, err := Handshake(c, Options{Type: Sub}, false); err != nil {
			t.Fatal(err)
		}
		if err := <-s.results; err != nil {
			t.Fatal(err)
		}
		bad := s.silent(t)
		if _, err := bad.Write([]byte("nonsense")); err != nil {
			t.Fatal(err)
		}
		if err := <-s.results; !errors.Is(err, ErrGreeting) {
			t.Fatal(err)
		}
	}
	s.waitPending(t, 0)
}

// A handshake that succeeds at the very moment it loses its place has lost it.
func TestGuardEvictsTheFinished(t *testing.T) {
	g := NewGuard(1)
	first, second := &scripted{}, &scripted{}
	e, err := g.enter(first)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.enter(second); err != nil {
		t.Fatal(err)
	}
	if err := g.leave(e); !errors.Is(err, ErrEvicted) || !first.closed || second.closed {
		t.Errorf("error %v, closed %v and %v", err, first.closed, second.closed)
	}
	if n := g.pending.Len(); n != 1 {
		t.Errorf("%d places taken", n)
	}
}

func TestGuardClose(t *testing.T) {
	s := serve(t, 4)
	conns := []net.Conn{s.silent(t), s.silent(t), s.silent(t)}
	s.waitPending(t, 3)
	s.guard.Close()
	for _, c := range conns {
		if err := <-s.results; !errors.Is(err, ErrGuardClosed) {
			t.Error(err)
		}
		if !closed(c, 5*time.Second) {
			t.Error("left open")
		}
	}
	late := &scripted{}
	if _, err := s.guard.Handshake(late, Options{Type: XPub}); !errors.Is(err, ErrGuardClosed) || !late.closed {
		t.Errorf("after Close: %v, closed %v", err, late.closed)
	}
}
