package mesh

import (
	"time"

	"github.com/beckmesh/beck/internal/core"
)

// Role is what a node does besides moving bytes: produce, consume or store. All
// methods but Serve are called with the node's lock held and must not block.
type Role interface {
	// Dialled is told of each new dialled link, to subscribe on it.
	Dialled(d *Dialled)
	// PeerChanged is told when a peer's links came or went, or its
	// subscriptions changed what it can be asked.
	PeerChanged(p *Peer, now time.Time)
	// Subscribed is told of each prefix that a peer newly subscribed to.
	Subscribed(a *Accepted, prefix string, now time.Time)
	// Receive takes what one read of a dialled link brought. The batch is the
	// link's own and is used again, unless kept is returned: then the runs and
	// the bytes of their records are the role's for ever.
	Receive(d *Dialled, b *Batch, now time.Time) (kept bool)
	// Tick does what is due and returns when it wants to be called again; zero
	// for never.
	Tick(now time.Time) time.Time
	// Serve does the next step of an answer, without the lock: it appends wire
	// messages to dst, about limit bytes of them, and says how far it got.
	Serve(s *Step, dst []byte, limit int) []byte
}

// Step is one step of a job. Serve advances it.
type Step struct {
	core.Job      // as it was when the step began
	Done     bool // set by Serve: nothing is left to send
}
