package consumer

import (
	"fmt"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/protocol"
)

// Pause has nothing more delivered of a topic or pattern, as Config.Topics has
// them, or of those of its partitions that are named by their producers' addresses.
// It holds for partitions that are still to come, too, also to a loop over Records
// that is under way; of several calls the last one that concerns a partition
// counts. Nothing is received of a paused partition but how far it goes: what was
// received and not yet delivered is let go and fetched again after Resume, if it is
// kept until then. With StopAtEnd the end waits for what is paused.
//
// ErrNotSubscribed: nothing of it is received.
func (c *Consumer) Pause(topic string, partitions ...string) error {
	return c.pause("pause", topic, partitions, c.pauseNow)
}

// Resume undoes Pause.
func (c *Consumer) Resume(topic string, partitions ...string) error {
	return c.pause("resume", topic, partitions, func(s core.Selection) { c.rx.In.Unpause(s, c.node.Now()) })
}

func (c *Consumer) pause(verb, topic string, partitions []string, do func(core.Selection)) error {
	w, err := c.cfg.want(topic)
	if err != nil {
		return fmt.Errorf("%s: %w", verb, err)
	}
	for _, p := range partitions {
		if err := protocol.ValidAddress(p); err != nil {
			return fmt.Errorf("%s %s: partition %q: %w: %w", verb, topic, p, beck.ErrPosition, err)
		}
	}
	if len(partitions) == 0 {
		partitions = []string{""}
	}
	c.node.Lock()
	defer c.node.Unlock()
	if err := c.gone(); err != nil {
		return err
	}
	if !c.wants.touch(w) {
		return fmt.Errorf("%s %s: %w", verb, topic, beck.ErrNotSubscribed)
	}
	for _, p := range partitions {
		do(core.Selection{Want: w, Producer: p})
	}
	c.rx.Act()
	return nil
}

// pauseNow lets go what waits for the application, and begins there again some time.
func (c *Consumer) pauseNow(s core.Selection) {
	c.cuts.make(s, false)
	c.rx.In.Pause(s, c.node.Now())
	for _, p := range sorted(c.withdraw(s)) {
		c.rx.In.Seek(core.Partition{Topic: p.Topic, Producer: p.Producer}, p.Next, c.node.Now())
	}
}
