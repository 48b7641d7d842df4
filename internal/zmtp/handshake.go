package zmtp

import (
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/go-zeromq/zmq4"
)

// SocketType is the type of ZeroMQ socket that a peer says it is.
type SocketType string

// The socket types between which messages flow by subscription.
const (
	XPub SocketType = "XPUB"
	Pub  SocketType = "PUB"
	XSub SocketType = "XSUB"
	Sub  SocketType = "SUB"
)

// defaultTimeout is what a handshake may take, unless Options say otherwise.
const defaultTimeout = 2 * time.Second

var (
	// ErrIncompatible is a peer whose socket type cannot talk with ours: two
	// publishers, two subscribers, or a type that is none of the four.
	ErrIncompatible = errors.New("zmtp: incompatible socket type")
	// ErrRefused is a peer that answered with an ERROR command.
	ErrRefused = errors.New("zmtp: refused by the peer")
	// ErrUnexpectedCommand is a peer that sent something else than READY.
	ErrUnexpectedCommand = errors.New("zmtp: not a READY in the handshake")

	errPanic = errors.New("zmtp: panic in the handshake")
)

// Options says who we are in a handshake.
type Options struct {
	// Type is our socket type, one of the four constants; there is no default.
	Type SocketType
	// Identity is announced to the peer, at most 255 bytes; empty: none. A
	// node gives its UUID, so that its peers can tell links apart.
	Identity string
	// Timeout is the time the whole handshake may take. Default 2 s, which is
	// plenty on any network that carries records.
	Timeout time.Duration
}

// Peer is what the other side said of itself. Nothing of it is proven.
type Peer struct {
	// Type is one of those that match our own.
	Type SocketType
	// Identity is at most 255 bytes, of any value, and often empty.
	Identity string
}

// Handshake greets the peer at the other end of c and exchanges READY with it.
// server tells the side that accepted the connection. On success c stands
// exactly behind the handshake, without deadlines, for the caller to read and
// write. On error c is closed.
//
// The peer may send no more than 2 KiB and 6 frames before it is through, and no
// size that it claims is allocated before it was held against that. What the
// peer did wrong is ErrGreeting, ErrHandshakeTooLong, ErrBadFrame,
// ErrBadCommand, ErrUnexpectedCommand, ErrProperties, ErrIncompatible or
// ErrRefused, or has no sentinel if its greeting asks for another security
// mechanism. Errors of the connection are passed on, os.ErrDeadlineExceeded
// after the time-out among them.
func Handshake(c net.Conn, o Options, server bool) (Peer, error) {
	peer, err := handshake(c, o, server)
	if err != nil {
		c.Close()
		return Peer{}, fmt.Errorf("handshake: %w", err)
	}
	return peer, nil
}

func handshake(c net.Conn, o Options, server bool) (Peer, error) {
	if err := o.validate(); err != nil {
		return Peer{}, err
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if err := c.SetDeadline(time.Now().Add(o.Timeout)); err != nil {
		return Peer{}, err
	}
	null := &nullMechanism{options: o}
	if err := open(&boundedConn{Conn: c}, null, server); err != nil {
		return Peer{}, err
	}
	return null.peer, c.SetDeadline(time.Time{})
}

// validate refuses what only a bug of the caller can bring about.
func (o Options) validate() error {
	if o.Type.matches() == nil {
		return fmt.Errorf("zmtp: no such socket type: %q", o.Type)
	}
	if len(o.Identity) > identityMax {
		return fmt.Errorf("zmtp: identity of %d bytes, limit %d", len(o.Identity), identityMax)
	}
	return nil
}

// open runs the library's handshake. A panic in it ends this connection only.
func open(c net.Conn, null *nullMechanism, server bool) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errPanic, p)
		}
	}()
	_, err = zmq4.Open(c, null, zmq4.SocketType(null.options.Type), zmq4.SocketIdentity(null.options.Identity), server, nil)
	return err
}

// matches lists the socket types that can be at the other end of t.
func (t SocketType) matches() []SocketType {
	switch t {
	case XPub, Pub:
		return []SocketType{Sub, XSub}
	case XSub, Sub:
		return []SocketType{Pub, XPub}
	}
	return nil
}

// nullMechanism is ZMTP's NULL security: an exchange of READY, and nothing is
// sealed. The library has one too; this one reads the properties with care and
// refuses a peer before the library sees its socket type, at which it panics.
type nullMechanism struct {
	options Options
	peer    Peer
}

// Type names the mechanism in the greeting.
func (*nullMechanism) Type() zmq4.SecurityType { return zmq4.NullSecurity }

// Handshake sends our READY and takes the peer's.
func (m *nullMechanism) Handshake(conn *zmq4.Conn, _ bool) error {
	properties := appendProperties(nil, m.options.Type, m.options.Identity)
	if _, err := conn.Write(AppendCommand(nil, CommandReady, properties)); err != nil {
		return fmt.Errorf("send READY: %w", err)
	}
	name, data, err := receiveCommand(conn)
	if err != nil {
		return fmt.Errorf("receive READY: %w", err)
	}
	switch string(name) {
	case CommandReady:
	case CommandError:
		return fmt.Errorf("%w: %.100q", ErrRefused, data[min(1, len(data)):]) // behind its length
	default:
		return fmt.Errorf("%w: %.100q", ErrUnexpectedCommand, name)
	}
	if m.peer, err = parseProperties(data); err != nil {
		return err
	}
	for _, t := range m.options.Type.matches() {
		if t == m.peer.Type {
			conn.Peer.Meta[propertySocketType] = string(t) // Open looks at it
			return nil
		}
	}
	return fmt.Errorf("%w: %q, we are %s", ErrIncompatible, m.peer.Type, m.options.Type)
}

// receiveCommand reads one command, and not a byte more. The connection below
// has bounded the size when the header is complete.
func receiveCommand(conn io.Reader) (name, data []byte, err error) {
	header := make([]byte, shortHeader, longHeader)
	if _, err := io.ReadFull(conn, header); err != nil {
		return nil, nil, err
	}
	if header[0]&FlagLong != 0 {
		header = header[:longHeader]
		if _, err := io.ReadFull(conn, header[shortHeader:]); err != nil {
			return nil, nil, err
		}
	}
	flags, size, _, err := parseFrameHeader(header)
	if err != nil {
		return nil, nil, err
	}
	if flags&FlagCommand == 0 {
		return nil, nil, fmt.Errorf("%w: a message", ErrUnexpectedCommand)
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(conn, body); err != nil {
		return nil, nil, err
	}
	return ParseCommand(body)
}

// Encrypt returns data as it is: NULL seals nothing.
func (*nullMechanism) Encrypt(w io.Writer, data []byte) (int, error) { return w.Write(data) }

// Decrypt returns data as it is.
func (*nullMechanism) Decrypt(w io.Writer, data []byte) (int, error) { return w.Write(data) }
