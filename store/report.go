package store

import (
	"cmp"
	"slices"

	"github.com/beckmesh/beck/internal/blocklog"
	"github.com/beckmesh/beck/protocol"
)

// Tell tells whoever asks what the store has. It runs without the lock.
func (r *role) Tell(to *protocol.Report) {
	s, q := (*Store)(r), to.Query
	if q.Want&protocol.WantCounts != 0 {
		s.tellCounts(to)
	}
	if q.Want&protocol.WantPartitions == 0 {
		return
	}
	after := blocklog.Partition{Topic: q.After.Topic, Producer: q.After.Producer}
	if after.Topic < q.Topic {
		after = blocklog.Partition{Topic: q.Topic}
	}
	for p, state := range r.log.PartitionsAfter(after) {
		if q.Topic != "" && p.Topic != q.Topic {
			break // they are sorted by topic
		}
		if state.Next == 0 {
			continue
		}
		status := s.partition(p, state)
		if q.Want&protocol.WantRanges != 0 {
			s.ranges(p, &status)
		}
		if !to.Add(status) {
			break
		}
	}
}

// partition says what there is of a partition.
func (s *Store) partition(p blocklog.Partition, state blocklog.State) protocol.PartitionStatus {
	kept, further := s.log.Conflicts(p)
	return protocol.PartitionStatus{
		Topic: p.Topic, Producer: p.Producer, Tail: state.Tail, Next: state.Next, Records: state.Records,
		Bytes: state.Content, Last: max(state.Updated, 0), Expired: state.Expired,
		Missing: s.lost(p, state), Conflicts: uint64(len(kept)) + further,
	}
}

// lost returns how many records of a partition are missing, or cannot be read.
func (s *Store) lost(p blocklog.Partition, state blocklog.State) uint64 {
	n := missing(state)
	for _, r := range s.log.Unreadable(p) {
		n += r.Next - r.First
	}
	return n
}

// missing returns how many records a partition lacks that have not expired. Of
// what lies below Expired it cannot be said without reading how much is a hole;
// that nobody waits for it is what counts.
func missing(state blocklog.State) uint64 {
	holes := state.Next - state.Tail - state.Records
	if state.Expired > state.Tail {
		holes -= min(holes, state.Expired-state.Tail)
	}
	return holes
}

// ranges names what is missing and what differs.
func (s *Store) ranges(p blocklog.Partition, status *protocol.PartitionStatus) {
	holes, _ := s.log.Holes(p)
	holes = append(holes, s.log.Unreadable(p)...)
	slices.SortFunc(holes, func(a, b blocklog.Range) int { return cmp.Compare(a.First, b.First) })
	for _, h := range holes {
		if h.Next > status.Expired {
			status.Holes = append(status.Holes, max(h.First, status.Expired), h.Next)
		}
	}
	kept, _ := s.log.Conflicts(p)
	for _, c := range kept {
		status.Marks = append(status.Marks, protocol.Mark{First: c.First, Next: c.Next, With: c.With})
	}
}

// tellCounts tells what Stats counts, and how the disk is.
func (s *Store) tellCounts(to *protocol.Report) {
	st := s.Stats()
	for _, c := range []protocol.Count{
		{Name: "partitions", N: uint64(st.Partitions)}, {Name: "records", N: st.Records}, {Name: "bytes", N: st.Bytes},
		{Name: "committed", N: st.Committed}, {Name: "commits", N: st.Commits}, {Name: "reopened", N: st.Reopened},
		{Name: "duplicates", N: st.Duplicates}, {Name: "no_room", N: st.NoRoom}, {Name: "lost", N: st.Lost},
		{Name: "missing", N: st.Missing}, {Name: "bare", N: st.Bare}, {Name: "filled", N: st.Filled},
		{Name: "conflicts", N: st.Conflicts}, {Name: "trimmed", N: st.Trimmed}, {Name: "queued_bytes", N: uint64(max(st.Queued, 0))},
	} {
		to.Count(c.Name, c.N)
	}
	free, size := s.log.Room()
	to.Disk = &protocol.Disk{Used: st.DiskBytes, Free: free, Size: size, State: s.diskState(st.DiskFull)}
}

func (s *Store) diskState(full bool) protocol.DiskState {
	s.node.Lock()
	defer s.node.Unlock()
	switch {
	case s.err != nil:
		return protocol.DiskFailed
	case s.disk.broken:
		return protocol.DiskBroken
	case full:
		return protocol.DiskFull
	}
	return protocol.DiskWell
}
