package consumer

import (
	"errors"
	"fmt"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/internal/mesh"
	"github.com/beckmesh/beck/protocol"
)

const (
	answerTimeout = 5 * time.Second        // for a store that was announced
	foreignWait   = 500 * time.Millisecond // for a foreign node that answers nothing
	startEvery    = 10 * time.Millisecond  // between looks at what is still missing
)

// start is the time until everything known at the start has been asked.
type start struct {
	ready bool
	done  chan struct{}
	begun time.Time
	err   error
	since map[string]time.Time      // when each node was first seen
	ends  map[core.Partition]uint64 // what was known when it was ready
	left  map[core.Partition]bool   // of these, what is still to be delivered

	missing string // what the saved positions wait for
}

func newStart() start {
	return start{done: make(chan struct{}), since: make(map[string]time.Time)}
}

// asked notes that the topics are asked for from now on.
func (s *start) asked() { clear(s.since) }

// end ends the start, well or with an error.
func (s *start) end(err error) {
	if !s.ready {
		s.ready, s.err = true, err
		close(s.done)
	}
}

// reached reports whether everything known at the start has been delivered.
func (s *start) reached(in *core.Intake) bool {
	for p := range s.left {
		if next, settled := in.Next(p); settled && next < s.ends[p] {
			return false
		}
		delete(s.left, p)
	}
	return true
}

// again notes that a partition was sought elsewhere.
func (s *start) again(p core.Partition) {
	if _, known := s.ends[p]; known {
		s.left[p] = true
	}
}

// check looks whether the start is over, and returns when to look again.
func (s *start) check(c *Consumer, now time.Time) time.Time {
	n, in := c.node, c.rx.In
	if s.ready {
		return time.Time{}
	}
	again := now.Add(startEvery)
	if !n.Introduced(now) || (n.TowersUp() == 0 && len(n.Peers()) == 0) {
		return again
	}
	for _, p := range n.Peers() {
		if !p.Announced || !n.Wanted(p.UUID) {
			continue
		}
		answered, err := s.answered(p, in, now)
		if err != nil && s.err == nil {
			s.err = err
		}
		if !answered && err == nil {
			return again
		}
	}
	if c.bounds.start > 0 {
		if c.lookup == nil {
			c.lookUp(c.bounds.start, c.wants.list())
		}
		if c.lookedUp(now); !c.lookup.done {
			return again
		}
		s.err = errors.Join(s.err, c.lookup.err)
		c.endLookUp()
	}
	in.SetReady(now)
	s.ends, s.left = in.Heads(), make(map[core.Partition]bool)
	for p := range s.ends {
		s.left[p] = true
	}
	s.end(s.err)
	return time.Time{}
}

// answered reports whether a node has told what it has, or will not. A store
// that was announced but does not answer is an error.
func (s *start) answered(p *mesh.Peer, in *core.Intake, now time.Time) (bool, error) {
	since, seen := s.since[p.UUID]
	if !seen {
		since = now
		s.since[p.UUID] = now
	}
	store := p.Role() == protocol.RoleStore
	_, source := p.Source()
	switch {
	case source && in.Listed(p.UUID, now):
		return true, nil
	case p.Dialled == nil && p.Failures > 0 && !store && !p.Foreign():
		return true, nil // a producer that left
	case p.Dialled != nil && p.Role() == "" && (p.Foreign() || p.Accepted != nil) && !source && now.Sub(p.Since) >= foreignWait:
		return true, nil // it serves nothing; behind a foreign tower ours tell no role either
	case now.Sub(since) < answerTimeout:
		return false, nil
	case store:
		return false, fmt.Errorf("consumer: store %s: %w", p.UUID, beck.ErrUnanswered)
	}
	return true, nil
}
