// Package survey looks at a mesh from outside: which nodes there are, what each of
// them has and counts, how far consumers are.
//
// A survey is a node that towers introduce to all others, an observer. It links to
// them, asks them in rounds, and joins what they say. It receives no records, but
// for the positions that consumers saved if these are wanted. What it knows is a
// [Snapshot]; [Snapshot.Problems] says what of that is not as it should be.
package survey

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/internal/mesh"
	"github.com/beckmesh/beck/protocol"
)

// Config says what a survey looks at.
type Config struct {
	beck.NodeConfig

	// Topic is the topic of which partitions are asked for; "" for all.
	Topic string
	// Partitions asks for partitions; without it, only for nodes.
	Partitions bool
	// Ranges asks also which ranges are missing in stores or differ.
	Ranges bool
	// Readers asks consumers how far they are.
	Readers bool
	// Positions reads the positions that consumers saved.
	Positions bool

	// Patience is how long a node may say nothing until it counts as silent.
	// Default 5 s.
	Patience time.Duration
	// MaxPartitions bounds what is kept: partitions, each as often as nodes tell
	// of it. Default 1 << 20, about 300 MB; further ones are counted.
	MaxPartitions int
}

func (c Config) withDefaults() Config {
	c.NodeConfig = c.NodeConfig.WithDefaults()
	if c.Patience == 0 {
		c.Patience = 5 * time.Second
	}
	if c.MaxPartitions == 0 {
		c.MaxPartitions = 1 << 20
	}
	return c
}

func (c Config) validate() error {
	switch {
	case c.Topic != "" && protocol.ValidTopic(c.Topic) != nil:
		return fmt.Errorf("%w: Topic: %w", beck.ErrConfig, beck.ErrTopic)
	case c.Patience < 100*time.Millisecond || c.Patience > time.Hour:
		return fmt.Errorf("%w: Patience: %v is not between 100ms and 1h", beck.ErrConfig, c.Patience)
	case c.MaxPartitions < 1:
		return fmt.Errorf("%w: MaxPartitions: %d is below 1", beck.ErrConfig, c.MaxPartitions)
	}
	return nil
}

// ErrNoTower says that no tower answers, and that no node is known.
var ErrNoTower = errors.New("no tower answers")

// Survey is an observer of a mesh. Its methods may be called from any goroutine.
type Survey struct {
	cfg     Config
	node    *mesh.Node
	inquiry *core.Inquiry
	facts   *facts
	saved   *saved     // nil unless positions are wanted
	changed *sync.Cond // something was learned
	begun   time.Time
	round   uint64
	kicked  time.Time // when the round began
}

// Start joins the mesh and begins the first round. It fails with beck.ErrConfig
// for a setting out of its bounds, and when it cannot listen.
func Start(c Config) (*Survey, error) {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return nil, err
	}
	s := &Survey{cfg: c, facts: newFacts(c.MaxPartitions)}
	s.inquiry = core.NewInquiry(core.InquiryConfig{GiveUp: c.Patience}, s.question)
	_, err := mesh.Start(mesh.Config{NodeConfig: c.NodeConfig, Role: protocol.RoleObserver}, func(n *mesh.Node) mesh.Role {
		s.node, s.begun = n, n.Now()
		s.changed = sync.NewCond(n.Locker())
		s.begin(s.begun)
		if c.Positions {
			s.saved = newSaved(s)
		}
		return (*role)(s)
	})
	if err != nil {
		return nil, fmt.Errorf("start survey: %w", err)
	}
	return s, nil
}

// Close leaves the mesh.
func (s *Survey) Close() error {
	s.node.Close()
	s.wake()
	return nil
}

// question returns the first question of a round to a node. It needs the lock.
func (s *Survey) question(id string) protocol.Query {
	q := protocol.Query{Want: protocol.WantCounts | protocol.WantLinks, Topic: s.cfg.Topic, Most: protocol.MaxPage}
	p := s.node.Peer(id)
	if s.cfg.Partitions && (s.cfg.Readers || p == nil || p.Role() != protocol.RoleConsumer) {
		q.Want |= protocol.WantPartitions
		if s.cfg.Ranges {
			q.Want |= protocol.WantRanges
		}
	}
	return q
}

// begin begins a round. It needs the lock.
func (s *Survey) begin(now time.Time) {
	s.round++
	s.facts.begin()
	s.kicked = now
	s.inquiry.Begin(now)
}

// Round asks every node again, and waits as Wait does. It is the time between two
// rounds that rates are taken over.
func (s *Survey) Round(ctx context.Context) error {
	s.node.Lock()
	s.begin(s.node.Now())
	(*role)(s).act()
	s.node.Unlock()
	return s.Wait(ctx)
}

// Wait waits until the round is over: every tower has named its nodes, or cannot
// be reached, and every node has answered, or is silent. It fails with
// [ErrNoTower] when there is nothing to ask, beck.ErrClosed, or the error of ctx.
func (s *Survey) Wait(ctx context.Context) error {
	defer context.AfterFunc(ctx, s.wake)()
	s.node.Lock()
	defer s.node.Unlock()
	for {
		switch {
		case s.node.Closed():
			return fmt.Errorf("survey: %w", beck.ErrClosed)
		case s.over():
			if s.node.TowersUp() == 0 && len(s.node.Known()) == 0 {
				return ErrNoTower
			}
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		}
		s.changed.Wait()
	}
}

// over reports whether the round is over. It needs the lock.
func (s *Survey) over() bool {
	now := s.node.Now()
	if !s.node.Introduced(now) || !s.inquiry.Done() {
		return false
	}
	return s.saved == nil || s.saved.complete(now) || now.Sub(s.kicked) >= s.cfg.Patience
}

func (s *Survey) wake() {
	s.node.Lock()
	defer s.node.Unlock()
	s.changed.Broadcast()
}
