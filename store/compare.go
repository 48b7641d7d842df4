package store

import (
	"time"

	"github.com/beckmesh/beck/internal/blocklog"
	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/protocol"
)

// Two stores that hold different contents under the same sequences find out: each
// says in its heads what its contents sum up to, and where that is not what ours
// do, the range is halved, in parts, by asking for the sums of each, down to the
// grain. Nothing is overwritten: what differs is marked, and reported.

// comparing is what a store knows of the others' contents. The node's lock guards it.
type comparing struct {
	pairs     map[pair]*pairState
	todo      []comparison
	questions []question
}

// pair is a partition as this store and another hold it.
type pair struct {
	core.Partition
	with string
}

// pairState is how far a pair was compared.
type pairState struct {
	upTo  uint64    // sequence up to which the comparison under way, or the last one, goes
	asked int       // answers it waits for, and steps to do
	since time.Time // when it began
}

// comparison is a step: sums of another store to be held against ours.
type comparison struct {
	pair
	theirs protocol.Sums
}

// question is another store's.
type question struct {
	requester string
	core.Partition
	core.Range
}

const (
	maxPairs       = 1 << 18          // remembered; more begin anew
	maxComparisons = 1 << 12          // steps and questions that wait; more are dropped, and come again
	compareAfter   = 30 * time.Second // a comparison whose answers do not come then begins anew
)

func newComparing() comparing { return comparing{pairs: make(map[pair]*pairState)} }

// stated takes another store's digest of a partition. It needs the lock.
func (s *Store) stated(p core.Partition, with string, t protocol.Trailer, now time.Time) {
	c := &s.comparing
	key := pair{p, with}
	known := c.pairs[key]
	if t.DigestAt == 0 || t.DigestAt%blocklog.GrainRecords != 0 || known != nil && known.asked > 0 && now.Sub(known.since) < compareAfter {
		return
	}
	state, _ := s.log.State(blocklog.Partition(p))
	first, end := state.DigestRange()
	ours, theirs := core.Range{First: first, End: end}, core.Range{First: grainUp(t.Lowest), End: t.DigestAt}
	r := core.Range{First: max(ours.First, theirs.First), End: min(ours.End, theirs.End)}
	same := ours == theirs && t.Digest == state.Digest // at a glance
	if known != nil && known.asked == 0 {
		r.First = max(r.First, known.upTo) // what was compared before does not change
	}
	if r.First >= r.End {
		return
	}
	if len(c.pairs) >= maxPairs {
		clear(c.pairs)
	}
	c.pairs[key] = &pairState{upTo: r.End, since: now}
	if !same {
		s.askSums(key, r)
	}
}

// compareAgain has a partition compared from its beginning: records came late.
// It needs the lock.
func (s *Store) compareAgain(p core.Partition) {
	for _, peer := range s.node.Peers() {
		delete(s.comparing.pairs, pair{p, peer.UUID})
	}
}

// grainUp returns the lowest whole grain's beginning at or above seq.
func grainUp(seq uint64) uint64 {
	return (seq + blocklog.GrainRecords - 1) / blocklog.GrainRecords * blocklog.GrainRecords
}

// askSums asks for the sums of a range. It needs the lock.
func (s *Store) askSums(key pair, r core.Range) {
	peer := s.node.Peer(key.with)
	if peer == nil {
		return
	}
	s.comparing.pairs[key].asked++
	f := protocol.AppendGetHeads(nil, key.Topic, s.node.UUID())
	peer.Send(protocol.AppendQuestion(f, protocol.Question{Producer: key.Producer, First: r.First, End: r.End}))
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
func (s *Store) told(key pair, sums protocol.Sums) {
	c := &s.comparing
	known := c.pairs[key]
	if known == nil || known.asked == 0 {
		return // nobody asked
	}
	if len(c.todo) >= maxComparisons {
		known.asked, known.upTo = 0, 0
		return
	}
	c.todo = append(c.todo, comparison{key, sums})
	s.node.WakeWorkers()
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
func (s *Store) examine(c comparison) {
	r := core.Range{First: c.theirs.First, End: c.theirs.End}
	s.node.Unlock()
	ours := s.sums(c.Partition, r)
	s.node.Lock()
	known := s.comparing.pairs[c.pair]
	if known == nil {
		return
	}
	known.asked--
	if ours.Step != c.theirs.Step || len(ours.Parts) != len(c.theirs.Parts) {
		known.upTo = 0 // one of us does not know them any more: from the beginning, with what it says next
		return
	}
	for i := range ours.Parts {
		first := r.First + uint64(i)*ours.Step
		part := core.Range{First: first, End: min(first+ours.Step, r.End)}
		switch core.CompareSums(part, blocklog.GrainRecords, core.Sum(ours.Parts[i]), core.Sum(c.theirs.Parts[i])) {
		case core.Narrow:
			s.askSums(c.pair, part)
		case core.Differ:
			s.differs(c.pair, part)
		}
	}
}

// differs marks a range in which two stores hold different contents.
func (s *Store) differs(key pair, r core.Range) {
	s.node.Unlock()
	fresh, err := s.log.MarkConflict(blocklog.Partition(key.Partition), blocklog.Range{First: r.First, Next: r.End}, key.with, s.node.Now())
	s.node.Lock()
	switch {
	case err != nil && s.diskTrouble(err):
		s.compareAgain(key.Partition)
	case err != nil:
		s.node.Logger().Error("conflict cannot be marked", "partition", key.Partition.String(), "err", err)
	case fresh:
		s.node.Logger().Error("two stores hold different records under the same offsets; nothing is overwritten",
			"topic", key.Topic, "partition", key.Producer, "range", r.String(), "other", key.with)
	}
}
