package core

import (
	"cmp"
	"math/rand"
	"slices"
	"time"

	"github.com/beckmesh/beck/internal/planted"
	"github.com/beckmesh/beck/protocol"
)

// peer is the state of one other node.
type peer struct {
	uuid      string
	endpoints []announcement // sorted by tower
	held      []string       // endpoints that places knows of this peer
	info      *protocol.NodeInfo
	started   time.Time
	seen      time.Time
	wanted    bool

	linked   bool
	linkedAt time.Time
	dialling bool
	last     string // the endpoint of the link, the dial in flight or the last dial

	prefer   string // an endpoint to try next: newly announced
	again    bool   // try last again before another endpoint: it has worked
	fresh    bool   // a changed beacon came: the next dial does not wait
	backoff  time.Duration
	redialAt time.Time

	at   time.Time // when to wake for this peer
	wake int       // its place in the heap of wakes; -1: none
}

// announcement is the endpoint at which one tower says that the peer is.
type announcement struct {
	tower    int
	endpoint string
	seen     time.Time
}

// announced notes the endpoint that a tower tells, and reports whether it is a
// new one. What the same tower said before is void: the port may be another
// node's by now.
func (p *peer) announced(tower int, endpoint string, now time.Time, cfg PeersConfig) bool {
	known := slices.ContainsFunc(p.endpoints, func(a announcement) bool { return a.endpoint == endpoint })
	i, had := p.place(tower)
	moved := had && p.endpoints[i].endpoint != endpoint
	if !had {
		p.evict(cfg.MaxEndpoints)
		i, _ = p.place(tower)
		p.endpoints = slices.Insert(p.endpoints, i, announcement{})
	}
	if had && planted.Is(planted.OldEndpoint) {
		endpoint = p.endpoints[i].endpoint
	}
	p.endpoints[i] = announcement{tower: tower, endpoint: endpoint, seen: now}
	if moved && !known {
		// It has a new address, so what silent towers said of it is old too.
		p.endpoints = slices.DeleteFunc(p.endpoints, func(a announcement) bool { return now.Sub(a.seen) >= cfg.Forget })
	}
	if !known {
		p.prefer = endpoint
	}
	return !known
}

// place is where the announcement of a tower is, or belongs.
func (p *peer) place(tower int) (int, bool) {
	return slices.BinarySearchFunc(p.endpoints, tower, func(a announcement, t int) int { return cmp.Compare(a.tower, t) })
}

// evict makes room for one more endpoint: the one not told for longest goes.
func (p *peer) evict(limit int) {
	if len(p.endpoints) < limit {
		return
	}
	oldest := 0
	for i, a := range p.endpoints {
		if a.seen.Before(p.endpoints[oldest].seen) {
			oldest = i
		}
	}
	p.endpoints = slices.Delete(p.endpoints, oldest, oldest+1)
}

// informed notes the extra frame of a beacon and reports whether it tells of a
// new process. A beacon without one takes nothing back: foreign towers drop it.
func (p *peer) informed(info *protocol.NodeInfo, now time.Time, cfg PeersConfig) bool {
	if info == nil {
		return false
	}
	copied := *info
	p.info = &copied
	started := now.Add(-max(0, info.Age))
	if p.started.IsZero() {
		p.started = started
		return false
	}
	// A beacon that was on its way for long makes its node look younger, never
	// older, so the earliest estimate is the best one. No beacon is on its way
	// for as long as Forget: beyond that it is another process.
	if started.Sub(p.started) > cfg.Forget {
		p.started = started
		return true
	}
	p.started = earlier(p.started, started)
	return false
}

// hurry lets the next dial happen at once.
func (p *peer) hurry() {
	p.fresh, p.backoff, p.redialAt = true, 0, time.Time{}
}

// postpone sets when to dial again after a failure: at once (with a little
// jitter, since many links break together) the first time or after news, then
// ever later.
func (p *peer) postpone(cfg PeersConfig, rng *rand.Rand, now time.Time) {
	switch {
	case p.fresh:
		p.redialAt = now
	case p.backoff == 0:
		p.redialAt = now.Add(jitter(rng, cfg.RedialMin))
		p.backoff = cfg.RedialMin
	default:
		half := p.backoff / 2
		p.redialAt = now.Add(half + jitter(rng, p.backoff-half))
		p.backoff = min(2*p.backoff, cfg.RedialMax)
	}
}

// jitter is a random duration in [0, limit).
func jitter(rng *rand.Rand, limit time.Duration) time.Duration {
	if limit <= 0 {
		return 0
	}
	return time.Duration(rng.Int63n(int64(limit)))
}

// dropStale removes endpoints that the tower which told them no longer tells,
// as long as another endpoint remains. What a tower said that is down now
// stands: it cannot repeat it.
func (p *peer) dropStale(towers []towerState, forget time.Duration, now time.Time) {
	fresh := slices.DeleteFunc(slices.Clone(p.endpoints), func(a announcement) bool {
		t := towers[a.tower]
		return t.up && now.Sub(a.seen) >= forget && now.Sub(t.upSince) >= forget
	})
	if len(fresh) > 0 {
		p.endpoints = fresh
	}
}

// dial chooses the endpoint to dial and notes that it is being dialled.
func (p *peer) dial() string {
	addrs := p.addresses()
	i := slices.Index(addrs, p.last)
	switch {
	case p.prefer != "" && slices.Contains(addrs, p.prefer):
		p.last = p.prefer
	case i < 0:
		p.last = addrs[0]
	case !p.again:
		p.last = addrs[(i+1)%len(addrs)]
	}
	p.prefer, p.again, p.fresh, p.dialling = "", false, false, true
	return p.last
}

// addresses are the distinct endpoints, in the order of their towers.
func (p *peer) addresses() []string {
	out := make([]string, 0, len(p.endpoints))
	for _, a := range p.endpoints {
		if !slices.Contains(out, a.endpoint) {
			out = append(out, a.endpoint)
		}
	}
	return out
}

func (p *peer) status() PeerStatus {
	s := PeerStatus{
		UUID:      p.uuid,
		Endpoints: p.addresses(),
		Endpoint:  p.last,
		Linked:    p.linked,
		Wanted:    p.wanted,
		Started:   p.started,
		Seen:      p.seen,
	}
	if p.info != nil {
		info := *p.info
		s.Info = &info
	}
	return s
}
