package consumer

import (
	"maps"

	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/internal/mesh"
	"github.com/beckmesh/beck/protocol"
)

// bounds are the times between which records are delivered. Stores know times by
// block: which record of it is the first one its own time tells. Times are ms since
// 1970; the node's lock guards it.
type bounds struct {
	start uint64                   // of Config.Start; 0: none
	until int64                    // of Config.Until; 0: none
	begin map[core.Partition]bool  // it is decided how they begin
	since map[core.Partition]int64 // what is before that is left out, until something is not
	over  map[core.Partition]bool  // the end was met
}

func newBounds(c Config) bounds {
	b := bounds{begin: make(map[core.Partition]bool), since: make(map[core.Partition]int64), over: make(map[core.Partition]bool)}
	if c.Start.kind == core.StartTime {
		b.start = c.Start.n
	}
	if !c.Until.IsZero() {
		b.until = int64(millis(c.Until))
	}
	return b
}

// begun notes that a partition begins where it was told to, whatever its records'
// times.
func (b *bounds) begun(p core.Partition) {
	delete(b.since, p)
	delete(b.over, p)
	if b.start > 0 {
		b.begin[p] = true
	}
}

// forget forgets the partitions of topics that are not received any more: should
// they be again, they begin anew.
func (b *bounds) forget(received func(topic string) bool) {
	gone := func(p core.Partition) bool { return !received(p.Topic) }
	maps.DeleteFunc(b.begin, func(p core.Partition, _ bool) bool { return gone(p) })
	maps.DeleteFunc(b.since, func(p core.Partition, _ int64) bool { return gone(p) })
	maps.DeleteFunc(b.over, func(p core.Partition, _ bool) bool { return gone(p) })
}

// bound cuts off a delivery what is before the time at which its partition is to
// begin, and what is at or beyond the end. It needs the lock.
func (c *Consumer) bound(d *delivery) {
	b, p := &c.bounds, d.run.Partition
	if b.start > 0 && !b.begin[p] {
		b.begin[p], b.since[p] = true, int64(b.start)
	}
	if since, bounded := b.since[p]; bounded {
		for d.at < d.end && before(d.run, d.at, since) {
			d.at++
		}
		if d.at < d.end {
			delete(b.since, p)
		}
	}
	if b.until == 0 {
		return
	}
	for i := d.at; i < d.end; i++ {
		if at, known := timeOf(d.run, i); b.over[p] || known && at >= b.until {
			d.end, b.over[p] = i, true
			c.rx.In.Ignore(p, c.node.Now())
			return
		}
	}
}

// before reports whether a record says that it was made before a time.
func before(run *mesh.Run, i int, ms int64) bool {
	at, known := timeOf(run, i)
	return known && at < ms
}

func timeOf(run *mesh.Run, i int) (ms int64, known bool) {
	t, err := protocol.ParseRecordTrailer(run.Record(i).Trailer)
	return t.Time, err == nil && t.HasTime
}
