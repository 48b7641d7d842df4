// Package tower introduces the nodes of a mesh to each other. Nodes send beacons
// to its sub port and hear of the other nodes at its pub port; records never
// pass through it, and nodes that know each other do without it.
//
//	node ── PUB ──▶ sub port ──▶ Directory ──▶ pub port ── SUB ──▶ nodes
//	        beacons              (core)         W, list and mark, beacons
//
// A connection to either port is one goroutine that reads, and at the pub port
// a second one that writes. All state is behind one lock, and nothing blocks
// while it is held.
package tower

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/internal/zmtp"
	"github.com/beckmesh/beck/protocol"
)

// Tower is a running tower. Its methods may be called by any goroutine.
type Tower struct {
	cfg     Config
	log     *slog.Logger
	started time.Time
	sub     *port
	pub     *port

	ctx    context.Context // ends when Close is called
	cancel context.CancelFunc
	all    sync.WaitGroup // every goroutine of the tower
	kick   chan struct{}  // the clock is to look at the directory again

	mu     sync.Mutex // guards what follows
	dir    *core.Directory
	subs   map[*subscriber]struct{}
	wakeAt time.Time // when the clock looks at the directory by itself
	count  counters
	// repeats are the beacons gathered last, as each view is told them. Slow
	// subscribers share them too, instead of keeping one each.
	repeats  map[core.View][]byte
	repeated int // nodes in repeats
}

// Start binds both ports and serves them until Close. It fails with
// beck.ErrConfig for a setting out of its bounds, and when a port cannot be
// bound; the text names it.
func Start(cfg Config) (*Tower, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	t := &Tower{
		cfg:     cfg,
		log:     cfg.Logger,
		started: time.Now(),
		kick:    make(chan struct{}, 1),
		dir:     core.NewDirectory(cfg.directory()),
		subs:    make(map[*subscriber]struct{}),
		count:   counters{refused: noneRefused()},
	}
	t.ctx, t.cancel = context.WithCancel(context.Background())
	var err error
	if t.sub, err = t.bind(cfg.Sub, zmtp.XSub, t.serveNode); err != nil {
		t.cancel()
		return nil, fmt.Errorf("bind sub %s: %w", cfg.Sub, err)
	}
	if t.pub, err = t.bind(cfg.Pub, zmtp.XPub, t.serveSubscriber); err != nil {
		t.cancel()
		t.sub.close()
		return nil, fmt.Errorf("bind pub %s: %w", cfg.Pub, err)
	}
	for _, run := range []func(){t.sub.run, t.pub.run, t.clock} {
		t.all.Go(run)
	}
	t.log.Info("tower is up", "sub", t.Sub(), "pub", t.Pub())
	return t, nil
}

// Close closes both ports and all connections and returns when everything that
// the tower started has ended. It may be called more than once.
func (t *Tower) Close() error {
	t.cancel()
	t.sub.close()
	t.pub.close()
	t.all.Wait()
	return nil
}

// Sub is the endpoint of the sub port with the port that was bound, as a node on
// this machine can dial it: "tcp://127.0.0.1:5556".
func (t *Tower) Sub() string { return t.sub.endpoint() }

// Pub is the same of the pub port.
func (t *Tower) Pub() string { return t.pub.endpoint() }

// clock lets the directory forget and gather in time.
func (t *Tower) clock() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-t.ctx.Done():
			return
		case <-t.kick:
		case <-timer.C:
		}
		if next := t.step(); next.IsZero() {
			timer.Stop()
		} else {
			timer.Reset(time.Until(next))
		}
	}
}

// step does what is due and returns when something will be next.
func (t *Tower) step() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	t.dir.Tick(now)
	if nodes := t.dir.Gather(now); len(nodes) > 0 {
		t.repeats, t.repeated = t.relay(now, nodes, (*subscriber).gathered), len(nodes)
	}
	t.wakeAt = t.dir.NextWake()
	return t.wakeAt
}

// announce takes a node's beacon.
func (t *Tower) announce(conn core.NodeConn, b protocol.NodeBeacon) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	n, err := t.dir.Announce(conn, b, now)
	if err != nil {
		t.count.refuse(err)
		return err
	}
	t.count.beacons++
	if n != nil {
		t.log.Debug("node announced", "uuid", b.UUID, "endpoint", n.Endpoint(core.View{}))
		t.relay(now, []*core.Node{n}, (*subscriber).news)
	}
	if next := t.dir.NextWake(); t.wakeAt.IsZero() || next.Before(t.wakeAt) {
		t.wakeAt = next
		select {
		case t.kick <- struct{}{}:
		default:
		}
	}
	return nil
}

// relay gives the beacons of the nodes to every subscriber that wants beacons.
// Those with the same view share the bytes, which it returns. The lock is held.
func (t *Tower) relay(now time.Time, nodes []*core.Node, give func(*subscriber, []byte)) map[core.View][]byte {
	encoded := make(map[core.View][]byte)
	for s := range t.subs {
		if !s.wants(protocol.PrefixBeacon) {
			continue
		}
		b, ok := encoded[s.view]
		if !ok {
			b = appendBeacons(nil, nodes, s.view, now)
			encoded[s.view] = b
		}
		give(s, b)
	}
	return encoded
}

// appendBeacons encodes what a subscriber with view v is told of the nodes.
func appendBeacons(dst []byte, nodes []*core.Node, v core.View, now time.Time) []byte {
	for _, n := range nodes {
		dst = zmtp.AppendMessage(dst, n.TowerBeacon(v, now).Frames()...)
	}
	return dst
}
