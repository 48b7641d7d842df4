//go:build libzmq

package zmtp

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/pebbe/zmq4"
)

const patience = 5 * time.Second

// libzmq returns a socket of the C library with time-outs instead of waiting
// for ever.
func libzmq(t *testing.T, typ zmq4.Type) *zmq4.Socket {
	t.Helper()
	s, err := zmq4.NewSocket(typ)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	for _, err := range []error{s.SetLinger(0), s.SetRcvtimeo(patience), s.SetSndtimeo(patience)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// link is a connection past its handshake, and how to read it.
type link struct {
	net.Conn
	*Reader
	peer Peer
}

// listen lets dial connect to a listener of ours and returns what it accepted,
// and the error of its handshake.
func listen(t *testing.T, typ SocketType, dial func(endpoint string) error) (*link, error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := dial("tcp://" + l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	l.(*net.TCPListener).SetDeadline(time.Now().Add(patience))
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	peer, err := NewGuard(0).Handshake(c, Options{Type: typ, Identity: "ours"})
	return newLink(t, c, peer), err
}

// dial binds s and connects to it as typ.
func dial(t *testing.T, s *zmq4.Socket, typ SocketType) *link {
	t.Helper()
	if err := s.Bind("tcp://127.0.0.1:*"); err != nil {
		t.Fatal(err)
	}
	endpoint, err := s.GetLastEndpoint()
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", strings.TrimPrefix(endpoint, "tcp://"))
	if err != nil {
		t.Fatal(err)
	}
	peer, err := Handshake(c, Options{Type: typ, Identity: "0123456789ABCDEF0123456789ABCDEF"}, false)
	if err != nil {
		t.Fatal(err)
	}
	return newLink(t, c, peer)
}

func newLink(t *testing.T, c net.Conn, peer Peer) *link {
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	return &link{c, NewReader(c, Limits{}), peer}
}

// receive returns the next message; its bytes are valid until the next call.
func (l *link) receive(t *testing.T) Msg {
	t.Helper()
	m, err := l.Receive()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (l *link) send(t *testing.T, b []byte) {
	t.Helper()
	if _, err := l.Write(b); err != nil {
		t.Fatal(err)
	}
}

func (l *link) wantSubscription(t *testing.T, topic string, subscribe bool) {
	t.Helper()
	m := l.receive(t)
	got, sub, ok := ParseSubscription(m)
	if !ok || string(got) != topic || sub != subscribe {
		t.Fatalf("received %v %q, want a subscription to %q (%v)", m.Command, m.Frames, topic, subscribe)
	}
	if m.Command {
		t.Error("the subscription came as a command, although we greet with ZMTP 3.0")
	}
}

func wantFrames(t *testing.T, s *zmq4.Socket, want ...[]byte) {
	t.Helper()
	got, err := s.RecvMessageBytes(0)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) {
		t.Fatalf("%d frames, want %d", len(got), len(want))
	}
	for i := range got {
		if !bytes.Equal(got[i], want[i]) {
			t.Fatalf("frame %d: %d bytes that differ from the %d sent", i, len(got[i]), len(want[i]))
		}
	}
}

// large is content in which a shifted or a lost byte shows.
func large(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i * i >> 3)
	}
	return b
}

func TestLibzmqSubscriberDialsUs(t *testing.T) {
	for _, ours := range []SocketType{XPub, Pub} {
		s := libzmq(t, zmq4.SUB)
		if err := s.SetSubscribe("Mhello\x00"); err != nil {
			t.Fatal(err)
		}
		l, err := listen(t, ours, s.Connect)
		if err != nil {
			t.Fatal(err)
		}
		if l.peer.Type != Sub {
			t.Errorf("%s: peer %+v", ours, l.peer)
		}
		l.wantSubscription(t, "Mhello\x00", true)
		frame0 := []byte("Mhello\x00rest of the header")
		l.send(t, AppendMessage(nil, frame0, []byte("content")))
		wantFrames(t, s, frame0, []byte("content"))
		for _, n := range []int{0, 255, 256, 65_536, 1 << 20} {
			l.send(t, AppendMessage(nil, frame0, large(n)))
			wantFrames(t, s, frame0, large(n))
		}
		if err := s.SetUnsubscribe("Mhello\x00"); err != nil {
			t.Fatal(err)
		}
		l.wantSubscription(t, "Mhello\x00", false)
	}
}

func TestLibzmqXSubDialsUs(t *testing.T) {
	s := libzmq(t, zmq4.XSUB)
	l, err := listen(t, XPub, s.Connect)
	if err != nil {
		t.Fatal(err)
	}
	if l.peer.Type != XSub {
		t.Errorf("peer %+v", l.peer)
	}
	for _, subscribe := range []bool{true, false} {
		if _, err := s.SendBytes(AppendSubscription(nil, []byte("B"), subscribe)[2:], 0); err != nil {
			t.Fatal(err)
		}
		l.wantSubscription(t, "B", subscribe)
	}
	// An XSUB may send messages upstream, large ones too; it takes a frame that
	// begins with 0 or 1 for a subscription.
	content := append([]byte("content"), large(1<<20)...)
	if _, err := s.SendMessage("up", content); err != nil {
		t.Fatal(err)
	}
	if m := l.receive(t); len(m.Frames) != 2 || string(m.Frames[0]) != "up" || !bytes.Equal(m.Frames[1], content) {
		t.Errorf("received %d frames", len(m.Frames))
	}
}

func TestWeDialLibzmqXPub(t *testing.T) {
	s := libzmq(t, zmq4.XPUB)
	l := dial(t, s, Sub)
	if l.peer != (Peer{Type: XPub}) {
		t.Errorf("peer %+v", l.peer)
	}
	for _, topic := range []string{"W", strings.Repeat("t", 300)} {
		l.send(t, AppendSubscription(nil, []byte(topic), true))
		wantFrames(t, s, []byte("\x01"+topic))
	}
	for _, n := range []int{0, 1, 255, 256, 1 << 20} {
		if _, err := s.SendMessage("W", large(n)); err != nil {
			t.Fatal(err)
		}
		if m := l.receive(t); m.Command || len(m.Frames) != 2 || string(m.Frames[0]) != "W" || !bytes.Equal(m.Frames[1], large(n)) {
			t.Fatalf("%d bytes: received %d frames", n, len(m.Frames))
		}
	}
	l.send(t, AppendSubscription(nil, []byte("W"), false))
	wantFrames(t, s, []byte("\x00W"))
}

func TestWeDialLibzmqPub(t *testing.T) {
	s := libzmq(t, zmq4.PUB)
	l := dial(t, s, XSub)
	if l.peer.Type != Pub {
		t.Errorf("peer %+v", l.peer)
	}
	l.send(t, AppendSubscription(nil, nil, true))
	// A PUB does not say when it has seen the subscription: publish until
	// something comes.
	for l.SetReadDeadline(time.Now().Add(time.Millisecond)); ; l.SetReadDeadline(time.Now().Add(10 * time.Millisecond)) {
		if _, err := s.SendMessage("M", "content"); err != nil {
			t.Fatal(err)
		}
		if err := l.Fill(); err == nil {
			break
		} else if timeout, ok := err.(net.Error); !ok || !timeout.Timeout() {
			t.Fatal(err)
		}
	}
	if m := l.receive(t); text(m) != `false ["M" "content"]` {
		t.Errorf("received %s", text(m))
	}
}

func TestLibzmqBeatsItsHeart(t *testing.T) {
	for _, answer := range []bool{true, false} {
		s := libzmq(t, zmq4.SUB)
		for _, err := range []error{
			s.SetSubscribe("B"),
			s.SetHeartbeatIvl(30 * time.Millisecond),
			s.SetHeartbeatTimeout(500 * time.Millisecond),
			s.SetReconnectIvl(-1),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		l, err := listen(t, XPub, s.Connect)
		if err != nil {
			t.Fatal(err)
		}
		l.wantSubscription(t, "B", true)
		if !answer {
			wantCut(t, l)
			continue
		}
		// Longer than libzmq waits for a PONG, had it not had one.
		for end := time.Now().Add(time.Second); time.Now().Before(end); {
			m := l.receive(t)
			name, data, err := ParseCommand(m.Frames[0])
			if err != nil || !m.Command || string(name) != CommandPing {
				t.Fatalf("received %s: %v", text(m), err)
			}
			l.send(t, AppendPong(nil, data))
		}
		l.send(t, AppendMessage(nil, []byte("B still here")))
		wantFrames(t, s, []byte("B still here"))
	}
}

// wantCut waits for libzmq to give up a peer that does not answer its PINGs.
func wantCut(t *testing.T, l *link) {
	t.Helper()
	for {
		if err := l.Fill(); err != nil {
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() {
				t.Error("libzmq waits for a PONG no longer than its time-out")
			}
			return
		}
		for ok := true; ok; {
			if _, more, err := l.Next(); err != nil {
				t.Fatal(err)
			} else {
				ok = more
			}
		}
	}
}

func TestLibzmqOfAnotherKind(t *testing.T) {
	for _, typ := range []zmq4.Type{zmq4.PUSH, zmq4.DEALER, zmq4.XPUB, zmq4.PAIR} {
		l, err := listen(t, XPub, libzmq(t, typ).Connect)
		// libzmq may see the mismatch first, and hangs up.
		if !errors.Is(err, ErrIncompatible) && !errors.Is(err, io.EOF) && !errors.Is(err, ErrRefused) {
			t.Errorf("%v: %v", typ, err)
		}
		if _, err := l.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("%v: left open: %v", typ, err)
		}
	}
}

// libzmq speaks CURVE to a peer that offers NULL: nobody gets through, and
// nobody waits for the time-out.
func TestLibzmqWithCurve(t *testing.T) {
	server, _, err := zmq4.NewCurveKeypair()
	if err != nil {
		t.Skip("libzmq without CURVE")
	}
	public, secret, err := zmq4.NewCurveKeypair()
	if err != nil {
		t.Fatal(err)
	}
	s := libzmq(t, zmq4.SUB)
	if err := s.ClientAuthCurve(server, public, secret); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if _, err := listen(t, XPub, s.Connect); err == nil {
		t.Error("got through")
	}
	if d := time.Since(start); d > time.Second {
		t.Errorf("took %v", d)
	}
}
