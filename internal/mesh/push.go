package mesh

import (
	"time"

	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/internal/planted"
)

// pushEvery is how often, on one link, a caller of Publish writes by itself.
// Above that rate the writer is awake anyway, and gathers. It is about twice what
// a write takes: a producer of some 10,000 records a second wakes no writer.
const pushEvery = 25 * time.Microsecond

// push brings a log's new records to the links that follow it. On a link that
// has been idle, the caller writes them itself, without waiting: that saves
// waking the writer, which takes longer than the write. It needs the lock,
// which it gives up while it writes.
func (n *Node) push(log *core.Log) {
	var idle [maxPushes]*link
	pushes := 0
	for _, a := range n.accepted {
		l := a.link
		if !l.outlet.Wake(log) || l.writing || l.closed {
			continue
		}
		if pushes < maxPushes {
			if now := n.driver.Now(); now.Sub(l.lastPush) >= pushEvery {
				l.lastPush = now
				l.writing = true
				idle[pushes] = l
				pushes++
				continue
			}
		}
		l.cond.Signal()
	}
	for _, l := range idle[:pushes] {
		l.pushNow()
	}
}

// maxPushes is on how many links a caller of Publish writes by itself.
const maxPushes = 2

// pushNow writes what is pending without waiting, and leaves the rest to the
// writer. It needs the lock and l.writing set.
func (l *link) pushNow() {
	w := &l.node.pushing
	if l.node.pushBusy {
		l.writing = false
		l.cond.Signal()
		return
	}
	l.node.pushBusy = true
	w.gather(l)
	if w.job != nil { // an answer may read a disk: not for a caller of Publish
		l.outlet.Served(w.job, false)
		w.job = nil
	}
	l.node.mu.Unlock()
	n, err := tryWriteAll(l, w)
	l.node.mu.Lock()
	l.node.sums.wrote(n)
	if n < len(w.buf) && !planted.Is(planted.RestForgotten) {
		l.rest = append(l.rest, w.buf[n:]...)
		n = len(w.buf)
	}
	if w.slice != nil {
		l.rest = append(l.rest, w.slice[n-len(w.buf):]...)
	}
	w.release(l)
	l.node.pushBusy = false
	l.writing = false
	if err != nil {
		l.close(err)
	}
	if l.pending() || l.ending {
		l.cond.Signal()
		return
	}
	l.node.idle.Broadcast()
}

// tryWriteAll writes the buffer, then the slice, as far as the socket takes them.
func tryWriteAll(l *link, w *writing) (int, error) {
	n, err := l.direct.Write(w.buf)
	if err != nil || n < len(w.buf) || w.slice == nil {
		return n, err
	}
	m, err := l.direct.Write(w.slice)
	return n + m, err
}

// A tryWriter is a connection that can write without waiting by itself.
type tryWriter interface {
	TryWrite(b []byte) (n int, err error)
}
