package network

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	hostA = netip.MustParseAddr("127.100.0.1")
	hostB = netip.MustParseAddr("127.100.0.2")
)

// linked returns a network, who listens at host B, and both ends of a link to it.
func linked(t *testing.T) (m *Memory, l net.Listener, dialled, accepted net.Conn) {
	t.Helper()
	m = NewMemory()
	l, err := m.Host(hostB).Listen(t.Context(), "127.100.0.2:0", "B")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Host(hostA).Listen(t.Context(), "127.100.0.1:0", "A"); err != nil {
		t.Fatal(err)
	}
	if dialled, err = m.Host(hostA).Dial(t.Context(), l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if accepted, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	return m, l, dialled, accepted
}

func TestBytesArrive(t *testing.T) {
	_, _, a, b := linked(t)
	want := bytes.Repeat([]byte("0123456789"), 100_000) // more than is buffered
	go func() {
		if _, err := a.Write(want); err != nil {
			t.Error(err)
		}
		a.Close()
	}()
	got, err := io.ReadAll(b)
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%d bytes of %d arrived, %v", len(got), len(want), err)
	}
	if _, err := b.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("a write to who has closed returned %v, want EPIPE", err)
	}
	if _, err := a.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a read of a closed end returned %v, want net.ErrClosed", err)
	}
}

func TestCloseWriteLeavesTheOtherDirection(t *testing.T) {
	_, _, a, b := linked(t)
	a.(*conn).CloseWrite()
	if _, err := b.Read(make([]byte, 1)); err != io.EOF {
		t.Fatalf("read returned %v, want io.EOF", err)
	}
	if _, err := b.Write([]byte("yes")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 3)
	if _, err := io.ReadFull(a, got); err != nil || string(got) != "yes" {
		t.Fatalf("got %q, %v", got, err)
	}
}

func TestTryWriteTakesWhatThereIsRoomFor(t *testing.T) {
	_, _, a, _ := linked(t)
	for _, want := range []int{buffered, 0} {
		if n, err := a.(*conn).TryWrite(make([]byte, buffered+1)); n != want || err != nil {
			t.Fatalf("TryWrite took %d, %v; want %d", n, err, want)
		}
	}
}

func TestDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, _, a, _ := linked(t)
		began := time.Now()
		a.SetDeadline(began.Add(time.Minute))
		if _, err := a.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read returned %v", err)
		}
		if n, err := a.Write(make([]byte, buffered+1)); n != buffered || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("write returned %d, %v", n, err)
		}
		if took := time.Since(began); took != time.Minute {
			t.Errorf("both took %s, want a minute", took)
		}
	})
}

func TestSplitAndJoin(t *testing.T) {
	m, l, a, b := linked(t)
	if err := m.Split("nobody"); err == nil {
		t.Error("an owner that does not listen was split off")
	}
	if err := m.Split("B"); err != nil {
		t.Fatal(err)
	}
	for _, end := range []net.Conn{a, b} {
		if _, err := end.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("a read across the split returned %v, want ECONNRESET", err)
		}
	}
	dial := func(from netip.Addr) error {
		c, err := m.Host(from).Dial(t.Context(), l.Addr().String())
		if err == nil {
			c.Close()
		}
		return err
	}
	if err := dial(hostA); !errors.Is(err, syscall.EHOSTUNREACH) {
		t.Errorf("a dial across the split returned %v, want EHOSTUNREACH", err)
	}
	if err := dial(hostB); err != nil {
		t.Errorf("a dial within a side: %v", err)
	}
	m.Join()
	if err := dial(hostA); err != nil {
		t.Errorf("a dial after Join: %v", err)
	}
}

func TestListenerCloses(t *testing.T) {
	m, l, _, _ := linked(t)
	waiting, err := m.Host(hostA).Dial(t.Context(), l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if _, err := waiting.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("a link that nobody accepted reads %v, want io.EOF", err)
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept returned %v, want net.ErrClosed", err)
	}
	if _, err := m.Host(hostA).Dial(t.Context(), l.Addr().String()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("Dial returned %v, want ECONNREFUSED", err)
	}
	if _, err := m.Host(hostB).Listen(context.Background(), l.Addr().String(), "B"); err != nil {
		t.Errorf("the port cannot be opened again: %v", err)
	}
}

func TestForFindsRegisteredHosts(t *testing.T) {
	m := NewMemory()
	unregister := Register(hostA.String(), m.Host(hostA))
	if _, ok := For("127.100.0.1:0").(memoryHost); !ok {
		t.Error("a registered host is not in memory")
	}
	unregister()
	for _, addr := range []string{"127.100.0.1:0", ":0", "nonsense"} {
		if _, ok := For(addr).(Sockets); !ok {
			t.Errorf("%s is not on sockets", addr)
		}
	}
}
