package mesh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/beckmesh/beck/internal/network"
	"github.com/beckmesh/beck/internal/zmtp"
	"github.com/beckmesh/beck/protocol"
)

const (
	// beaconEvery is the interval of beacons: peers drop a node after four of
	// them have failed to come.
	beaconEvery = time.Second
	// beaconSlack is how much earlier a beacon may go out so that it falls together
	// with what the tower relays, and beaconLate when it goes out if a tower that
	// relays stops. An idle node wakes once a second then and not twice, which is
	// most of what it costs.
	beaconSlack = beaconEvery / 10
	beaconLate  = 2 * beaconEvery
	// beaconSpacing bounds how soon announce repeats a beacon: nodes that all
	// meet at once would otherwise beacon once for each other node.
	beaconSpacing = 50 * time.Millisecond
	// towerSilence is how long a tower that has relayed beacons may relay none,
	// our own included, until it is taken for stopped.
	towerSilence = 4 * time.Second
	// towerTimeout bounds one write.
	towerTimeout = 2 * time.Second
	// towerRedialMin and towerRedialMax bound the backoff of redials.
	towerRedialMin = 20 * time.Millisecond
	towerRedialMax = time.Second
	// towerMalformedMax is how many malformed messages close the link to a tower.
	towerMalformedMax = 100
)

var (
	errTowerSilent    = errors.New("mesh: tower fell silent")
	errTowerMalformed = errors.New("mesh: too many malformed messages from the tower")
)

// towerLimits bounds what a tower may send: its messages are small.
var towerLimits = zmtp.Limits{Message: 16 << 10, Frames: 8, Block: 64 << 10}

// towerEvents is who a towerClient works for. The methods may be called from
// several goroutines and must not block; those of one tower's up, down, beacons
// and list end come one at a time and in order.
type towerEvents interface {
	// OwnBeacon returns what to tell the tower now.
	OwnBeacon() protocol.NodeBeacon
	// TowerUp: tower i has welcomed us. TowerDown follows when that link ends,
	// also when run ends.
	TowerUp(i int)
	TowerDown(i int)
	// TowerBeacon: tower i announces a node, possibly ourselves.
	TowerBeacon(i int, b protocol.TowerBeacon)
	// TowerListed: tower i, of which info tells, has named all nodes it knows.
	TowerListed(i int, info protocol.NodeInfo)
}

// towerClient keeps a node in touch with one tower by two connections: one that
// sends our beacons to its sub port, one that takes the others' from its pub
// port. Each is redialled for as long as run runs, and nothing but the two
// endpoints of the tower's address is ever dialled.
type towerClient struct {
	index   int
	addr    protocol.TowerAddr
	self    string
	network network.Network
	ev      towerEvents
	log     *slog.Logger

	soon      chan struct{} // a beacon is wanted before it is due
	sender    atomic.Pointer[beaconLink]
	malformed atomic.Uint64
}

// newTowerClient returns a client that does nothing until run. index names the
// tower in the events; self is the node's UUID, given as ZMTP identity.
func newTowerClient(index int, addr protocol.TowerAddr, self string, on network.Network, ev towerEvents, log *slog.Logger) *towerClient {
	return &towerClient{
		index:   index,
		addr:    addr,
		self:    self,
		network: on,
		ev:      ev,
		log:     log.With("sub", addr.Sub, "pub", addr.Pub),
		soon:    make(chan struct{}, 1),
	}
}

// run keeps both connections until ctx ends, and returns when everything that
// it started has ended.
func (c *towerClient) run(ctx context.Context) {
	var wg sync.WaitGroup
	wg.Go(func() { c.keep(ctx, c.addr.Sub, zmtp.Pub, c.sendBeacons) })
	wg.Go(func() { c.keep(ctx, c.addr.Pub, zmtp.Sub, c.takeBeacons) })
	wg.Wait()
}

// announce sends a beacon soon, even if none is due. It never blocks.
func (c *towerClient) announce() {
	select {
	case c.soon <- struct{}{}:
	default: // one is on its way already
	}
}

// malformedCount returns how many messages of the tower could not be read.
func (c *towerClient) malformedCount() uint64 { return c.malformed.Load() }

// keep runs one session after another until ctx ends.
func (c *towerClient) keep(ctx context.Context, endpoint string, as zmtp.SocketType, serve func(*towerLink) error) {
	var backoff time.Duration
	for ctx.Err() == nil {
		lived, err := c.session(ctx, endpoint, as, serve)
		if lived >= towerRedialMax {
			backoff = 0
		}
		c.log.Debug("no link to the tower", "endpoint", endpoint, "err", err)
		backoff = min(max(2*backoff, towerRedialMin), towerRedialMax)
		pause(ctx, backoff/2+rand.N(backoff/2))
	}
}

// session dials the endpoint, serves the link until it ends, and says how long
// that was.
func (c *towerClient) session(ctx context.Context, endpoint string, as zmtp.SocketType, serve func(*towerLink) error) (time.Duration, error) {
	host, port, err := protocol.ParseEndpoint(endpoint)
	if err != nil {
		return 0, fmt.Errorf("tower %q: %w", endpoint, err)
	}
	conn, err := c.network.Dial(ctx, net.JoinHostPort(host, port))
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if _, err := zmtp.Handshake(conn, zmtp.Options{Type: as, Identity: c.self}, false); err != nil {
		return 0, err
	}
	began := time.Now()
	err = serve(&towerLink{conn: conn, reader: zmtp.NewReader(conn, towerLimits)})
	return time.Since(began), err
}

// sendBeacons sends our beacon at once, whenever it is due and when announce
// asks for it, until the link ends.
func (c *towerClient) sendBeacons(l *towerLink) error {
	ended := make(chan error, 1)
	var wg sync.WaitGroup
	// The tower sends its subscription and perhaps PINGs; reading them is also
	// how the end of the link is noticed.
	wg.Go(func() { ended <- l.messages(func(zmtp.Msg) error { return nil }) })
	b := &beaconLink{link: l, ev: c.ev}
	c.sender.Store(b)
	err := b.run(c.soon, ended)
	c.sender.Store(nil)
	l.conn.Close()
	wg.Wait()
	return err
}

// beaconLink is a link that carries our beacons. Two goroutines send them: the
// one that runs it, and the one that reads what the tower relays.
type beaconLink struct {
	link *towerLink
	ev   towerEvents
	sent atomic.Int64 // when the last one went out, or was about to: ns since the epoch
	beat atomic.Bool  // it fell together with what the tower relayed
}

// run returns why the link ended.
func (b *beaconLink) run(soon <-chan struct{}, ended <-chan error) error {
	if err := b.send(time.Now()); err != nil {
		return err
	}
	due := time.NewTimer(beaconEvery)
	defer due.Stop()
	for {
		select {
		case err := <-ended:
			return err
		case now := <-due.C:
			if b.age(now) >= b.every() {
				b.beat.Store(false)
				if err := b.send(now); err != nil {
					return err
				}
			}
			due.Reset(b.every() - b.age(now))
			continue
		case <-soon:
		}
		if wait := beaconSpacing - b.age(time.Now()); wait > 0 {
			select {
			case err := <-ended:
				return err
			case <-time.After(wait):
			}
		}
		if err := b.send(time.Now()); err != nil {
			return err
		}
	}
}

// every returns how old the last beacon may become.
func (b *beaconLink) every() time.Duration {
	if b.beat.Load() {
		return beaconLate
	}
	return beaconEvery
}

func (b *beaconLink) age(now time.Time) time.Duration {
	return time.Duration(now.UnixNano() - b.sent.Load())
}

func (b *beaconLink) send(now time.Time) error {
	b.sent.Store(now.UnixNano())
	return b.link.write(zmtp.AppendMessage(nil, b.ev.OwnBeacon().Frames()...))
}

// heard sends a beacon that is nearly due: the tower has relayed something. An
// error ends the link that it is sent on, and that link's reader notices.
func (b *beaconLink) heard(now time.Time) {
	if b == nil || b.age(now) < beaconEvery-beaconSlack {
		return
	}
	b.beat.Store(true)
	if b.send(now) != nil {
		b.link.conn.Close()
	}
}

// takeBeacons subscribes to what the tower has to say and passes it on until
// the link ends.
func (c *towerClient) takeBeacons(l *towerLink) error {
	var subscribe []byte
	for _, prefix := range []string{protocol.PrefixWelcome, protocol.PrefixBeacon, protocol.PrefixListEnd} {
		subscribe = zmtp.AppendSubscription(subscribe, []byte(prefix), true)
	}
	if err := l.write(subscribe); err != nil {
		return err
	}
	s := towerSession{client: c, link: l}
	defer s.end()
	if err := l.conn.SetReadDeadline(time.Now().Add(towerSilence)); err != nil {
		return err
	}
	return l.messages(s.take)
}

// towerSession is what has been heard on one link to the pub port.
type towerSession struct {
	client    *towerClient
	link      *towerLink
	up        bool
	listened  time.Time // when the deadline was set for the last time
	malformed int
}

// take passes one message on.
func (s *towerSession) take(m zmtp.Msg) error {
	c, err := s.client, error(nil)
	switch string(m.Frames[0]) {
	case protocol.PrefixWelcome:
		return s.welcome()
	case protocol.PrefixBeacon:
		var b protocol.TowerBeacon
		if b, err = protocol.ParseTowerBeacon(m.Frames); err == nil {
			c.ev.TowerBeacon(c.index, b)
			return s.heard(time.Now())
		}
	case protocol.PrefixListEnd:
		var end protocol.ListEnd
		if end, err = protocol.ParseListEnd(m.Frames); err == nil {
			c.ev.TowerListed(c.index, end.Info)
			return nil
		}
	default:
		err = protocol.ErrBeacon // not subscribed to
	}
	c.malformed.Add(1)
	c.log.Debug("malformed message from the tower", "err", err)
	if s.malformed++; s.malformed >= towerMalformedMax {
		return errTowerMalformed
	}
	return nil
}

// heard notes that the tower relays, once for all that it relays together.
func (s *towerSession) heard(now time.Time) error {
	s.client.sender.Load().heard(now)
	if now.Sub(s.listened) < beaconSlack {
		return nil
	}
	s.listened = now
	return s.link.conn.SetReadDeadline(now.Add(towerSilence))
}

// welcome opens the session. A tower that goes on to relay nothing at all is
// not waited for: there may be nobody to speak of.
func (s *towerSession) welcome() error {
	if s.up {
		return nil
	}
	s.up = true
	s.client.log.Debug("tower is up")
	s.client.ev.TowerUp(s.client.index)
	s.listened = time.Time{}
	return s.link.conn.SetReadDeadline(time.Time{})
}

func (s *towerSession) end() {
	if s.up {
		s.client.log.Debug("tower is down")
		s.client.ev.TowerDown(s.client.index)
	}
}

// towerLink is one connection to a tower. One goroutine reads; any may write.
type towerLink struct {
	conn   net.Conn
	reader *zmtp.Reader
	mu     sync.Mutex
}

// write sends whole messages. A tower that takes none for towerTimeout is gone:
// what nodes send to towers always fits into the buffers of the connection.
func (l *towerLink) write(b []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.conn.SetWriteDeadline(time.Now().Add(towerTimeout)); err != nil {
		return err
	}
	_, err := l.conn.Write(b)
	return err
}

// messages reads until the link ends or take fails, and answers PINGs.
func (l *towerLink) messages(take func(zmtp.Msg) error) error {
	for {
		m, ok, err := l.reader.Next()
		switch {
		case err != nil:
			return err
		case !ok:
			err = l.fill()
		case m.Command:
			err = l.command(m.Frames[0])
		default:
			err = take(m)
		}
		if err != nil {
			return err
		}
	}
}

func (l *towerLink) fill() error {
	err := l.reader.Fill()
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return errTowerSilent
	}
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("mesh: tower closed the link: %w", err)
	}
	return err
}

func (l *towerLink) command(frame []byte) error {
	name, data, err := zmtp.ParseCommand(frame)
	if err != nil || string(name) != zmtp.CommandPing {
		return nil // nothing that concerns us
	}
	return l.write(zmtp.AppendPong(nil, data))
}

// pause waits for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
