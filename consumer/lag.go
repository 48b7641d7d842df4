package consumer

import "github.com/beckmesh/beck/internal/core"

// Lag is how far a consumer is behind in one partition.
type Lag struct {
	Topic, Partition string
	Next             uint64 // offset of the record that the application is given next
	Tail             uint64 // lowest offset that a node says it has; 0 if none says so
	Head             uint64 // offset behind the last record that is known of, at least Next
	HeadKnown        bool   // a node said how far the partition goes; else Head is only where it began
	Paused           bool
	Missing          uint64 // records from Next on that nobody serves now: the partition cannot go on
}

// Records returns how many records there are that the application was not given.
// Some may have expired.
func (l Lag) Records() uint64 { return l.Head - l.Next }

// Lag returns how far each partition is behind, sorted by topic and partition.
// Those of which it is not decided yet where they begin are left out. A loop over
// Records takes up to 1024 records at a time, and counts them all as given.
func (c *Consumer) Lag() []Lag {
	c.node.Lock()
	defer c.node.Unlock()
	waiting := make(map[core.Partition]uint64)
	for i := range c.rest {
		r := &c.rest[i]
		c.waits(waiting, core.Partition{Topic: r.Topic, Producer: r.Partition}, r.Offset)
	}
	for i := range c.queue {
		d := &c.queue[i]
		c.waits(waiting, d.run.Partition, d.run.First+uint64(d.at))
	}
	var lags []Lag
	for _, st := range c.rx.In.Standings(core.Selection{}) {
		if !c.wants.match(st.Topic) { // where positions are saved
			continue
		}
		l := Lag{Topic: st.Topic, Partition: st.Producer, Next: st.Next, Tail: st.Lowest, Head: st.Head, HeadKnown: st.Named, Paused: st.Paused, Missing: st.Stalled.Len()}
		if at, queued := waiting[st.Partition]; queued {
			l.Next = at
		}
		lags = append(lags, l)
	}
	return lags
}

// waits notes the lowest offset that waits for the application.
func (c *Consumer) waits(waiting map[core.Partition]uint64, p core.Partition, offset uint64) {
	if at, known := waiting[p]; !known || offset < at {
		waiting[p] = offset
	}
}
