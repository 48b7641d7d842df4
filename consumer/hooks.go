package consumer

import (
	"maps"
	"slices"

	"github.com/beckmesh/beck/internal/core"
)

// Drop is what was received of a partition and not kept: there was no room for it
// in the queue, or the partition is paused. It is fetched when there is.
type Drop struct {
	Topic, Partition string
	Records          uint64
}

// Report tells the log and the application's hook.
func (r *role) Report(g core.Report) {
	gap := Gap{
		Kind: GapKind(g.Kind.String()), Topic: g.Partition.Topic, Partition: g.Partition.Producer,
		First: g.Range.First, Last: max(g.Range.End, g.Range.First+1) - 1,
	}
	r.node.Logger().Warn("gap", "kind", string(gap.Kind), "topic", gap.Topic, "partition", gap.Partition, "first", gap.First, "last", gap.Last)
	if g.Kind == core.Expired || g.Kind == core.Skipped {
		r.gaps[g.Kind] += g.Range.Len()
	}
	if f := r.cfg.OnGap; f != nil {
		r.node.Hook(func() { f(gap) })
	}
}

// dropped has OnDrop called, if there is one. It needs the lock.
func (c *Consumer) dropped(p core.Partition, records uint64) {
	if records == 0 || c.cfg.OnDrop == nil {
		return
	}
	if c.drops == nil {
		c.drops = make(map[core.Partition]uint64)
		c.node.HookSum(c.tellDrops)
	}
	c.drops[p] += records
}

func (c *Consumer) tellDrops() {
	c.node.Lock()
	drops := c.drops
	c.drops = nil
	c.node.Unlock()
	for _, p := range slices.SortedFunc(maps.Keys(drops), core.Partition.Compare) {
		c.cfg.OnDrop(Drop{p.Topic, p.Producer, drops[p]})
	}
}
