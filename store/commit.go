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
	"github.com/beckmesh/beck/protocol"
)

// gather adds a delivery to the next batch. It needs the lock.
func (s *Store) gather(d core.Delivery) {
	run := d.Run.Data.(*mesh.Run)
	g := s.gathered[d.Run.Partition]
	if g == nil {
		g = s.newGather()
		s.gathered[d.Run.Partition] = g
		s.node.WakeWorkers()
	}
	for seq := d.Part.First; seq < d.Part.End; seq++ {
		r := &run.Records[seq-run.First]
		if err := g.records.Append(seq, r.Content, r.Trailer); err != nil {
			s.fail(fmt.Errorf("gather %v: %w", d.Run.Partition, err))
			return
		}
	}
	g.bytes += d.Run.Bytes
	if planted.Is(planted.AckBeforeSync) {
		s.keeper.Committed(d.Run.Partition, d.Part.End)
		s.acknowledge(d.Run.Partition)
	}
}

// maxSpare bounds the builders kept for later.
const maxSpare = 64

func (s *Store) newGather() *gather {
	if n := len(s.spare); n > 0 {
		g := s.spare[n-1]
		s.spare = s.spare[:n-1]
		return g
	}
	return &gather{records: s.log.NewBuilder()}
}

// write commits a batch and syncs it. It runs without the lock.
func (s *Store) write(gathered map[core.Partition]*gather) error {
	b := s.log.NewBatch()
	defer b.Discard()
	for i, p := range sortedPartitions(gathered) {
		if i == 2 && planted.Is(planted.CommitSkipsOne) {
			continue
		}
		if err := b.Add(blocklog.Partition(p), gathered[p].records); err != nil {
			return fmt.Errorf("commit: %w", err)
		}
	}
	return b.Commit()
}

func sortedPartitions[V any](m map[core.Partition]V) []core.Partition {
	if len(m) == 0 {
		return nil
	}
	return slices.SortedFunc(maps.Keys(m), core.Partition.Compare)
}

// committed acknowledges a batch that is synced, and gives its room back. It
// needs the lock.
func (s *Store) committed(gathered map[core.Partition]*gather, now time.Time) {
	var bytes int64
	for _, p := range sortedPartitions(gathered) {
		g := gathered[p]
		s.keeper.Committed(p, g.records.Next())
		s.acknowledge(p)
		s.announce(p)
		s.stored(p)
		s.stats.Committed += uint64(g.records.Count())
		bytes += g.bytes
		s.recycle(g)
	}
	s.stats.Commits++
	s.rx.In.Consumed(bytes, now)
	s.rx.Act()
}

// largeGather is the size from which a builder is not kept for later.
const largeGather = 4 << 20

func (s *Store) recycle(g *gather) {
	if len(s.spare) >= maxSpare || g.records.Bytes() > largeGather {
		return
	}
	g.records.Reset()
	g.bytes = 0
	s.spare = append(s.spare, g)
}

// acknowledge tells a producer what of its partition is durable. It needs the
// lock.
func (s *Store) acknowledge(p core.Partition) {
	peer := s.node.Peer(p.Producer)
	if peer == nil || peer.Accepted == nil || !s.rx.In.MayAcknowledge(p) {
		return
	}
	if ack, ok := s.keeper.Acknowledge(p); ok {
		s.rx.In.Acknowledged(p)
		peer.Send(protocol.AppendAck(nil, p.Producer, p.Topic, ack.Sequence))
	}
}

// announce tells whoever subscribed to its heads of a partition whose producer
// is not here to do so: its last records may be news to them. It needs the lock.
func (s *Store) announce(p core.Partition) {
	if peer := s.node.Peer(p.Producer); peer != nil && peer.Dialled != nil {
		return
	}
	if ack, ok := s.keeper.Acknowledge(p); ok {
		s.node.Broadcast(protocol.KindHead, p.Topic, protocol.AppendHead(nil, p.Topic, p.Producer, ack.Sequence))
	}
}

// stored tells whoever subscribed to it what of a partition is on disk. It needs
// the lock.
func (s *Store) stored(p core.Partition) {
	if end := s.keeper.Durable(p); s.heard && end > 0 {
		s.node.Broadcast(protocol.KindStored, p.Topic, protocol.AppendStored(nil, p.Topic, p.Producer, end-1))
	}
}

// corrupt is told of a range that cannot be read.
func (s *Store) corrupt(err error) (next uint64, ok bool) {
	var damage *blocklog.CorruptError
	if !errors.As(err, &damage) {
		return 0, false
	}
	s.node.Logger().Error("records cannot be read", "err", err)
	return damage.Next, true
}
