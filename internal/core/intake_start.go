package core

import (
	"slices"
	"time"

	"github.com/beckmesh/beck/internal/planted"
)

// Start says where partitions begin.
type Start struct {
	Kind StartKind
	N    uint64 // StartOffset: the sequence; StartNewest, StartLast: how many records, above 0
}

// StartKind tells how a partition's beginning is found.
type StartKind int

// Where a partition may begin.
const (
	StartDefault  StartKind = iota // as IntakeConfig.Earliest says
	StartLatest                    // behind its head
	StartEarliest                  // at its first record
	StartOffset                    // at a sequence
	StartNewest                    // at its last records, as the first source to speak of it counts them
	StartLast                      // at its last records, as they are known when the intake is ready
	StartTime                      // where the time begins that was looked up by then: see LookUp
)

// A partition that is received from its first record on, or from a sequence, is
// settled when it is made. Of those that begin at their last records or at a time,
// what is known when the intake is ready decides. For the others, the first word
// that counts decides: the producer's own head, as it answers our subscription; or
// its first live record. What stores say of it is only a lower bound, until they
// say more after the intake is ready.

// enter decides what can be decided of a new partition.
func (in *Intake) enter(q *part) {
	for _, t := range q.wants {
		q.fresh = q.fresh || t.empty[q.Producer]
		if t.Pattern {
			in.greet(t, q)
		}
	}
	switch start := in.start(q); {
	case start.Kind == StartOffset:
		q.settle(start.N)
	case start.Kind == StartEarliest, in.young(q):
		q.settled = true
	}
	q.paused = in.pausedNow(q.Partition)
	if q.paused && !in.cfg.Store {
		in.shine(q, false)
	}
}

// start returns how a partition begins.
func (in *Intake) start(q *part) Start {
	if len(q.wants) > 0 && q.wants[0].start.Kind != StartDefault {
		return q.wants[0].start
	}
	if in.cfg.Earliest {
		return Start{Kind: StartEarliest}
	}
	return Start{Kind: StartLatest}
}

// late reports that a partition begins by what is known when the intake is ready.
func (s Start) late() bool { return s.Kind == StartLast || s.Kind == StartTime }

// young reports whether a producer started after we subscribed to the topic, or
// began the topic after it had told what it has: then all its records are new.
func (in *Intake) young(q *part) bool {
	if len(q.wants) == 0 {
		return false
	}
	started := in.started[q.Producer]
	return q.fresh || !started.IsZero() && started.After(q.wants[0].since)
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
	start := in.start(q)
	switch {
	case in.young(q):
		q.settle(0)
	case source != q.Producer, start.late() && !in.ready:
	case start.Kind == StartTime:
		q.settle(0)
	case start.Kind == StartNewest, start.Kind == StartLast:
		q.settle(first - min(first, start.N))
	default:
		q.settle(first)
	}
}

// settleByHead decides by a statement, given the head as it was known before and
// the lowest sequence that its sender has.
func (in *Intake) settleByHead(q *part, source string, end, before, lowest uint64) {
	start := in.start(q)
	switch {
	case in.young(q):
		q.settle(0)
	case start.late() && !in.ready:
	case start.Kind == StartTime:
		q.settle(lowest)
	case start.Kind == StartNewest, start.Kind == StartLast:
		q.settle(end - min(end, start.N))
	case source == q.Producer && planted.Is(planted.LatestTooLate):
		q.settle(end + 1)
	case source == q.Producer:
		q.settle(end)
	case in.ready && before > 0 && end > before:
		q.settle(before)
	}
}

// settleLate decides what had to wait until the intake is ready.
func (in *Intake) settleLate(now time.Time) {
	var late []*part
	for _, q := range in.parts {
		if start := in.start(q); !q.settled && start.late() && q.named {
			late = append(late, q)
		}
	}
	slices.SortFunc(late, func(a, b *part) int { return a.Compare(b.Partition) })
	for _, q := range late {
		if start := in.start(q); start.Kind == StartLast {
			q.settle(q.head - min(q.head, start.N))
		} else if at, known := in.Found(q.Partition); known {
			q.settle(at)
		} else {
			q.settle(q.lowest())
		}
		in.pursue(q, now)
	}
}

// lowest returns the lowest sequence that a source says it has.
func (q *part) lowest() uint64 {
	if len(q.claims) == 0 {
		return 0
	}
	low := ^uint64(0)
	for _, c := range q.claims {
		low = min(low, c.lowest)
	}
	return low
}
