package store

import (
	"errors"
	"math"

	"github.com/beckmesh/beck/internal/blocklog"
	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/internal/mesh"
	"github.com/beckmesh/beck/internal/planted"
	"github.com/beckmesh/beck/protocol"
)

// Serve does one step of an answer from what is on disk, without the lock.
func (r *role) Serve(s *mesh.Step, dst []byte, limit int) []byte {
	if s.Kind == core.JobHeads {
		return r.serveHeads(s, dst, limit)
	}
	p, times := blocklog.Partition(s.Partition), r.tellsTimes(s.Requester)
	head := protocol.AppendDirectRecord(nil, s.Requester, p.Producer, p.Topic, 0)
	head = head[:len(head)-8]
	start, hole := len(dst), uint64(0)
	var seen []byte
	err := r.log.Read(p, s.Range.First, 0, func(record blocklog.Record) bool {
		if record.Seq != s.Range.First {
			hole = record.Seq
			return false
		}
		trailer := record.Trailer
		if times {
			seen = protocol.AppendFirstSeen(seen[:0], protocol.FirstSeen{Time: record.FirstSeen, Bare: record.Bare}, record.Trailer)
			trailer = seen
		}
		dst = mesh.AppendRecordMessage(dst, head, record.Seq, trailer, record.Content)
		s.Range.First = record.Seq + 1
		return s.Range.First < s.Range.End && len(dst)-start < limit
	})
	state, _ := r.log.State(p)
	switch {
	case err != nil:
		next, known := (*Store)(r).corrupt(s.Partition, err)
		if errors.Is(err, blocklog.ErrReopening) {
			next = state.Next // a moment later it can be had
		} else if !known {
			next = state.Next
			r.node.Logger().Error("cannot serve", "partition", s.Partition.String(), "err", err)
		}
		return mesh.Refuse(s, dst, state.Next, from(next, state))
	case s.Range.First >= s.Range.End:
		return leadOn(s, dst, state.Next) // unless the answer was extended meanwhile, it is complete
	case hole != 0:
		return mesh.Refuse(s, dst, state.Next, from(hole, state))
	case s.Range.First >= state.Next || s.Range.First < state.Tail:
		return mesh.Refuse(s, dst, state.Next, statement(state))
	}
	return dst
}

// leadOn tells a C consumer that replays that there is more behind an answer. It
// asks up to the next multiple of 100,000, and then for nothing until it hears
// of a head, which a producer that is gone does not send.
func leadOn(s *mesh.Step, dst []byte, next uint64) []byte {
	if s.Mark || s.Range.End%core.MaxFetch != 0 || s.Range.End >= next {
		return dst
	}
	return mesh.AppendDirectHead(dst, s.Requester, s.Partition, next-1, protocol.Trailer{})
}

// tellsTimes reports whether a requester wants to know when records were first
// seen: it is another store.
func (r *role) tellsTimes(requester string) bool {
	r.node.Lock()
	defer r.node.Unlock()
	p := r.node.Peer(requester)
	return p != nil && p.Role() == protocol.RoleStore
}

// statement says what we have of a partition.
func statement(state blocklog.State) protocol.Trailer {
	t := protocol.Trailer{
		Lowest: state.Tail, HasLowest: true, Tail: state.Expired, HasTail: state.Expired > 0, Purged: state.Purged,
	}
	if first, end := state.DigestRange(); first < end {
		t.DigestAt, t.Digest = end, state.Digest
	}
	return t
}

// from is a statement about what we have behind something that is missing.
func from(lowest uint64, state blocklog.State) protocol.Trailer {
	t := statement(state)
	t.Lowest = lowest
	if planted.Is(planted.MissingIsExpired) {
		t.Tail, t.HasTail = lowest, true
	}
	return t
}

// corrupt is told of a range that cannot be read. It returns where reading can
// go on; ok is false if that is not what is wrong. What went to the quarantine is
// missing from now on, and fetched from others.
func (s *Store) corrupt(p core.Partition, err error) (next uint64, ok bool) {
	var damage *blocklog.CorruptError
	if !errors.As(err, &damage) {
		return 0, false
	}
	s.node.Logger().Error("records cannot be read", "err", err)
	s.node.Lock()
	defer s.node.Unlock()
	s.diskTrouble(err) // in putting it aside
	s.lookAt([]core.Partition{p})
	return damage.Next, true
}

// begins has a statement say where a time begins, if one is asked for and it can be
// told.
func (r *role) begins(p blocklog.Partition, time uint64, t protocol.Trailer) protocol.Trailer {
	if time == 0 {
		return t
	}
	at, err := r.log.SeenAt(p, int64(min(time, math.MaxInt64)))
	if err != nil {
		r.node.Logger().Error("cannot look for a time", "partition", core.Partition(p).String(), "err", err)
		return t
	}
	t.Time, t.Begins, t.HasBegins = time, at, true
	return t
}

// serveHeads lists the heads of a topic, or of all, from where it stopped.
func (r *role) serveHeads(s *mesh.Step, dst []byte, limit int) []byte {
	start := len(dst)
	after := blocklog.Partition(s.After)
	if !s.Started {
		after = blocklog.Partition{Topic: s.Partition.Topic}
	}
	for p, state := range r.log.PartitionsAfter(after) {
		q := core.Partition(p)
		if s.Partition.Topic != "" && p.Topic != s.Partition.Topic {
			break // they are sorted by topic
		}
		if state.Next == 0 {
			continue
		}
		var t protocol.Trailer
		if s.Mark {
			t = r.begins(p, s.Time, statement(state))
		}
		dst = mesh.AppendDirectHead(dst, s.Requester, q, state.Next-1, t)
		if planted.Is(planted.ListEndsEarly) {
			break
		}
		if s.After, s.Started = q, true; len(dst)-start >= limit {
			return dst
		}
	}
	return mesh.AppendListEnd(s, dst, r.node.UUID())
}
