package core

import (
	"cmp"
	"maps"
	"math/rand"
	"slices"
	"strings"
	"time"

	"github.com/beckmesh/beck/internal/planted"
	"github.com/beckmesh/beck/protocol"
)

// PeersConfig says who we are and how patient we are with other nodes. The
// zero value of every field but Self and SelfRole means its default.
type PeersConfig struct {
	// Self is our own UUID, which is never dialled.
	Self string
	// SelfRole is our role (protocol.RoleProducer, ...); it decides which
	// peers need no link.
	SelfRole string
	// Towers is how many towers the node is configured with; towers are named
	// by their index, 0 to Towers-1.
	Towers int
	// RedialMin is the first delay of the exponential backoff. Default 20 ms.
	RedialMin time.Duration
	// RedialMax is the longest delay between two dials of one peer, and how
	// long a link must have stood for the backoff to start anew. Default 1 s.
	RedialMax time.Duration
	// Forget is how long a living tower must have been silent about a peer
	// without a link before the peer is forgotten. Default 4 s.
	Forget time.Duration
	// MaxPeers bounds the table; beacons of further peers are dropped and
	// counted. Default 16,384.
	MaxPeers int
	// MaxEndpoints bounds the endpoints kept of one peer, at most one from
	// each tower. Default 8.
	MaxEndpoints int
}

func (c PeersConfig) withDefaults() PeersConfig {
	c.RedialMin = cmp.Or(c.RedialMin, 20*time.Millisecond)
	c.RedialMax = max(cmp.Or(c.RedialMax, time.Second), c.RedialMin)
	c.Forget = cmp.Or(c.Forget, 4*time.Second)
	c.MaxPeers = cmp.Or(c.MaxPeers, 16384)
	c.MaxEndpoints = cmp.Or(c.MaxEndpoints, 8)
	return c
}

// The patience of Introduced.
const (
	// towerGrace is how long after the start an unreachable tower is waited for.
	towerGrace = time.Second
	// towerWarmup is how long a tower must have run for every living node to
	// have beaconed to it: nodes redial within 1 s and beacon at once.
	towerWarmup = 2 * time.Second
	// foreignList is how long after connecting a tower that ends no list is
	// listened to: its nodes repeat their beacons every second.
	foreignList = 1200 * time.Millisecond
)

// PeerOp is what a PeerAction asks for.
type PeerOp byte

const (
	// PeerFound: a node was seen for the first time. Beacon to the towers, so
	// that it learns of us even from a tower that gives newcomers no list.
	PeerFound PeerOp = iota + 1
	// PeerDial: dial Endpoint, then report Linked or DialFailed for it.
	PeerDial
	// PeerHangup: close the link to the peer or cancel its dial, then report
	// LinkLost or DialFailed as for any other end of it.
	PeerHangup
	// PeerForgot: the peer is gone; nothing will be asked about it any more
	// until a beacon names it again.
	PeerForgot
)

// String gives the lower-case name of the operation, for logs and test scripts.
func (o PeerOp) String() string {
	switch o {
	case PeerFound:
		return "found"
	case PeerDial:
		return "dial"
	case PeerHangup:
		return "hangup"
	case PeerForgot:
		return "forgot"
	}
	return "?"
}

// PeerAction is one thing for the mesh to do. Endpoint ("tcp://host:port") is
// set for PeerDial only.
type PeerAction struct {
	Op       PeerOp
	UUID     string
	Endpoint string
}

// PeerStatus is what is known of one peer.
type PeerStatus struct {
	UUID string
	// Endpoints are the addresses that towers announce for it, alternatives of
	// one another.
	Endpoints []string
	// Endpoint is the one that the link (or the last dial) uses; "" before any.
	Endpoint string
	// Linked says that a dialled link stands.
	Linked bool
	// Wanted says that our roles need a link at all.
	Wanted bool
	// Info is the last extra frame of its beacon; nil for a foreign node.
	Info *protocol.NodeInfo
	// Started is when its process started by our clock (from the age in its
	// beacon); zero when its beacon does not say.
	Started time.Time
	// Seen is when its last beacon came.
	Seen time.Time
}

// Peers is what a node knows of the other nodes, and decides which of them to
// dial: one link for each UUID, whatever number of endpoints it has. It is not
// safe for concurrent use. Every event is followed by Actions and NextWake.
type Peers struct {
	cfg    PeersConfig
	rng    *rand.Rand
	towers []towerState
	peers  map[string]*peer
	places places
	wakes  wakeHeap

	begun      time.Time
	introduced bool
	dropped    uint64
	actions    []PeerAction
}

// towerState is how things stand with one configured tower.
type towerState struct {
	up      bool
	upSince time.Time
	// listed is set by the end of its list; ready is when the tower had run
	// long enough for that list to be complete.
	listed bool
	ready  time.Time
}

// NewPeers returns an empty table. rng gives the jitter of redials.
func NewPeers(cfg PeersConfig, rng *rand.Rand) *Peers {
	cfg = cfg.withDefaults()
	return &Peers{
		cfg:    cfg,
		rng:    rng,
		towers: make([]towerState, cfg.Towers),
		peers:  make(map[string]*peer),
		places: make(places),
	}
}

// TowerUp says that the tower has welcomed us.
func (ps *Peers) TowerUp(tower int, now time.Time) {
	ps.begin(now)
	ps.towers[tower] = towerState{up: true, upSince: now}
	ps.settleAll(now)
}

// TowerDown says that the link to the tower ended. Peers outlive it.
func (ps *Peers) TowerDown(tower int, now time.Time) {
	ps.begin(now)
	ps.towers[tower] = towerState{}
	ps.settleAll(now)
}

// ListEnd says that the tower has told all it knows; age is how long it has run.
func (ps *Peers) ListEnd(tower int, age time.Duration, now time.Time) {
	ps.begin(now)
	t := &ps.towers[tower]
	t.listed = true
	t.ready = now.Add(max(0, towerWarmup-age))
}

// Beacon takes a node's beacon as a tower relayed it.
func (ps *Peers) Beacon(tower int, b protocol.TowerBeacon, now time.Time) {
	ps.begin(now)
	if b.UUID == ps.cfg.Self || b.UUID == "" || b.Endpoint == "" {
		return
	}
	p := ps.peers[b.UUID]
	if p == nil {
		if len(ps.peers) >= ps.cfg.MaxPeers {
			ps.dropped++
			return
		}
		p = &peer{uuid: b.UUID, wake: -1, wanted: true}
		ps.peers[b.UUID] = p
		ps.act(PeerFound, p, "")
	}
	p.seen = now
	changed := p.announced(tower, b.Endpoint, now, ps.cfg)
	if gone := ps.places.occupy(p, b.Endpoint, ps.cfg.Forget/2, now); gone != nil {
		ps.act(PeerHangup, gone, "")
	}
	if p.informed(b.Info, now, ps.cfg) {
		changed = true
	}
	if changed {
		p.hurry()
	}
	ps.prune(p)
	ps.settle(p, now)
}

// Linked says that the dial of endpoint succeeded, handshake included.
func (ps *Peers) Linked(uuid, endpoint string, now time.Time) {
	ps.begin(now)
	p := ps.peers[uuid]
	if p == nil || p.linked {
		return
	}
	p.linked, p.dialling, p.linkedAt, p.last = true, false, now, endpoint
	if !p.wanted {
		ps.act(PeerHangup, p, "")
	}
	ps.settle(p, now)
}

// LinkLost says that the link, dialled by endpoint, ended for whatever reason.
func (ps *Peers) LinkLost(uuid, endpoint string, now time.Time) {
	ps.begin(now)
	p := ps.peers[uuid]
	if p == nil || p.last != endpoint {
		return
	}
	if !p.linked {
		ps.DialFailed(uuid, endpoint, now)
		return
	}
	if now.Sub(p.linkedAt) >= ps.cfg.RedialMax {
		p.backoff = 0
	}
	if planted.Is(planted.NoRedial) {
		return
	}
	p.linked, p.again = false, true
	p.postpone(ps.cfg, ps.rng, now)
	ps.settle(p, now)
}

// DialFailed says that the dial of endpoint did not lead to a link.
func (ps *Peers) DialFailed(uuid, endpoint string, now time.Time) {
	ps.begin(now)
	p := ps.peers[uuid]
	if p == nil || !p.dialling || p.last != endpoint {
		return
	}
	p.dialling = false
	p.postpone(ps.cfg, ps.rng, now)
	ps.settle(p, now)
}

// Tick lets everything happen that was due at now.
func (ps *Peers) Tick(now time.Time) {
	ps.begin(now)
	for len(ps.wakes) > 0 && !ps.wakes[0].at.After(now) {
		ps.settle(ps.wakes[0], now)
	}
	ps.Introduced(now)
}

// NextWake is when Tick is wanted next; zero when only an event can change
// anything.
func (ps *Peers) NextWake() time.Time {
	var at time.Time
	if len(ps.wakes) > 0 {
		at = ps.wakes[0].at
	}
	if intro := ps.introducedAt(); !ps.introduced && !ps.begun.IsZero() {
		at = earlier(at, intro)
	}
	return at
}

// Actions drains what is to be done, sorted by UUID, and for one UUID in the
// order in which it was decided.
func (ps *Peers) Actions() []PeerAction {
	out := ps.actions
	ps.actions = nil
	slices.SortStableFunc(out, func(a, b PeerAction) int { return strings.Compare(a.UUID, b.UUID) })
	return out
}

// Introduced reports whether every node known at the start has been named to
// us: each tower has ended its list and had run long enough for it to be
// complete, or cannot be reached. Once true it stays true.
func (ps *Peers) Introduced(now time.Time) bool {
	ps.begin(now)
	if !ps.introduced {
		ps.introduced = !now.Before(ps.introducedAt())
	}
	return ps.introduced
}

// Named reports whether the towers that are there have named every node to us,
// also those towers that were reached late: Introduced no longer waits for these.
// What kept us from such a tower may have kept its other nodes from it as well,
// so they get the time to beacon again. Unlike Introduced it can turn false again.
func (ps *Peers) Named(now time.Time) bool {
	ps.begin(now)
	at := ps.introducedAt()
	for _, t := range ps.towers {
		if again := t.upSince.Add(towerWarmup); t.up && t.upSince.After(ps.begun.Add(towerGrace)) && again.After(at) {
			at = again
		}
	}
	return !now.Before(at)
}

// introducedAt is when Introduced turns true if no further event comes.
func (ps *Peers) introducedAt() time.Time {
	at := ps.begun
	for _, t := range ps.towers {
		settled := ps.begun.Add(towerGrace)
		switch {
		case t.up && t.listed:
			settled = t.ready
		case t.up:
			settled = t.upSince.Add(foreignList)
		}
		if settled.After(at) {
			at = settled
		}
	}
	return at
}

// Peer returns what is known of uuid; false when nothing is.
func (ps *Peers) Peer(uuid string) (PeerStatus, bool) {
	p := ps.peers[uuid]
	if p == nil {
		return PeerStatus{}, false
	}
	return p.status(), true
}

// All returns every known peer, sorted by UUID.
func (ps *Peers) All() []PeerStatus {
	out := make([]PeerStatus, 0, len(ps.peers))
	for _, uuid := range slices.Sorted(maps.Keys(ps.peers)) {
		out = append(out, ps.peers[uuid].status())
	}
	return out
}

// Dropped counts the beacons of peers beyond MaxPeers.
func (ps *Peers) Dropped() uint64 { return ps.dropped }

// begin notes the time of the first event, from which unreachable towers are
// given their grace.
func (ps *Peers) begin(now time.Time) {
	if ps.begun.IsZero() {
		ps.begun = now
	}
}

// prune hangs up on a peer that turned out to be of a role without links. That
// is learned late when a foreign tower relays its beacon first: such towers
// drop the extra frame.
func (ps *Peers) prune(p *peer) {
	wanted := rolesLink(ps.cfg.SelfRole, p.info)
	if p.wanted && !wanted && (p.linked || p.dialling) {
		ps.act(PeerHangup, p, "")
	}
	p.wanted = wanted
}

// rolesLink reports whether nodes of these roles have anything to say to each
// other. A foreign node tells no role and is linked always.
func rolesLink(self string, info *protocol.NodeInfo) bool {
	if info == nil || info.Role != self {
		return true
	}
	return self != protocol.RoleProducer && self != protocol.RoleConsumer && self != protocol.RoleObserver
}

func (ps *Peers) settleAll(now time.Time) {
	for _, uuid := range slices.Sorted(maps.Keys(ps.peers)) { // each draws from rng
		ps.settle(ps.peers[uuid], now)
	}
}

// settle is run after every event of a peer: it forgets it, dials it, or notes
// when either may become due.
func (ps *Peers) settle(p *peer, now time.Time) {
	if p.linked || p.dialling {
		ps.wakes.drop(p)
		return
	}
	forget := ps.forgetAt(p)
	switch {
	case !forget.IsZero() && !now.Before(forget):
		ps.wakes.drop(p)
		delete(ps.peers, p.uuid)
		ps.places.vacate(p, nil)
		ps.act(PeerForgot, p, "")
	case p.wanted && !now.Before(p.redialAt) && ps.places.taken(p):
		p.redialAt = now.Add(ps.cfg.RedialMax)
		ps.wakes.set(p, earlier(p.redialAt, forget))
	case p.wanted && !now.Before(p.redialAt):
		ps.wakes.drop(p)
		p.dropStale(ps.towers, ps.cfg.Forget, now)
		ps.act(PeerDial, p, p.dial())
	case p.wanted:
		ps.wakes.set(p, earlier(p.redialAt, forget))
	default:
		ps.wakes.set(p, forget)
	}
}

// forgetAt is when the peer is forgotten if no beacon and no link comes; zero
// while no tower lives that could vouch for it. A tower that came back is
// given time to hear from the peer first.
func (ps *Peers) forgetAt(p *peer) time.Time {
	var since time.Time
	for _, t := range ps.towers {
		if t.up {
			since = earlier(since, t.upSince)
		}
	}
	if since.IsZero() {
		return since
	}
	if p.seen.After(since) {
		since = p.seen
	}
	return since.Add(ps.cfg.Forget)
}

func (ps *Peers) act(op PeerOp, p *peer, endpoint string) {
	ps.actions = append(ps.actions, PeerAction{Op: op, UUID: p.uuid, Endpoint: endpoint})
}
