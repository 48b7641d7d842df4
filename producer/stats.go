package producer

import (
	"slices"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/internal/histogram"
)

// Stats is what a producer counts.
type Stats struct {
	Published     uint64            // records given an offset
	Recovered     uint64            // records that the journal had kept
	Bytes         uint64            // of published and recovered records, as they are encoded
	Stored        uint64            // of them, those that MinStoreAcks stores have on disk (0 with MinStoreAcks 0)
	Unstored      uint64            // of them, those that lack acknowledgements (0 with MinStoreAcks 0)
	UnstoredBytes uint64            // bytes of the window that cannot leave it for lack of acknowledgements (0 with MinStoreAcks 0)
	WindowBytes   int64             // memory that the window takes now
	Links         int               // nodes that listen to us now
	Stores        int               // nodes that have ever acknowledged a record
	Towers        int               // towers there now
	Skipped       uint64            // records that left the window before a slow link had them; their reader fetches them
	Malformed     map[string]uint64 // messages dropped, by kind
	Net           beck.LinkStats    // the links
}

// Stats returns what was counted so far.
func (p *Producer) Stats() Stats {
	p.node.Lock()
	defer p.node.Unlock()
	s, n := p.stats, p.node.Stats()
	s.Stores = len(p.ackers)
	if p.cfg.MinStoreAcks > 0 {
		s.Unstored = p.node.Window().Unacked()
		s.Stored = s.Published + s.Recovered - s.Unstored
	}
	for _, l := range p.node.Window().Logs() {
		_, bytes := l.Appended()
		s.Bytes += bytes
		if _, bytes = l.Unacked(); p.cfg.MinStoreAcks > 0 {
			s.UnstoredBytes += bytes
		}
	}
	s.WindowBytes, s.Links, s.Towers = n.Used, n.Accepted, n.Towers
	s.Skipped, s.Malformed, s.Net = n.Skipped, n.Malformed, p.node.LinkStats()
	return s
}

// Histogram says how many of the values that were observed are at or below each
// bound.
type Histogram = histogram.Histogram

// newWaits has bounds from 100 µs to 52 s.
func newWaits() Histogram { return histogram.Doubling(100e-6, 20) }

// AckSeconds returns how long records took, from being published until MinStoreAcks
// stores had them on disk: each one that came so far since the start. Few of their
// times are kept, so that one may count as up to a 16th too old, or 0.1 ms. With
// MinStoreAcks 0 there are none.
func (p *Producer) AckSeconds() Histogram {
	p.node.Lock()
	defer p.node.Unlock()
	return p.waits.Clone()
}

// measure notes how long the records of a log took that are acknowledged now. It
// needs the lock.
func (p *Producer) measure(log *core.Log, acked uint64) {
	if p.cfg.MinStoreAcks == 0 {
		return
	}
	log.Waits.Acked(acked, log.Next(), p.node.Micros(), func(waited int64, records uint64) {
		p.waits.ObserveN(float64(waited)/1e6, records)
	})
}

// TopicStats is what a producer has published to a topic.
type TopicStats struct {
	Topic    string
	Records  uint64 // published, or kept by the journal from before
	Bytes    uint64 // of these records, as they are encoded
	Unstored uint64 // of these records, those that lack acknowledgements (0 with MinStoreAcks 0)
}

// TopicStats returns what there is of each topic, sorted, of at most so many topics
// from the first on; further says how many more there are.
func (p *Producer) TopicStats(most int) (topics []TopicStats, further int) {
	p.node.Lock()
	defer p.node.Unlock()
	logs := p.node.Window().Logs()
	most = min(most, len(logs))
	topics = slices.Grow(topics, most)
	for _, l := range logs[:most] {
		t := TopicStats{Topic: l.Topic}
		if t.Records, t.Bytes = l.Appended(); p.cfg.MinStoreAcks > 0 {
			t.Unstored = l.Next() - l.Acked()
		}
		topics = append(topics, t)
	}
	return topics, len(logs) - most
}
