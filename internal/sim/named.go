package sim

import (
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/consumer"
	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/internal/positions"
)

// named is a consumer that saves its positions, through all its lives.
type named struct {
	world  *World
	name   string
	fs     *vfs.MemFS // for a file; nil: the stores keep them
	acks   int
	strict bool // whatever was saved is there again, as long as no store is wiped, and all are ours
	floor  map[core.Partition]uint64
	tried  map[core.Partition]uint64 // what was committed, whether or not that was known to be saved
}

// nameSome gives some consumers a name, and has some wait for the stores.
func (b *consumerBox) nameSome(stores int) {
	w := b.world
	if b.atEnd || b.latest {
		return
	}
	b.stored = w.chance(0.4)
	if !w.chance(0.5) {
		return
	}
	b.named = &named{
		world: w, name: fmt.Sprintf("%s-%d", b.m.name, w.serial), floor: make(map[core.Partition]uint64), tried: make(map[core.Partition]uint64),
		acks: 1 + w.rng.Intn(stores),
	}
	b.named.strict = b.named.acks == stores
	if w.chance(0.4) {
		b.named.fs, b.named.strict = vfs.NewCrashableMem(), true
	}
}

// configure sets up the next life.
func (n *named) configure(c *consumer.Config, h *host) {
	c.SaveAs, c.MinStoreAcks, c.StartTimeout = n.name, n.acks, 24*time.Hour
	if n.fs != nil {
		c.PositionsFile = "positions"
		h.positions = n.fs
	}
}

// PositionsDisk gives a consumer its disk.
func (h *host) PositionsDisk() positions.FS { return h.positions }

// resume tells a reader what the life may begin with: nothing that is known to be
// saved comes again, and what was not committed comes.
func (n *named) resume(r *reader, c *consumer.Consumer) {
	r.saved = func(p core.Partition) uint64 {
		next, _ := c.Committed(p.Topic, p.Producer)
		return next
	}
	r.tried = n.tried
	if n.fs != nil || n.strict && n.world.lost == 0 && len(n.world.cStores) == 0 {
		r.floor = n.floor
	}
}

// commit commits, now and then, what the reader was given.
func (n *named) commit(r *reader, c *consumer.Consumer) {
	w := n.world
	if w.chance(0.3) {
		if err := c.Commit(never); err != nil && !errors.Is(err, never.Err()) && !errors.Is(err, beck.ErrNameInUse) {
			w.failf("%s: commit: %v", n.name, err)
		}
		for p, next := range r.next {
			n.tried[p] = max(n.tried[p], next)
		}
	}
	for p := range n.tried {
		saved, _ := c.Committed(p.Topic, p.Producer)
		if saved > n.tried[p] {
			w.failf("%s has saved %d of %v, committed were %d", n.name, saved, p, n.tried[p])
		}
		n.floor[p] = max(n.floor[p], saved)
	}
}

// crash forgets what the disk had not synced.
func (n *named) crash() {
	w := n.world
	w.Faults["consumer crash with a name"]++
	if n.fs != nil {
		n.fs = w.crashed(n.fs, pick(w, []int{0, 0, 50, 100}))
	}
}

// lostName takes a consumer that was told that its name is in use: a rival that
// was dead looked alive for too long. Whoever runs it starts it again.
func (b *consumerBox) lostName() {
	w := b.world
	w.Faults["name in use"]++
	b.crash()
	w.after(time.Second, func() {
		if b.host == nil && w.failed == nil {
			b.start()
		}
	})
}

// begins returns the offset with which a life of a name may begin in a partition,
// given that it begins with offset.
func (r *reader) begins(p core.Partition, offset uint64) uint64 {
	return max(min(offset, r.tried[p]), r.floor[p])
}
