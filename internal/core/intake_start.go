package core

import "github.com/beckmesh/beck/internal/planted"

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

// fromStart reports whether partitions of a topic are received from their first
// record on.
func (in *Intake) fromStart(topic string) bool {
	t := in.topics[topic]
	if t == nil {
		return in.cfg.Earliest
	}
	return t.whole || in.cfg.Earliest && t.newest == 0
}

// newest returns how many of the last records of a topic's partitions are
// wanted; 0 where they begin another way.
func (in *Intake) newest(topic string) uint64 {
	if t := in.topics[topic]; t != nil {
		return t.newest
	}
	return 0
}

func (q *part) settle(next uint64) {
	q.settled = true
	q.next, q.from = next, next
	q.head = max(q.head, next)
}

// settleByRecord decides by the first record, when no head came before. What a
// young producer wrote is all new. Of another, what came before its first live
// record is old: it is foreign and states no head; or the record was on its way
// when the topic was given up and taken again.
func (in *Intake) settleByRecord(q *part, source string, first uint64) {
	switch {
	case in.young(q.Partition):
		q.settle(0)
	case source == q.Producer:
		q.settle(first - min(first, in.newest(q.Topic)))
	}
}

// settleByHead decides by a statement, given the head as it was known before.
func (in *Intake) settleByHead(q *part, source string, end, before uint64) {
	switch {
	case in.young(q.Partition):
		q.settle(0)
	case in.newest(q.Topic) > 0:
		q.settle(end - min(end, in.newest(q.Topic)))
	case source == q.Producer && planted.Is(planted.LatestTooLate):
		q.settle(end + 1)
	case source == q.Producer:
		q.settle(end)
	case in.ready && before > 0 && end > before:
		q.settle(before)
	}
}
