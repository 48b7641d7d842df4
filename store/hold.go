package store

import (
	"time"

	"github.com/beckmesh/beck/protocol"
)

// A store that comes back after longer than tombstones are kept may have missed
// that something was purged. It serves nothing until the other stores have told
// what they have, and what they purged with it; then it purges the same.

// holdAtMost is how long a store that was away for long waits for the others.
const holdAtMost = 10 * time.Second

// hold is what waits meanwhile. The node's lock guards it.
type hold struct {
	until   time.Time // zero: nothing is held back
	waiting []func()
}

// maxWaiting bounds the requests held back; who asked further ones asks again.
const maxWaiting = 1 << 12

// wasAway decides whether to hold back, given when the store was last written to.
func (s *Store) wasAway(last, now time.Time) {
	if away := now.Sub(last); !last.IsZero() && away >= s.cfg.TombstoneAge {
		s.hold.until = now.Add(holdAtMost)
		s.node.Logger().Info("away for longer than deletions are remembered: waiting for the other stores before serving",
			"away", away.Round(time.Second), "at most", holdAtMost)
	}
}

// holding reports whether something is to be served later, and if so calls serve
// then. It needs the lock.
func (s *Store) holding(serve func()) bool {
	if s.hold.until.IsZero() {
		return false
	}
	if len(s.hold.waiting) < maxWaiting {
		s.hold.waiting = append(s.hold.waiting, serve)
	}
	return true
}

// tickHold serves what waited when the time has come. It returns when to look
// again, zero for never. It needs the lock.
func (s *Store) tickHold(now time.Time) time.Time {
	if s.hold.until.IsZero() {
		return time.Time{}
	}
	if now.Before(s.hold.until) && !s.heardAll(now) {
		return now.Add(100 * time.Millisecond)
	}
	waiting := s.hold.waiting
	s.hold = hold{}
	for _, serve := range waiting {
		serve()
	}
	return time.Time{}
}

// heardAll reports whether every store that is there has told what it has, and
// what is to be purged of it is purged.
func (s *Store) heardAll(now time.Time) bool {
	if !s.node.Introduced(now) || len(s.upkeep.purges) > 0 || s.upkeep.purging {
		return false
	}
	for _, p := range s.node.Peers() {
		if p.Announced && p.Role() == protocol.RoleStore && !s.rx.In.Listed(p.UUID, now) {
			return false
		}
	}
	return true
}
