package mesh

import (
	"net"
	"sync"
	"time"

	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/internal/zmtp"
)

// link is one connection with a writer of its own. Its outlet decides what the
// writer sends; the node's lock guards it.
type link struct {
	node   *Node
	conn   net.Conn
	direct *noWait // of whoever set writing
	outlet *core.Outlet

	control []byte // messages queued, counted by the outlet
	rest    []byte // of a write that was cut short
	cond    *sync.Cond
	writing bool // somebody is writing: the writer, or a caller of Publish
	ending  bool // close for writing when nothing is pending
	closed  bool
	why     error
	onEnd   func(error) // called once, with the lock held
	peer    string      // the UUID of who dialled, once it is known

	w        writing // the writer's
	lastPush time.Time
	faults   int    // malformed messages
	received uint64 // bytes that were counted
	skipped  uint64 // records of which Config.OnSkip was told
}

func newLink(n *Node, conn net.Conn) *link {
	return &link{node: n, conn: conn, direct: newNoWait(conn), outlet: core.NewOutlet(n.cfg.Outlet), cond: sync.NewCond(&n.mu)}
}

// send queues a control message, whole. It needs the lock.
func (l *link) send(frames ...[]byte) {
	before := len(l.control)
	l.control = zmtp.AppendMessage(l.control, frames...)
	l.queued(len(l.control) - before)
}

func (l *link) queued(size int) {
	if l.closed {
		return
	}
	if !l.outlet.Control(size) {
		l.close(errOverflow)
		return
	}
	l.wakeWriter()
}

func (l *link) wakeWriter() {
	if !l.writing {
		l.cond.Signal()
	}
}

// close ends the link. It needs the lock; the goroutines end by themselves.
func (l *link) close(why error) {
	if l.closed {
		return
	}
	l.closed, l.why = true, why
	l.conn.Close()
	l.cond.Broadcast()
	if l.onEnd != nil {
		l.onEnd(why)
	}
}

// end closes the link for writing when everything queued has been written.
func (l *link) end() {
	l.ending = true
	l.cond.Broadcast()
}

// pending reports whether there is something to write.
func (l *link) pending() bool { return len(l.rest) > 0 || l.outlet.Pending() }

// fault counts a malformed message, and closes the link after many.
func (l *link) fault(err error) {
	l.node.malformed.count(err)
	if l.faults++; l.faults >= maxFaults {
		l.close(errMalformed)
	}
}

// writeOnce is the writer: it waits until there is something to send, and
// writes once. It returns false when the link has ended.
func (l *link) writeOnce() bool {
	n := l.node
	n.mu.Lock()
	defer n.mu.Unlock()
	if !l.awaitWork() {
		if !l.closed {
			closeWrite(l.conn)
		}
		return false
	}
	w := &l.w
	l.writing = true
	w.gather(l)
	l.tellSkipped()
	n.mu.Unlock()
	bytes, err := w.flush(l)
	n.mu.Lock()
	n.sums.wrote(bytes)
	w.release(l)
	l.writing = false
	if err != nil {
		l.close(err)
	}
	if !l.pending() {
		n.idle.Broadcast()
	}
	return true
}

// tellSkipped tells of records that the link will not have.
func (l *link) tellSkipped() {
	if skipped := l.outlet.Skipped; skipped > l.skipped && l.node.cfg.OnSkip != nil {
		l.node.cfg.OnSkip(l.peer, skipped-l.skipped)
		l.skipped = skipped
	}
}

// awaitsNothing reports whether writeOnce would not wait. It takes the lock.
func (l *link) awaitsNothing() bool {
	l.node.mu.Lock()
	defer l.node.mu.Unlock()
	return l.closed || l.ending || (!l.writing && l.pending())
}

// awaitWork sleeps until there is something to write, and returns false when
// there never will be.
func (l *link) awaitWork() bool {
	for !l.closed && (l.writing || !l.pending()) {
		if l.ending && !l.writing {
			return false
		}
		l.cond.Wait()
	}
	return !l.closed
}

// closeWrite tells the peer that nothing follows.
func closeWrite(c net.Conn) {
	if tcp, ok := c.(interface{ CloseWrite() error }); ok {
		tcp.CloseWrite()
		return
	}
	c.Close()
}
