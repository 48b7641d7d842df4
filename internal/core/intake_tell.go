package core

import "slices"

// Progress is how far an intake has come with a partition.
type Progress struct {
	Partition Partition
	From      uint64 // where it began
	Next      uint64 // what it delivers next
	End       uint64 // behind the last record that it may deliver, as far as it knows
	Stalled   Range  // what nobody serves now; empty: nothing
}

// ProgressAfter returns, in order, the first most partitions behind p, of a topic
// or, with "", of all. Partitions whose beginning is not decided are left out.
func (in *Intake) ProgressAfter(p Partition, topic string, most int) []Progress {
	var found []*part
	behind := func(a, b *part) int { return a.Compare(b.Partition) }
	for _, q := range in.parts {
		if !q.settled || topic != "" && q.Topic != topic || q.Compare(p) <= 0 {
			continue
		}
		if found = append(found, q); len(found) >= 2*most { // keeps no more than are wanted
			slices.SortFunc(found, behind)
			found = found[:most]
		}
	}
	slices.SortFunc(found, behind)
	out := make([]Progress, 0, min(most, len(found)))
	for _, q := range found[:min(most, len(found))] {
		out = append(out, Progress{
			Partition: q.Partition, From: q.from, Next: q.next, End: max(q.next, min(q.head, q.bound)), Stalled: q.stalledAt(),
		})
	}
	return out
}
