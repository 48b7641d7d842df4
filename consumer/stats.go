package consumer

import (
	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/core"
)

// Stats is what a consumer counts.
type Stats struct {
	Delivered  uint64            // records handed to the application
	Taken      uint64            // the same, but what is handed over again, such as what a loop that was left had in hand, counts once, so that it never falls
	TakenBytes uint64            // of their values, as they came
	Queued     int64             // bytes received and not handed over
	Room       int64             // what Queued may be
	Duplicates uint64            // records that came again
	NoRoom     uint64            // records that did not fit, and are fetched later
	Damaged    uint64            // records that came with a checksum not their own, and are fetched again
	Trailers   uint64            // records whose trailer could not be read: they came without key, headers and time
	Unreadable uint64            // records whose value could not be read: ErrValue
	Fetches    uint64            // ranges asked for
	Timeouts   uint64            // ranges that whoever was asked did not send in time
	Refusals   uint64            // ranges that whoever was asked does not have
	Expired    uint64            // records that were not delivered since they had expired
	Skipped    uint64            // records that were not delivered since nobody had them, and SkipMissingAfter had passed
	Links      int               // nodes that we listen to now
	Towers     int               // towers there now
	Malformed  map[string]uint64 // messages dropped, by kind
	Net        beck.LinkStats    // the links
	Waits      string            // what it takes to read the saved positions; "" when that is done
	StoresRead int               // stores whose saved positions the consumer began with; 0 until then
}

// Stats returns what was counted so far.
func (c *Consumer) Stats() Stats {
	c.node.Lock()
	defer c.node.Unlock()
	n, read := c.node.Stats(), 0
	if c.name != nil {
		read = c.name.stores
	}
	in, taken := c.rx.In.Stats, c.taken.Sum()
	return Stats{
		Waits: c.start.missing, StoresRead: read,
		Delivered: c.handed, Taken: taken.Records, TakenBytes: taken.Bytes, Queued: c.rx.In.Queued(), Room: c.cfg.QueueBytes, Duplicates: in.Duplicates,
		Damaged: in.Damaged, Trailers: c.trailers.Load(), Unreadable: c.unreadable.Load(),
		NoRoom: in.NoRoom, Fetches: in.Fetches, Timeouts: in.Timeouts, Refusals: in.Refusals,
		Expired: c.gaps[core.Expired], Skipped: c.gaps[core.Skipped],
		Links: n.Dialled, Towers: n.Towers, Malformed: n.Malformed, Net: c.node.LinkStats(),
	}
}

// TopicStats is what a consumer has received of a topic.
type TopicStats struct {
	Topic      string
	Partitions int    // that are received
	Records    uint64 // handed over since the start
	Bytes      uint64 // of their values, as they came
	Behind     uint64 // records known of and not handed over
	Stalled    int    // partitions that cannot go on, since nobody serves what comes next
	Missing    uint64 // records that nobody serves
}

func (t *TopicStats) add(l *Lag) {
	t.Partitions++
	t.Behind += l.Records()
	if t.Missing += l.Missing; l.Missing > 0 {
		t.Stalled++
	}
}

// TopicStats returns what there is of each topic, sorted, of at most so many topics
// from the first on; all sums up what there is, and further says how many more topics
// there are. Those of which no partition is known are left out.
func (c *Consumer) TopicStats(most int) (topics []TopicStats, all TopicStats, further int) {
	lags := c.Lag()
	c.node.Lock()
	defer c.node.Unlock()
	last, sum := "", c.taken.Sum()
	all.Records, all.Bytes = sum.Records, sum.Bytes
	for i := range lags { // sorted by topic
		l := &lags[i]
		if all.add(l); l.Topic != last {
			if last = l.Topic; len(topics) == most {
				further++
			} else {
				taken := c.taken.Of(l.Topic)
				topics = append(topics, TopicStats{Topic: l.Topic, Records: taken.Records, Bytes: taken.Bytes})
			}
		}
		if further == 0 {
			topics[len(topics)-1].add(l)
		}
	}
	return topics, all, further
}
