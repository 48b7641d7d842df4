package mesh

import (
	"net"

	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/internal/zmtp"
	"github.com/beckmesh/beck/protocol"
)

const (
	writeBytes = 256 << 10 // about what goes out in one write
	copyBytes  = 32 << 10  // a slice up to this size is copied, to share a write with others
)

// writing is one write of a link: messages gathered into a buffer, then at most
// one large slice of a chunk, or one step of a job.
type writing struct {
	buf   []byte
	slice []byte
	pin   *core.Chunk
	job   *core.Job
	step  Step
	bytes int // of buf that step added
	vec   [2][]byte
}

// gather takes what the outlet wants sent next. It needs the lock.
func (w *writing) gather(l *link) {
	w.buf, w.slice = w.buf[:0], nil
	if len(l.rest) > 0 {
		w.buf = append(w.buf, l.rest...)
		l.rest = l.rest[:0]
	}
	for len(w.buf) < writeBytes {
		item := l.outlet.Next()
		switch item.Kind {
		case core.ItemNone:
			return
		case core.ItemControl:
			w.buf = append(w.buf, l.control...)
			l.control = l.control[:0]
		case core.ItemHead:
			w.buf = l.node.appendHead(w.buf, item.Log, item.Head)
		case core.ItemSlice:
			bytes := item.Slice.Chunk.Data.([]byte)[item.Slice.From:item.Slice.To]
			if len(bytes) <= copyBytes {
				w.buf = append(w.buf, bytes...)
				continue
			}
			w.slice, w.pin = bytes, item.Slice.Chunk
			l.node.window.Pin(w.pin)
			return
		case core.ItemJob:
			w.job, w.step = item.Job, Step{Job: *item.Job}
			return
		}
	}
}

// flush writes, without the lock, and returns how many bytes it wrote.
func (w *writing) flush(l *link) (int, error) {
	if w.job != nil {
		before := len(w.buf)
		w.buf = l.node.serve(&w.step, w.buf, max(writeBytes-len(w.buf), copyBytes))
		w.bytes = len(w.buf) - before
	}
	if w.slice == nil {
		return l.conn.Write(w.buf)
	}
	if len(w.buf) == 0 {
		return l.conn.Write(w.slice)
	}
	w.vec = [2][]byte{w.buf, w.slice}
	vec := net.Buffers(w.vec[:])
	n, err := vec.WriteTo(l.conn)
	return int(n), err
}

// release gives back what the write used. It needs the lock.
func (w *writing) release(l *link) {
	if w.pin != nil {
		l.node.unpin(w.pin)
		w.pin, w.slice, w.vec = nil, nil, [2][]byte{}
	}
	if w.job != nil {
		w.finishStep(l)
	}
	if cap(w.buf) > 4*writeBytes {
		w.buf = nil
	}
}

func (w *writing) finishStep(l *link) {
	j, s := w.job, &w.step
	w.job = nil
	if j.Kind == core.JobRecords && s.Range.First > j.Range.First {
		l.node.sums.served.Add(j.Partition.Topic, s.Range.First-j.Range.First, uint64(w.bytes))
	}
	j.Range.First = s.Range.First
	j.After, j.Started = s.After, s.Started
	finished := s.Done || (j.Kind == core.JobRecords && j.Range.First >= j.Range.End)
	l.outlet.Served(j, finished)
}

// appendHead appends the HEAD of a log, and where what we can serve begins.
func (n *Node) appendHead(dst []byte, log *core.Log, seq uint64) []byte {
	f := protocol.AppendHead(n.scratch[:0], log.Topic, n.cfg.UUID, seq)
	n.scratch = n.tail(log).Append(f)
	return zmtp.AppendMessage(dst, n.scratch)
}
