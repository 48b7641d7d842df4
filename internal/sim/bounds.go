package sim

import (
	"time"

	"github.com/beckmesh/beck/internal/mesh"
)

const (
	watchEvery = 500 * time.Millisecond
	// readSlack is what one read may bring beyond a full queue.
	readSlack = 64 << 10
	// controlBound is far more control messages than a link of so small a mesh
	// has to wait for.
	controlBound = 256 << 10
)

// watch looks now and then at what must hold always: heads that do not go back,
// queues within their bounds.
func (h *history) watch() {
	for _, b := range h.stores {
		b.ended()
		if b.store != nil {
			b.checkHeads()
			h.bound(&b.frame, "records to write", b.store.Stats().Queued, storeQueue+readSlack)
		}
	}
	for _, b := range h.producers {
		if b.host != nil {
			n := b.node()
			h.bound(&b.frame, "window", n.Used, b.window)
			if n.Skipped > 0 && b.overtaken != b.host {
				b.overtaken = b.host
				h.Faults["link overtaken by its window"]++
			}
		}
	}
	for _, b := range h.consumers {
		if b.host != nil {
			h.bound(&b.frame, "queue", b.consumer.Stats().Queued, b.queue+readSlack)
		}
	}
	for _, host := range h.hosts {
		if n, ok := host.node.(*mesh.Node); ok {
			n.Lock()
			control := n.Stats().Control
			n.Unlock()
			h.bound(&frame{m: host.machine}, "control messages of a link", int64(control), controlBound)
		}
	}
	h.after(watchEvery, h.watch)
}

func (h *history) bound(b *frame, what string, is, most int64) {
	if is > most {
		h.failf("%s: %s: %d bytes, at most %d", b.m.name, what, is, most)
	}
}

// node returns what a producer's node counts.
func (b *producerBox) node() mesh.Stats {
	n := b.host.node.(*mesh.Node)
	n.Lock()
	defer n.Unlock()
	return n.Stats()
}
