package core

// A partition that is received from its first record on is settled when it is
// made. For the others, the first word that counts decides: the producer's own
// head, as it answers our subscription; or its first live record. What stores
// say of it is only a lower bound, until they say more after the intake is
// ready.

// young reports whether a producer started after we subscribed to the topic:
// then all its records are new.
func (in *Intake) young(p Partition) bool {
	t, started := in.topics[p.Topic], in.started[p.Producer]
	if t != nil && t.empty[p.Producer] {
		return true
	}
	return t != nil && !started.IsZero() && started.After(t.since)
}

func (q *part) settle(next uint64) {
	q.settled = true
	q.next = next
	q.head = max(q.head, next)
}

// settleByRecord decides by a live record. A beck producer states its head
// before the first record if it has any, so without a head this partition is
// new; a foreign one does not, so what came before is old.
func (in *Intake) settleByRecord(q *part, source string, first uint64) {
	if s := in.sources[source]; source == q.Producer && (s == nil || s.Foreign) {
		q.settle(first)
		return
	}
	if source == q.Producer || in.young(q.Partition) {
		q.settle(0)
	}
}

// settleByHead decides by a statement, given the head as it was known before.
func (in *Intake) settleByHead(q *part, source string, end, before uint64) {
	switch {
	case in.young(q.Partition):
		q.settle(0)
	case source == q.Producer:
		q.settle(end)
	case in.ready && before > 0 && end > before:
		q.settle(before)
	}
}
