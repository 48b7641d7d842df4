package survey

import (
	"time"

	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/protocol"
)

// facts is what nodes have told. The node's lock guards it.
type facts struct {
	nodes    map[string]*nodeFacts
	parts    map[core.Partition]*part
	limit    int
	kept     int    // holds of all partitions
	overflow uint64 // that there was no room for, in this round
}

// nodeFacts is what a node told of itself.
type nodeFacts struct {
	round  uint64 // the last that it has answered to the end
	counts []protocol.Count
	at     time.Time // when it told them
	rates  *Rates    // since it told them before; nil if it did not
	disk   *protocol.Disk
	links  []protocol.Link
	towers []protocol.TowerState
}

// part is a partition, as nodes told of it.
type part struct {
	holds []hold // one of each node
	head  uint64 // behind the highest record when the round began; 0: unknown
}

// hold is what a node told of a partition.
type hold struct {
	node   string
	reader bool // it is a consumer, which is to be given Next
	round  uint64
	at     time.Time // when it was told
	rate   float64   // records a second since it was told before
	status protocol.PartitionStatus
}

func newFacts(limit int) *facts {
	return &facts{nodes: make(map[string]*nodeFacts), parts: make(map[core.Partition]*part), limit: limit}
}

func (f *facts) node(id string) *nodeFacts {
	n := f.nodes[id]
	if n == nil {
		n = new(nodeFacts)
		f.nodes[id] = n
	}
	return n
}

// begin notes how far partitions were when a round begins. While records are
// published nobody has the newest at the time he is asked; but in the round after,
// stores have what was the newest before.
func (f *facts) begin() {
	f.overflow = 0
	for _, p := range f.parts {
		for i := range p.holds {
			if h := &p.holds[i]; !h.reader {
				p.head = max(p.head, h.status.Next)
			}
		}
	}
}

// forget drops what a node told: it is gone.
func (f *facts) forget(id string) {
	if f.nodes[id] == nil {
		return
	}
	delete(f.nodes, id)
	f.drop(func(h *hold) bool { return h.node == id })
}

// page takes a page of a node's report.
func (f *facts) page(id, role string, r *protocol.Report, round uint64, now time.Time) {
	n := f.node(id)
	if r.Query.After == (protocol.Place{}) {
		n.count(r.Counts, now)
		n.disk, n.links, n.towers = r.Disk, r.Links, r.Towers
	}
	for i := range r.Partitions {
		p := r.Partitions[i]
		f.take(hold{node: id, reader: role == protocol.RoleConsumer && !own(id, &p), round: round, at: now, status: p})
	}
}

// count takes what a node counts, in place of what it counted before.
func (n *nodeFacts) count(counts []protocol.Count, now time.Time) {
	n.rates = ratesOf(n.counts, counts, now.Sub(n.at))
	n.counts, n.at = counts, now
}

// own reports whether a partition is the node's: a consumer publishes its
// positions.
func own(id string, p *protocol.PartitionStatus) bool { return p.Producer == id && p.Records > 0 }

// head takes a foreign node's head: it has something up to there.
func (f *facts) head(id string, p core.Partition, head uint64, round uint64, now time.Time) {
	n := f.node(id)
	n.round = round
	if head+1 == 0 {
		return
	}
	f.take(hold{node: id, round: round, at: now, status: protocol.PartitionStatus{
		Topic: p.Topic, Producer: p.Producer, Next: head + 1, Records: head + 1,
	}})
}

// take keeps what a node told of a partition, in place of what it told before.
func (f *facts) take(h hold) {
	key := core.Partition{Topic: h.status.Topic, Producer: h.status.Producer}
	p := f.parts[key]
	if p != nil {
		h.status.Topic, h.status.Producer = p.holds[0].status.Topic, p.holds[0].status.Producer // one string for all
		for i := range p.holds {
			if old := &p.holds[i]; old.node == h.node && old.reader == h.reader {
				h.rate = old.rateTo(&h)
				*old = h
				return
			}
		}
	}
	if f.kept >= f.limit {
		f.overflow++
		return
	}
	if p == nil {
		p = new(part)
		f.parts[key] = p
	}
	f.kept++
	p.holds = append(p.holds, h)
}

// rateTo returns the rate from what was told before to what is told now.
func (h *hold) rateTo(now *hold) float64 {
	passed := now.at.Sub(h.at).Seconds()
	if now.status.Next < h.status.Next || passed <= 0 {
		return 0
	}
	return float64(now.status.Next-h.status.Next) / passed
}

// ended notes that a node has told everything: what it told in rounds before, and
// not again, it has no more.
func (f *facts) ended(id string, round uint64) {
	f.node(id).round = round
	if round > 1 {
		f.drop(func(h *hold) bool { return h.node == id && h.round < round })
	}
}

// drop forgets what was told that matches.
func (f *facts) drop(gone func(*hold) bool) {
	for key, p := range f.parts {
		kept := p.holds[:0]
		for i := range p.holds {
			if !gone(&p.holds[i]) {
				kept = append(kept, p.holds[i])
			}
		}
		clear(p.holds[len(kept):])
		f.kept -= len(p.holds) - len(kept)
		if p.holds = kept; len(kept) == 0 {
			delete(f.parts, key)
		}
	}
}
