package zmtp

import (
	"errors"
	"fmt"
	"net"
)

const (
	handshakeBytes  = 2 << 10 // what a peer may send before it is through
	handshakeFrames = 6
	greetingSize    = 64
)

var (
	// ErrGreeting is a peer that does not begin with the signature of ZMTP, or
	// speaks a version before 3.
	ErrGreeting = errors.New("zmtp: not a ZMTP 3 peer")
	// ErrHandshakeTooLong is a peer that sent, or announced, more than 2 KiB or
	// 6 frames before the handshake was over.
	ErrHandshakeTooLong = errors.New("zmtp: handshake too long")
)

// boundedConn is a connection during its handshake. It looks at the bytes that
// pass and fails the read that brings a wrong greeting, a bad or an oversized
// frame, before anyone acts on it. It never reads more than it is asked for.
type boundedConn struct {
	net.Conn
	passed int              // bytes read so far
	frames int              // frames begun
	header [longHeader]byte // of the frame at hand, while it is not complete
	have   int              // bytes of header
	body   int              // bytes of the body still to come
	failed error            // every further read fails with it
}

// Read reads from the connection and checks what it read.
func (c *boundedConn) Read(p []byte) (int, error) {
	if c.failed != nil {
		return 0, c.failed
	}
	n, err := c.Conn.Read(p)
	if c.failed = c.check(p[:n]); c.failed != nil {
		return 0, c.failed
	}
	return n, err
}

// check takes the next bytes of the handshake.
func (c *boundedConn) check(b []byte) error {
	for len(b) > 0 {
		n, err := c.step(b)
		if err != nil {
			return err
		}
		b, c.passed = b[n:], c.passed+n
		if c.passed > handshakeBytes {
			return fmt.Errorf("%w: more than %d bytes", ErrHandshakeTooLong, handshakeBytes)
		}
	}
	return nil
}

// step takes one byte of the greeting or of a frame's header, or what there is
// of a frame's body, and says how many bytes that was.
func (c *boundedConn) step(b []byte) (int, error) {
	switch {
	case c.passed < greetingSize:
		return 1, checkGreeting(c.passed, b[0])
	case c.body > 0:
		n := min(c.body, len(b))
		c.body -= n
		return n, nil
	default:
		c.header[c.have] = b[0]
		c.have++
		return 1, c.checkHeader()
	}
}

// checkGreeting looks at the byte at position i of the greeting, so that a peer
// that speaks something else is gone with its first byte.
func checkGreeting(i int, b byte) error {
	switch {
	case i == 0 && b != 0xff, i == 9 && b != 0x7f:
		return fmt.Errorf("%w: byte %d of the greeting is %#02x", ErrGreeting, i, b)
	case i == 10 && b < 3:
		return fmt.Errorf("%w: version %d", ErrGreeting, b)
	}
	return nil
}

// checkHeader counts a frame once its header is complete and holds the size it
// claims against what may still come.
func (c *boundedConn) checkHeader() error {
	_, size, n, err := parseFrameHeader(c.header[:c.have])
	if err != nil || n == 0 {
		return err
	}
	if c.frames++; c.frames > handshakeFrames || size > uint64(handshakeBytes-c.passed) {
		return fmt.Errorf("%w: frame %d of %d bytes", ErrHandshakeTooLong, c.frames, size)
	}
	c.have, c.body = 0, int(size)
	return nil
}
