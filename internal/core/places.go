package core

import (
	"slices"
	"time"
)

// places knows which peer announced an endpoint last. A port that one node gave
// up is soon another's, and redialling the first would reach the second: links
// that are the same node under two names, whose acknowledgements would count
// twice.
type places map[string]*place

// place is one endpoint.
type place struct {
	holder *peer // announced it last
	before *peer // announced it before that, until it is known to be gone
}

// occupy notes that p announced an endpoint. It returns the peer that is gone
// from there but still has a link, or a dial, by that endpoint.
func (pl places) occupy(p *peer, endpoint string, silent time.Duration, now time.Time) (gone *peer) {
	at := pl[endpoint]
	if at == nil {
		at = &place{holder: p}
		pl[endpoint] = at
	}
	if at.holder != p {
		at.holder, at.before = p, at.holder
	}
	pl.vacate(p, p.addresses())
	if !slices.Contains(p.held, endpoint) {
		p.held = append(p.held, endpoint)
	}
	if at.before == nil || now.Sub(at.before.seen) < silent {
		return nil // both may be alive, and one of them mistaken
	}
	gone, at.before = at.before, nil
	if gone.last != endpoint || (!gone.linked && !gone.dialling) {
		return nil
	}
	return gone
}

// vacate forgets what p held, except the endpoints that it keeps.
func (pl places) vacate(p *peer, keep []string) {
	p.held = slices.DeleteFunc(p.held, func(endpoint string) bool {
		if slices.Contains(keep, endpoint) {
			return false
		}
		if at := pl[endpoint]; at != nil && at.holder == p {
			delete(pl, endpoint)
		} else if at != nil && at.before == p {
			at.before = nil
		}
		return true
	})
}

// taken reports whether others were the last to announce all endpoints of p.
func (pl places) taken(p *peer) bool {
	return !slices.ContainsFunc(p.endpoints, func(a announcement) bool {
		at := pl[a.endpoint]
		return at == nil || at.holder == p
	})
}
