package store

import (
	"time"

	"github.com/beckmesh/beck/internal/blocklog"
	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/protocol"
)

// Two stores that hold different contents under the same sequences find out, by
// asking each other for sums of what they hold: see core.Comparer. Nothing is
// overwritten: what differs is marked, and reported.

// comparing is what waits for the worker that compares. The node's lock guards it.
type comparing struct {
	todo      []answer
	questions []question
}

// answer is what another store says of what it was asked.
type answer struct {
	core.Copy
	sums protocol.Sums
}

// question is another store's.
type question struct {
	requester string
	core.Partition
	core.Range
}

// maxComparisons bounds the answers, and the questions, that wait; more are
// dropped, and come again.
const maxComparisons = 1 << 12

// stated takes another store's digest of a partition. It needs the lock.
func (s *Store) stated(of core.Copy, t protocol.Trailer, now time.Time) {
	state, _ := s.log.State(blocklog.Partition(of.Partition))
	first, end := state.DigestRange()
	ours := core.Summed{Range: core.Range{First: first, End: end}, Digest: state.Digest}
	theirs := core.Summed{Range: core.Range{First: t.Lowest, End: t.DigestAt}, Digest: t.Digest}
	if r, ok := s.comparer.State(of, ours, theirs, now); ok {
		s.askSums(of, r)
	}
}

// askSums asks for the sums of a range. It needs the lock.
func (s *Store) askSums(of core.Copy, r core.Range) {
	if peer := s.node.Peer(of.Store); peer != nil { // else it is asked again when it is there
		f := protocol.AppendGetHeads(nil, of.Topic, s.node.UUID())
		peer.Send(protocol.AppendQuestion(f, protocol.Question{Producer: of.Producer, First: r.First, End: r.End}))
	}
}

// asked takes another store's question. It needs the lock.
func (s *Store) asked(q question) {
	c := &s.comparing
	if len(c.questions) < maxComparisons {
		c.questions = append(c.questions, q)
		s.node.WakeWorkers()
	}
}

// told takes the answer to a question of ours. It needs the lock.
func (s *Store) told(of core.Copy, sums protocol.Sums) {
	c := &s.comparing
	switch {
	case !s.comparer.Awaits(of):
	case len(c.todo) >= maxComparisons:
		s.comparer.Drop(of)
	default:
		c.todo = append(c.todo, answer{of, sums})
		s.node.WakeWorkers()
	}
}

// compare is a worker: it answers questions, and looks at answers.
func (s *Store) compare() bool {
	c := &s.comparing
	switch {
	case s.err != nil:
		return false
	case len(c.questions) > 0:
		q := c.questions[0]
		c.questions = c.questions[1:]
		s.answer(q)
	case len(c.todo) > 0:
		next := c.todo[0]
		c.todo = c.todo[1:]
		s.examine(next)
	default:
		return false
	}
	return true
}

// answer sums up what another store asked for.
func (s *Store) answer(q question) {
	s.node.Unlock()
	state, _ := s.log.State(blocklog.Partition(q.Partition))
	sums := s.sums(q.Partition, q.Range)
	s.node.Lock()
	if state.Next == 0 {
		return
	}
	f := protocol.AppendDirectHead(nil, q.requester, q.Producer, q.Topic, state.Next-1)
	if peer := s.node.Peer(q.requester); peer != nil {
		peer.Send(protocol.AppendSums(f, sums))
	}
}

// sums returns what we hold of the parts of a range; no parts if that is not
// known. It runs without the lock.
func (s *Store) sums(p core.Partition, r core.Range) protocol.Sums {
	out := protocol.Sums{First: r.First, End: r.End}
	if r.First%blocklog.GrainRecords != 0 || r.End%blocklog.GrainRecords != 0 || r.First >= r.End {
		return out
	}
	parts := r.Parts(protocol.MaxSums, blocklog.GrainRecords)
	out.Step = parts[0].Len()
	for _, part := range parts {
		records, digest, err := s.log.Sums(blocklog.Partition(p), part.First, part.End)
		if err != nil {
			return protocol.Sums{First: r.First, End: r.End}
		}
		out.Parts = append(out.Parts, protocol.Sum{Records: records, Digest: digest})
	}
	return out
}

// examine holds another store's sums against ours.
func (s *Store) examine(theirs answer) {
	s.node.Unlock()
	ours := s.sums(theirs.Partition, core.Range{First: theirs.sums.First, End: theirs.sums.End})
	s.node.Lock()
	ask, differ := s.comparer.Answer(theirs.Copy, ours, theirs.sums)
	for _, r := range ask {
		s.askSums(theirs.Copy, r)
	}
	for _, r := range differ {
		s.differs(theirs.Copy, r)
	}
}

// differs marks a range in which two stores hold different contents.
func (s *Store) differs(of core.Copy, r core.Range) {
	s.node.Unlock()
	fresh, err := s.log.MarkConflict(blocklog.Partition(of.Partition), blocklog.Range{First: r.First, Next: r.End}, of.Store, s.node.Now())
	s.node.Lock()
	switch {
	case err != nil && s.diskTrouble(err):
		s.comparer.Again(of.Partition)
	case err != nil:
		s.node.Logger().Error("conflict cannot be marked", "partition", of.Partition.String(), "err", err)
	case fresh:
		s.node.Logger().Error("two stores hold different records under the same offsets; nothing is overwritten",
			"topic", of.Topic, "partition", of.Producer, "range", r.String(), "other", of.Store)
	}
}
