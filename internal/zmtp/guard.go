package zmtp

import (
	"container/list"
	"errors"
	"fmt"
	"net"
	"sync"
)

// defaultPlaces is how many handshakes a Guard lets go on at once.
const defaultPlaces = 256

var (
	// ErrEvicted is a handshake that was the oldest unfinished one when another
	// peer needed its place.
	ErrEvicted = errors.New("zmtp: handshake gave its place to a newer one")
	// ErrGuardClosed is a handshake cut short, or not begun, by Guard.Close.
	ErrGuardClosed = errors.New("zmtp: guard closed")
)

// Guard bounds how many accepted connections are in their handshake. When all
// places are taken it closes the oldest: silent peers then only push each other
// out, while a good peer needs its place for a round trip. Refusing the newest,
// or letting it wait, would let them lock good peers out. Its methods may be
// called by any goroutine; it starts none.
type Guard struct {
	limit int

	mu      sync.Mutex
	pending list.List // of *place, oldest first
	closed  bool
}

// place is a handshake that goes on.
type place struct {
	conn net.Conn
	why  error // set when the Guard closed conn
}

// NewGuard returns a Guard with limit places; zero or less means 256.
func NewGuard(limit int) *Guard {
	if limit <= 0 {
		limit = defaultPlaces
	}
	return &Guard{limit: limit}
}

// Handshake is the function Handshake for an accepted connection, in one of the
// Guard's places. The caller runs it in a goroutine of the connection. Besides
// the errors of Handshake it returns ErrEvicted and ErrGuardClosed; on any error
// c is closed.
func (g *Guard) Handshake(c net.Conn, o Options) (Peer, error) {
	e, err := g.enter(c)
	if err != nil {
		c.Close()
		return Peer{}, err
	}
	peer, err := Handshake(c, o, true)
	if why := g.leave(e); why != nil {
		c.Close()
		return Peer{}, fmt.Errorf("handshake: %w", why)
	}
	return peer, err
}

// Close ends all handshakes that go on and refuses new ones, both with
// ErrGuardClosed. Connections past their handshake are not touched.
func (g *Guard) Close() {
	g.mu.Lock()
	g.closed = true
	var cut []*place
	for g.pending.Len() > 0 {
		cut = append(cut, g.cut(g.pending.Front(), ErrGuardClosed))
	}
	g.mu.Unlock()
	for _, p := range cut {
		p.conn.Close()
	}
}

// enter takes a place for c, if need be that of the oldest handshake.
func (g *Guard) enter(c net.Conn) (*list.Element, error) {
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		return nil, ErrGuardClosed
	}
	var oldest *place
	if g.pending.Len() == g.limit {
		oldest = g.cut(g.pending.Front(), ErrEvicted)
	}
	e := g.pending.PushBack(&place{conn: c})
	g.mu.Unlock()
	if oldest != nil {
		oldest.conn.Close() // outside the lock: it may be slow
	}
	return e, nil
}

// cut frees the place of e, whose connection the caller closes once it has let
// go of the lock. It returns the place.
func (g *Guard) cut(e *list.Element, why error) *place {
	p := g.pending.Remove(e).(*place)
	p.why = why
	return p
}

// leave gives the place back and says why the Guard took it away, if it did. A
// handshake that succeeded in that moment has lost its connection too.
func (g *Guard) leave(e *list.Element) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	p := e.Value.(*place)
	if p.why == nil {
		g.pending.Remove(e)
	}
	return p.why
}
