package store

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/beckmesh/beck/internal/blocklog"
	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/internal/mesh"
	"github.com/beckmesh/beck/internal/planted"
	"github.com/beckmesh/beck/internal/tracing"
	"github.com/beckmesh/beck/protocol"
)

// gather is what a partition received for one commit.
type gather struct {
	records *blocklog.Builder
	// What was missing below them, and what is there without trailers; nil while
	// there is none.
	fills, complete *blocklog.Builder
	bytes           int64          // of the intake's room
	traces          tracing.Finder // that they belong to; empty without a tracer
}

// gather adds a delivery to the next batch. It needs the lock.
func (s *Store) gather(d core.Delivery) {
	p := d.Run.Partition
	g := s.gatherOf(d)
	if _, err := add(g.records, d, false); err != nil {
		s.fail(fmt.Errorf("gather %v: %w", p, err))
		return
	}
	s.lookForTraces(g, d)
	if planted.Is(planted.AckBeforeSync) {
		s.keeper.Committed(p, d.Part.End)
		s.acknowledge(p)
	}
}

// gatherFill adds what was missing to the next batch. It needs the lock.
func (s *Store) gatherFill(d core.Delivery) {
	p := d.Run.Partition
	g := s.gatherOf(d)
	if g.fills == nil {
		g.fills = s.log.NewBuilder()
	}
	if _, err := add(g.fills, d, false); err != nil { // below what was gathered before
		s.upkeep.look[p] = true
	}
	s.lookForTraces(g, d)
}

// gatherComplete adds records that are there without their trailers to the next
// batch. It needs the lock.
func (s *Store) gatherComplete(d core.Delivery) {
	g := s.gatherOf(d)
	if g.complete == nil {
		g.complete = s.log.NewBuilder()
	}
	bare, err := add(g.complete, d, true)
	if err != nil {
		s.node.Logger().Debug("trailers come another time", "err", err)
	}
	if bare {
		s.rx.In.StillBare(d.Run.Partition, d.From, d.Part, s.node.Now())
	}
}

// add appends a delivery to a builder; with whole only those of its records that
// have not lost their trailers, and left says that it left others out.
func add(to *blocklog.Builder, d core.Delivery, whole bool) (left bool, err error) {
	run, trimmed := d.Run.Data.(*mesh.Run), []byte(nil)
	for seq := d.Part.First; seq < d.Part.End; seq++ {
		r := run.Record(int(seq - run.First))
		trailer := r.Trailer
		if run.Direct {
			var seen protocol.FirstSeen
			var said bool
			if trailer, seen, said = protocol.CutFirstSeen(trailer, trimmed); said && trailer != nil {
				trimmed = trailer // its memory serves for the next
			}
			to.Stamp(time.UnixMilli(seen.Time)) // 1970: now
			bare := run.Bare || seen.Bare
			if bare && whole {
				left = true
				continue
			}
			to.Bare(bare)
		}
		if err := to.Append(seq, r.Content, trailer); err != nil {
			return left, err
		}
	}
	to.Stamp(time.Time{})
	to.Bare(false)
	return left, nil
}

// maxSpare bounds the gathers kept for later.
const maxSpare = 64

// gatherOf returns what the partition of a delivery gathers, made when there is
// none, and counts the delivery.
func (s *Store) gatherOf(d core.Delivery) *gather {
	r, p := s.rounds.last(), d.Run.Partition
	g := r[p]
	if g == nil {
		if n := len(s.spare); n > 0 {
			g = s.spare[n-1]
			s.spare = s.spare[:n-1]
		} else {
			g = &gather{records: s.log.NewBuilder()}
		}
		r[p] = g
		s.node.WakeWorkers()
	}
	g.bytes += d.Run.Bytes
	s.rounds.bytes += d.Run.Bytes
	return g
}

// commit is the committer: it writes a round that was gathered in one batch, syncs
// it, then releases the acknowledgements. The next round fills meanwhile. Then
// it purges what is to be purged: nothing of it is being written. It needs the
// lock, which it gives up while it writes.
func (s *Store) commit() bool {
	if s.disk.broken {
		return s.mend()
	}
	if !s.gathering() {
		return false
	}
	batch, lapses := s.take()
	s.rounds.writing = batch // until it is on disk
	begun := s.node.Now()
	s.node.Unlock()
	look, err := s.write(batch)
	if err == nil {
		err = s.expire(lapses)
	}
	s.trace(batch, begun, err)
	s.node.Lock()
	if err != nil {
		return s.writeFailed(batch, lapses, err)
	}
	s.disk.wrote()
	s.times.committed(batch, s.node.Now().Sub(begun))
	s.rounds.writing = nil
	s.lookAt(look) // what is missing still is not to be acknowledged
	s.committed(batch, s.node.Now())
	s.purge()
	return true
}

// write commits a batch and syncs it. It returns the partitions of which
// something could not be filled in. It runs without the lock.
func (s *Store) write(gathered round) (look []core.Partition, err error) {
	if len(gathered) == 0 {
		return nil, nil
	}
	look, err = s.writeBatch(gathered, true)
	if errors.Is(err, blocklog.ErrOverlap) { // what was missing came otherwise
		for p, g := range gathered {
			if g.fills != nil {
				look = append(look, p)
			}
		}
		more, failed := s.writeBatch(gathered, false)
		look, err = append(look, more...), failed
	}
	return look, err
}

func (s *Store) writeBatch(gathered round, fill bool) (look []core.Partition, err error) {
	b := s.log.NewBatch()
	defer b.Discard()
	for i, p := range sortedPartitions(gathered) {
		if i == 2 && planted.Is(planted.CommitSkipsOne) {
			continue
		}
		g, q := gathered[p], blocklog.Partition(p)
		state, known := s.log.State(q)
		if g.records.Count() > 0 && g.records.First() > state.Next {
			look = append(look, p) // what came for this hole before now could not be filled in
			// What is below may still come, from a store that is away now.
			if !known {
				if err := b.Begin(q, 0); err != nil {
					return nil, fmt.Errorf("commit: %w", err)
				}
			}
		}
		if err := b.Add(q, g.records); err != nil {
			return nil, fmt.Errorf("commit: %w", err)
		}
		if !fill {
			continue
		}
		if g.fills != nil {
			if err := b.Fill(q, g.fills); err != nil {
				s.node.Logger().Debug("not filled in", "err", err)
				look = append(look, p)
			}
		}
		if g.complete != nil {
			if err := b.Complete(q, g.complete); err != nil { // comparing finds out where they differ
				s.node.Logger().Warn("no trailers from another store", "err", err)
			}
		}
	}
	return look, b.Commit()
}

func sortedPartitions[V any](m map[core.Partition]V) []core.Partition {
	if len(m) == 0 {
		return nil
	}
	return slices.SortedFunc(maps.Keys(m), core.Partition.Compare)
}

// committed acknowledges a batch that is synced, and gives its room back. It
// needs the lock.
func (s *Store) committed(gathered round, now time.Time) {
	if len(gathered) == 0 {
		return
	}
	var bytes int64
	for _, p := range sortedPartitions(gathered) {
		g := gathered[p]
		s.keeper.Committed(p, g.records.Next())
		s.acknowledge(p)
		s.announce(p)
		s.stored(p)
		s.stats.Committed += uint64(g.records.Count())
		s.wrote.Add(p.Topic, uint64(g.records.Count()), uint64(g.records.Bytes()))
		bytes += g.bytes
		if g.fills != nil {
			s.comparer.Again(p)
		}
		s.recycle(g)
	}
	s.stats.Commits++
	s.rx.In.Consumed(bytes, now)
	s.rx.Act()
}

// recycle gives back the memory of a gather, and keeps it for later.
func (s *Store) recycle(g *gather) {
	for _, b := range []*blocklog.Builder{g.records, g.fills, g.complete} {
		if b != nil {
			b.Reset()
		}
	}
	g.fills, g.complete, g.bytes = nil, nil, 0
	g.traces.Reset()
	if len(s.spare) < maxSpare {
		s.spare = append(s.spare, g)
	}
}

// acknowledge tells a producer what of its partition is durable; not while
// something that was missing is on its way to the disk. It needs the lock.
func (s *Store) acknowledge(p core.Partition) {
	peer := s.node.Peer(p.Producer)
	if peer == nil || peer.Accepted == nil || s.upkeep.look[p] || s.rounds.filling(p) || !s.rx.In.MayAcknowledge(p) {
		return
	}
	ack, ok := s.keeper.Acknowledge(p)
	if !ok {
		return
	}
	if !peer.Foreign() && !planted.Is(planted.AckOverHole) {
		below := s.rx.In.AcknowledgeBelow(p)
		if below == 0 {
			return
		}
		ack.Sequence = min(ack.Sequence, below-1)
	}
	if planted.Is(planted.AckBeyondDurable) && s.again[p] && s.rounds.holds(p) {
		ack.Sequence++
	}
	s.rx.In.Acknowledged(p)
	peer.Send(protocol.AppendAck(nil, p.Producer, p.Topic, ack.Sequence))
}

// announce tells whoever subscribed to its heads of a partition whose producer
// is not here to do so: its last records may be news to them. It needs the lock.
func (s *Store) announce(p core.Partition) {
	if peer := s.node.Peer(p.Producer); peer != nil && peer.Dialled != nil {
		return
	}
	if state, ok := s.log.State(blocklog.Partition(p)); ok {
		s.tell(p, state)
	}
}

// stored tells whoever subscribed to it what of a partition is on disk. It needs
// the lock.
func (s *Store) stored(p core.Partition) {
	end := s.keeper.Durable(p)
	if peer := s.node.Peer(p.Producer); peer != nil && peer.Dialled != nil {
		if s.rounds.filling(p) {
			return
		}
		end = min(end, s.rx.In.AcknowledgeBelow(p)) // perhaps only the producer has what is missing
	}
	if s.heard && end > 0 {
		s.node.Broadcast(protocol.KindStored, p.Topic, protocol.AppendStored(nil, p.Topic, p.Producer, end-1))
	}
}

// tell broadcasts what the log has of a partition. It needs the lock.
func (s *Store) tell(p core.Partition, state blocklog.State) {
	if state.Next == 0 {
		return
	}
	f := protocol.AppendHead(nil, p.Topic, p.Producer, state.Next-1)
	s.node.Broadcast(protocol.KindHead, p.Topic, statement(state).Append(f))
}
