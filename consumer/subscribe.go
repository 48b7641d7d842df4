package consumer

import (
	"fmt"
	"slices"

	"github.com/beckmesh/beck/internal/core"
)

// Topics returns the current subscriptions, as Subscribe takes them, sorted.
func (c *Consumer) Topics() []string {
	c.node.Lock()
	defer c.node.Unlock()
	var topics []string
	for _, w := range c.wants.list() {
		topics = append(topics, text(w))
	}
	slices.Sort(topics)
	return topics
}

// Subscribe adds topics and patterns: see Config.Topics. Those that are subscribed
// to already stay as they are. If one is invalid, ErrTopic or ErrPattern, none is
// added.
func (c *Consumer) Subscribe(topics ...string) error {
	wants, err := c.cfg.wants(topics)
	if err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	c.node.Lock()
	defer c.node.Unlock()
	if err := c.gone(); err != nil {
		return err
	}
	fresh := slices.DeleteFunc(wants, func(w core.Want) bool { return !c.wants.add(w) })
	if c.begun { // else they are wanted then
		c.want(fresh)
	}
	return nil
}

// want subscribes to topics, and goes on where they are saved.
func (c *Consumer) want(fresh []core.Want) {
	now := c.node.Now()
	for _, w := range fresh {
		start := c.cfg.Start.start()
		if c.pos != nil && c.pos.knows(w.Name) {
			start = core.Start{Kind: core.StartEarliest}
		}
		c.rx.In.WantFrom(w, start, now)
		for _, p := range c.node.Peers() {
			if p.Dialled != nil {
				(*role)(c).subscribe(p.Dialled, w)
			}
		}
	}
	c.resume(fresh)
	(*role)(c).greetAll()
	c.rx.Act()
}

// Unsubscribe ends topics and patterns, as they were subscribed to. Records of them
// that were received may still be delivered. A topic that is subscribed to again
// starts anew, or at what is saved.
func (c *Consumer) Unsubscribe(topics ...string) error {
	wants, err := c.cfg.wants(topics)
	if err != nil {
		return fmt.Errorf("unsubscribe: %w", err)
	}
	c.node.Lock()
	defer c.node.Unlock()
	if err := c.gone(); err != nil {
		return err
	}
	for _, w := range wants {
		if !c.wants.remove(w) {
			continue
		}
		c.rx.In.Drop(w)
		for _, p := range c.node.Peers() {
			if p.Dialled != nil {
				(*role)(c).unsubscribe(p.Dialled, w)
			}
		}
	}
	c.bounds.forget(c.wants.match)
	c.rx.Act()
	return nil
}
