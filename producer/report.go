package producer

import "github.com/beckmesh/beck/protocol"

// Tell tells whoever asks what the producer has. It runs without the lock.
func (r *role) Tell(to *protocol.Report) {
	if to.Query.Want&protocol.WantCounts != 0 {
		st := (*Producer)(r).Stats()
		to.Count("published", st.Published)
		to.Count("recovered", st.Recovered)
		to.Count("stored", st.Stored)
		to.Count("unstored", st.Unstored)
		to.Count("stores", uint64(st.Stores))
		to.Count("window_bytes", uint64(max(st.WindowBytes, 0)))
		to.Count("window_size", uint64(r.cfg.WindowBytes))
		to.Count("store_acks", uint64(r.cfg.MinStoreAcks))
	}
	if to.Query.Want&protocol.WantPartitions != 0 {
		r.node.TellWindow(to)
	}
}
