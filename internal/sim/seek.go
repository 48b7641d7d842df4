package sim

import (
	"errors"
	"maps"
	"slices"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/core"
)

// seekConsumer has a consumer read something once more.
func (h *history) seekConsumer() bool {
	b := pick(h.World, h.consumers)
	p, ok := b.somePartition()
	if !ok || b.named != nil || h.lost > 0 || h.model.part(p).foreign {
		return false // what was read may be nowhere any more
	}
	to := uint64(h.rng.Int63n(int64(b.reader.next[p]) + 1))
	if err := b.consumer.Seek(beck.Offset{Topic: p.Topic, Partition: p.Producer, Offset: to}); err != nil {
		h.failf("%s: %v", b.m.name, err)
	}
	h.tracef("%s seeks %v@%d", b.m.name, p, to)
	b.reader.next[p] = to
	return true
}

// pauseConsumer has a consumer pause a partition, or go on with all that it has
// paused.
func (h *history) pauseConsumer() bool {
	b := pick(h.World, h.consumers)
	p, ok := b.somePartition()
	if !ok {
		return false
	}
	if len(b.paused) > 1 {
		b.resumeAll()
		return false
	}
	if err := b.consumer.Pause(p.Topic, p.Producer); err != nil {
		h.failf("%s: %v", b.m.name, err)
	}
	h.tracef("%s pauses %v", b.m.name, p)
	b.paused[p] = true
	return true
}

// somePartition returns one of which the consumer has read something.
func (b *consumerBox) somePartition() (p core.Partition, ok bool) {
	if b.host == nil || b.host.stopped || b.ended || len(b.reader.next) == 0 {
		return p, false
	}
	return pick(b.world, slices.SortedFunc(maps.Keys(b.reader.next), core.Partition.Compare)), true
}

func (b *consumerBox) resumeAll() {
	if b.consumer == nil {
		return
	}
	b.world.tracef("%s resumes %d partitions", b.m.name, len(b.paused))
	clear(b.paused)
	for _, topic := range b.topics {
		if err := b.consumer.Resume(topic); err != nil && !errors.Is(err, beck.ErrNameInUse) {
			b.world.failf("%s: %v", b.m.name, err)
		}
	}
}
