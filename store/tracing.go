package store

import (
	"time"

	"go.opentelemetry.io/otel/attribute"

	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/internal/mesh"
	"github.com/beckmesh/beck/internal/tracing"
)

// lookForTraces notes which traces the records of a delivery belong to. It needs the lock.
func (s *Store) lookForTraces(g *gather, d core.Delivery) {
	if s.tracer == nil {
		return
	}
	run, p := d.Run.Data.(*mesh.Run), d.Run.Partition
	for seq := d.Part.First; seq < d.Part.End; seq++ {
		g.traces.Trailer(p.Topic, p.Producer, seq, run.Record(int(seq-run.First)).Trailer)
	}
}

// trace makes the spans of a commit that has ended, for the traces that have a
// record in it. It runs without the lock, before the batch is recycled.
func (s *Store) trace(batch round, begun time.Time, err error) {
	if s.tracer == nil {
		return
	}
	var finders []*tracing.Finder
	records := 0
	for _, p := range sortedPartitions(batch) {
		g := batch[p]
		records += g.records.Count()
		if g.traces.Any() {
			finders = append(finders, &g.traces)
		}
	}
	if len(finders) > 0 {
		all := attribute.Int("messaging.beck.commit.records", records) // of other traces and none, too
		s.tracer.Spans(tracing.Commit, begun, time.Now(), err, finders, all)
	}
}
