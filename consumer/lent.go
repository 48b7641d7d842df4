package consumer

import "github.com/beckmesh/beck/internal/mesh"

// loan is records of a run whose values the application has.
type loan struct {
	run     *mesh.Run
	records int
}

// lend notes, with ReuseValues, that records of a run are handed over.
func (c *Consumer) lend(run *mesh.Run, records int) {
	if c.cfg.ReuseValues {
		c.lent = append(c.lent, loan{run, records})
	}
}

// takeBack gives up the memory of what was handed over before. While a loop has
// records in hand, which its body did not wait for to ask for more, that is left to
// the garbage collector.
func (c *Consumer) takeBack() {
	if c.cuts.hands.Load() == 0 {
		for _, l := range c.lent {
			l.run.Release(l.records)
		}
	}
	clear(c.lent)
	c.lent = c.lent[:0]
}
