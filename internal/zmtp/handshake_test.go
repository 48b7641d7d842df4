package zmtp

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// scripted is a connection whose peer says what was written down before, in
// reads of any size, and listens to nothing.
type scripted struct {
	source
	sentOut  bytes.Buffer
	deadline time.Time
	closed   bool
}

func (c *scripted) Write(p []byte) (int, error)        { return c.sentOut.Write(p) }
func (c *scripted) Close() error                       { c.closed = true; return nil }
func (c *scripted) LocalAddr() net.Addr                { return &net.TCPAddr{} }
func (c *scripted) RemoteAddr() net.Addr               { return &net.TCPAddr{} }
func (c *scripted) SetDeadline(t time.Time) error      { c.deadline = t; return nil }
func (c *scripted) SetReadDeadline(t time.Time) error  { panic("not used") }
func (c *scripted) SetWriteDeadline(t time.Time) error { panic("not used") }

// greeting is that of a peer with libzmq's signature.
func greeting(major byte, mechanism string) string {
	b := make([]byte, greetingSize)
	copy(b, "\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f")
	b[10], b[11] = major, 1
	copy(b[12:32], mechanism)
	return string(b)
}

func ready(data string) string { return string(AppendCommand(nil, CommandReady, []byte(data))) }

func property(name, value string) string { return string(appendProperty(nil, name, value)) }

func TestHandshakeBytes(t *testing.T) {
	hello := greeting(3, "NULL") + ready(property("socket-TYPE", "SUB")+property("X-any", "thing")+property("IDENTITY", "you"))
	for _, n := range []int{1, 3, 1000} {
		c := &scripted{source: source{data: []byte(hello + "\x00\x02\x01M"), next: one(n)}}
		peer, err := Handshake(c, Options{Type: XPub, Identity: "me"}, true)
		if err != nil || peer != (Peer{Type: Sub, Identity: "you"}) {
			t.Fatalf("reads of %d: %+v, %v", n, peer, err)
		}
		if c.closed || !c.deadline.IsZero() {
			t.Errorf("reads of %d: closed %v, deadline %v", n, c.closed, c.deadline)
		}
		if rest := string(c.data[c.sent:]); rest != "\x00\x02\x01M" {
			t.Errorf("reads of %d: %q left, want the frame behind the handshake", n, rest)
		}
		want := "\xff\x00\x00\x00\x00\x00\x00\x00\x00\x7f\x03\x00NULL" + strings.Repeat("\x00", 48) +
			"\x04\x29\x05READY\x0bSocket-Type\x00\x00\x00\x04XPUB\x08Identity\x00\x00\x00\x02me"
		if got := c.sentOut.String(); got != want {
			t.Errorf("sent %q\nwant %q", got, want)
		}
	}
}

func TestHandshakeRefusals(t *testing.T) {
	null, typ := greeting(3, "NULL"), property("Socket-Type", "SUB")
	frame := func(flags byte, body string) string {
		return string(AppendFrameHeader(nil, flags, len(body))) + body
	}
	for name, tc := range map[string]struct {
		peer string
		want error
	}{
		"nothing":               {"", io.EOF},
		"greeting cut":          {null[:40], io.ErrUnexpectedEOF},
		"HTTP":                  {"GET / HTTP/1.1\r\n\r\n", ErrGreeting},
		"signature end":         {"\xff12345678\x00", ErrGreeting},
		"version 2":             {greeting(2, "NULL"), ErrGreeting},
		"PLAIN":                 {greeting(3, "PLAIN") + ready(typ), nil},
		"no READY":              {null, io.EOF},
		"READY cut":             {null + ready(typ)[:20], io.ErrUnexpectedEOF},
		"a message":             {null + frame(0, "\x05READY"+typ), ErrUnexpectedCommand},
		"a long message":        {null + frame(0, strings.Repeat("m", 300)), ErrUnexpectedCommand},
		"other command":         {null + frame(FlagCommand, "\x04PING\x00\x00"), ErrUnexpectedCommand},
		"command without name":  {null + frame(FlagCommand, "\x00"), ErrBadCommand},
		"empty command":         {null + frame(FlagCommand, ""), ErrBadCommand},
		"ERROR":                 {null + frame(FlagCommand, "\x05ERROR\x04away"), ErrRefused},
		"bare ERROR":            {null + frame(FlagCommand, "\x05ERROR"), ErrRefused},
		"reserved flag":         {null + "\x40\x00", ErrBadFrame},
		"more":                  {null + "\x05\x00", ErrBadFrame},
		"claim of 1 GiB":        {null + string(AppendFrameHeader(nil, FlagCommand, 1<<30)), ErrHandshakeTooLong},
		"claim of 2^62":         {null + string(AppendFrameHeader(nil, FlagCommand, 1<<62)), ErrHandshakeTooLong},
		"claim of 2^63":         {null + "\x06\x80\x00\x00\x00\x00\x00\x00\x00", ErrBadFrame},
		"READY over 2 KiB":      {null + ready(typ+property("X", strings.Repeat("x", handshakeBytes))), ErrHandshakeTooLong},
		"no properties":         {null + ready(""), ErrProperties},
		"no socket type":        {null + ready(property("Identity", "you")), ErrProperties},
		"two socket types":      {null + ready(typ+property("SOCKET-type", "XSUB")), ErrProperties},
		"two identities":        {null + ready(typ+property("identity", "a")+property("Identity", "b")), ErrProperties},
		"identity too long":     {null + ready(typ+property("Identity", strings.Repeat("i", 256))), ErrProperties},
		"nameless property":     {null + ready(typ+property("", "x")), ErrProperties},
		"name cut":              {null + ready(typ+"\x08Iden"), ErrProperties},
		"name without value":    {null + ready(typ+"\x08Identity"), ErrProperties},
		"size of value cut":     {null + ready(typ+"\x08Identity\x00\x00"), ErrProperties},
		"value cut":             {null + ready(typ+"\x08Identity\x00\x00\x00\x05you"), ErrProperties},
		"value of 2^32-1":       {null + ready(typ+"\x08Identity\xff\xff\xff\xffyou"), ErrProperties},
		"publisher":             {null + ready(property("Socket-Type", "PUB")), ErrIncompatible},
		"other type":            {null + ready(property("Socket-Type", "DEALER")), ErrIncompatible},
		"type in lower case":    {null + ready(property("Socket-Type", "sub")), ErrIncompatible},
		"type that is no type":  {null + ready(property("Socket-Type", "\x00\xff")), ErrIncompatible},
		"type that is nothing":  {null + ready(property("Socket-Type", "")), ErrIncompatible},
		"type with more behind": {null + ready(property("Socket-Type", "SUB ")), ErrIncompatible},
	} {
		for _, n := range []int{1, 1 << 20} {
			c := &scripted{source: source{data: []byte(tc.peer), next: one(n)}}
			peer, err := Handshake(c, Options{Type: XPub}, true)
			if err == nil || !errors.Is(err, tc.want) && tc.want != nil || errors.Is(err, errPanic) {
				t.Errorf("%s, reads of %d: error %v, want %v", name, n, err, tc.want)
			}
			if !c.closed || peer != (Peer{}) {
				t.Errorf("%s, reads of %d: closed %v, peer %+v", name, n, c.closed, peer)
			}
		}
	}
}

// A wrong first byte is enough; the peer need not send all of a greeting.
func TestHandshakeRefusesAtOnce(t *testing.T) {
	ours, theirs := connect(t)
	if _, err := theirs.Write([]byte("G")); err != nil {
		t.Fatal(err)
	}
	if _, err := Handshake(ours, Options{Type: XPub, Timeout: time.Minute}, true); !errors.Is(err, ErrGreeting) {
		t.Fatal(err)
	}
}

func TestHandshakeOptions(t *testing.T) {
	for _, o := range []Options{{}, {Type: "PAIR"}, {Type: Sub, Identity: strings.Repeat("i", 256)}} {
		c := &scripted{}
		if _, err := Handshake(c, o, false); err == nil || !c.closed || c.sentOut.Len() > 0 {
			t.Errorf("%.20v: error %v, closed %v, sent %d bytes", o, err, c.closed, c.sentOut.Len())
		}
	}
}

// connect returns both ends of a TCP connection on loopback.
func connect(t testing.TB) (accepted, dialled net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if dialled, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if accepted, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { accepted.Close(); dialled.Close() })
	return accepted, dialled
}

func TestHandshakeBetweenUs(t *testing.T) {
	types := []SocketType{XPub, Pub, XSub, Sub}
	for i, a := range types {
		for j, b := range types {
			accepted, dialled := connect(t)
			done := make(chan error, 1)
			var theirs Peer
			go func() {
				var err error
				theirs, err = Handshake(dialled, Options{Type: b, Identity: "B"}, false)
				done <- err
			}()
			ours, err := Handshake(accepted, Options{Type: a, Identity: strings.Repeat("A", 255)}, true)
			theirErr := <-done
			if good := (i < 2) != (j < 2); good {
				if err != nil || theirErr != nil || ours != (Peer{b, "B"}) || theirs != (Peer{a, strings.Repeat("A", 255)}) {
					t.Errorf("%s-%s: %v, %v; %v, %v", a, b, ours, theirs, err, theirErr)
				}
			} else if !errors.Is(err, ErrIncompatible) && !errors.Is(theirErr, ErrIncompatible) {
				t.Errorf("%s-%s: %v, %v", a, b, err, theirErr)
			}
		}
	}
}

func TestHandshakeTimeout(t *testing.T) {
	for name, say := range map[string]string{"silent": "", "stops": greeting(3, "NULL") + "\x04"} {
		ours, theirs := connect(t)
		if _, err := theirs.Write([]byte(say)); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		_, err := Handshake(ours, Options{Type: XPub, Timeout: 50 * time.Millisecond}, true)
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: %v", name, err)
		}
		if d := time.Since(start); d < 50*time.Millisecond || d > time.Second {
			t.Errorf("%s: after %v", name, d)
		}
		if _, err := ours.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("%s: not closed: %v", name, err)
		}
	}
}

// The NULL handshake is over in one frame; the bound on their number is for
// mechanisms that take more.
func TestBoundedConnCountsFrames(t *testing.T) {
	frames := strings.Repeat("\x04\x01x", handshakeFrames)
	c := &boundedConn{Conn: &scripted{source: source{data: []byte(greeting(3, "NULL") + frames)}}}
	if n, err := io.Copy(io.Discard, c); err != nil || n != int64(greetingSize+len(frames)) {
		t.Fatalf("%d bytes, %v", n, err)
	}
	c = &boundedConn{Conn: &scripted{source: source{data: []byte(greeting(3, "NULL") + frames + "\x04\x00")}}}
	if _, err := io.Copy(io.Discard, c); !errors.Is(err, ErrHandshakeTooLong) {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, ErrHandshakeTooLong) {
		t.Fatalf("the error does not stay: %v", err)
	}
}

// panicking is a connection that breaks the library's code from within.
type panicking struct{ scripted }

func (*panicking) Read([]byte) (int, error) { panic("broken") }

func TestHandshakeRecovers(t *testing.T) {
	c := &panicking{}
	if _, err := Handshake(c, Options{Type: Sub}, false); !errors.Is(err, errPanic) || !c.closed {
		t.Fatalf("error %v, closed %v", err, c.closed)
	}
}

// FuzzHandshake lets a peer say anything after nothing, a greeting, or a
// greeting and the start of a READY. The handshake must end, without a panic,
// without memory out of proportion, and never read past its end.
func FuzzHandshake(f *testing.F) {
	null := greeting(3, "NULL")
	typ := property("Socket-Type", "SUB")
	f.Add(uint8(0), []byte(null+ready(typ)), uint8(0))
	f.Add(uint8(0), []byte("GET / HTTP/1.1\r\n"), uint8(1))
	f.Add(uint8(1), []byte(ready(typ+property("Identity", "you"))+"\x00\x01\x01"), uint8(3))
	f.Add(uint8(1), []byte("\x06\x00\x00\x00\x00\x40\x00\x00\x00"), uint8(9))
	f.Add(uint8(2), []byte(typ+"\x08Identity\xff\xff\xff\xff"), uint8(2))
	f.Add(uint8(2), []byte("\xff"), uint8(1))
	f.Fuzz(func(t *testing.T, prefix uint8, data []byte, read uint8) {
		switch prefix % 3 {
		case 1:
			data = append([]byte(null), data...)
		case 2:
			data = append([]byte(null), ready(string(data))...)
		}
		c := &scripted{source: source{data: data, next: one(int(read) + 1)}}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		peer, err := Handshake(c, Options{Type: XPub}, true)
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 64<<10 {
			t.Errorf("%d bytes allocated for %d", used, len(data))
		}
		if errors.Is(err, errPanic) || c.closed != (err != nil) {
			t.Fatalf("closed %v: %v", c.closed, err)
		}
		if err == nil {
			checkHandshake(t, peer, data[:c.sent])
		}
	})
}

// checkHandshake holds a handshake that succeeded against what was read.
func checkHandshake(t *testing.T, peer Peer, read []byte) {
	if peer.Type != Sub && peer.Type != XSub || len(peer.Identity) > identityMax {
		t.Errorf("accepted %+v", peer)
	}
	if len(read) > handshakeBytes {
		t.Errorf("read %d bytes", len(read))
	}
	flags, size, n, err := parseFrameHeader(read[greetingSize:])
	if err != nil || flags&FlagCommand == 0 || greetingSize+n+int(size) != len(read) {
		t.Errorf("read %d bytes: flags %d, header %d, size %d: %v", len(read), flags, n, size, err)
	}
}
