package consumer

import (
	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/protocol"
)

// Tell tells whoever asks how far the consumer is. It runs without the lock.
func (r *role) Tell(to *protocol.Report) {
	q := to.Query
	if q.Want&protocol.WantCounts != 0 {
		st := (*Consumer)(r).Stats()
		to.Count("delivered", st.Delivered)
		to.Count("queued_bytes", uint64(max(st.Queued, 0)))
		to.Count("duplicates", st.Duplicates)
		to.Count("no_room", st.NoRoom)
		to.Count("fetches", st.Fetches)
	}
	if q.Want&protocol.WantPartitions == 0 {
		return
	}
	r.node.Lock()
	defer r.node.Unlock()
	after := core.Partition{Topic: q.After.Topic, Producer: q.After.Producer}
	for _, p := range r.rx.In.ProgressAfter(after, q.Topic, q.Most+1) {
		status := protocol.PartitionStatus{
			Topic: p.Partition.Topic, Producer: p.Partition.Producer, Tail: p.Next, Next: p.Next, Pending: p.End - p.Next,
		}
		if p.Stalled.First < p.Stalled.End {
			status.Missing = p.Stalled.Len()
			status.Holes = []uint64{p.Stalled.First, p.Stalled.End}
		}
		if !to.Add(status) {
			return
		}
	}
}
