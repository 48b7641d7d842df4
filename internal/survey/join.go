package survey

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/protocol"
)

// Snapshot joins what nodes have told by now. list includes every partition, and
// not only the sums of topics.
func (s *Survey) Snapshot(list bool) *Snapshot {
	s.node.Lock()
	defer s.node.Unlock()
	now := s.node.Now()
	snap := &Snapshot{
		Time: now, Silent: s.silent(), Overflow: s.facts.overflow, Towers: s.towers(), Nodes: s.nodes(), Topics: []Topic{},
	}
	snap.Complete = s.over() && s.node.TowersUp() > 0 && len(snap.Silent) == 0 && snap.Overflow == 0 &&
		(s.saved == nil || s.saved.complete(now))
	snap.Topics = s.topics(list)
	if s.saved != nil {
		snap.Saved = s.saved.snapshot(s)
	}
	return snap
}

// silent returns the nodes that do not answer.
func (s *Survey) silent() []string {
	return slices.DeleteFunc(s.inquiry.Silent(), func(id string) bool {
		p := s.node.Peer(id)
		return p == nil
	})
}

// since returns a time for JSON: nil for none.
func since(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC().Truncate(time.Millisecond)
	return &t
}

func millis(ms int64) *time.Time {
	if ms == 0 {
		return nil
	}
	return since(time.UnixMilli(ms))
}

// nodes returns the nodes that towers name, by role and address. Observers are
// none of the mesh.
func (s *Survey) nodes() []Node {
	list := []Node{}
	for _, st := range s.node.Known() {
		if st.Info != nil && st.Info.Role == protocol.RoleObserver {
			continue
		}
		n := Node{Address: st.UUID, Endpoints: st.Endpoints, Endpoint: st.Endpoint, Linked: st.Linked, Started: since(st.Started)}
		if n.Endpoint == "" && len(n.Endpoints) > 0 {
			n.Endpoint = n.Endpoints[0]
		}
		if i := st.Info; i != nil {
			n.Role, n.Name, n.Version, n.Saves = i.Role, i.Name, i.Version, i.Holds.Name
		}
		if p := s.node.Peer(st.UUID); p != nil {
			n.Foreign = p.Foreign() && p.Dialled != nil
		}
		n.Answered = n.Linked && s.inquiry.Answered(st.UUID)
		if f := s.facts.nodes[st.UUID]; f != nil {
			n.told(f)
		}
		list = append(list, n)
	}
	slices.SortStableFunc(list, func(a, b Node) int { return strings.Compare(a.Role, b.Role) })
	return list
}

// told fills in what the node told itself.
func (n *Node) told(f *nodeFacts) {
	if len(f.counts) > 0 {
		n.Counts = make(map[string]uint64, len(f.counts))
		for _, c := range f.counts {
			n.Counts[c.Name] = c.N
		}
	}
	n.Rates = f.rates
	for _, l := range f.links {
		n.Links = append(n.Links, Link{
			Address: l.UUID, Dialled: l.Flags&protocol.LinkDialled != 0, Accepted: l.Flags&protocol.LinkAccepted != 0,
		})
	}
	if d := f.disk; d != nil {
		n.Disk = &Disk{Used: d.Used, Free: d.Free, Size: d.Size, State: d.State.String()}
	}
}

// topics sums up what nodes have, by topic.
func (s *Survey) topics(list bool) []Topic {
	topics := []Topic{}
	for _, key := range slices.SortedFunc(maps.Keys(s.facts.parts), core.Partition.Compare) {
		p, held := s.partition(key, list)
		if !held {
			continue
		}
		if n := len(topics); n == 0 || topics[n-1].Name != key.Topic {
			topics = append(topics, Topic{Name: key.Topic, Name64: Bytes(key.Topic)})
		}
		topics[len(topics)-1].add(p, list)
	}
	return topics
}

func (t *Topic) add(p Partition, list bool) {
	t.Partitions++
	if p.Alive {
		t.Alive++
	}
	t.Records += p.Records
	t.Bytes += p.Bytes
	t.Rate += p.Rate
	if p.Last != nil && (t.Last == nil || p.Last.After(*t.Last)) {
		t.Last = p.Last
	}
	for i := range p.Holders {
		t.Missing += p.Holders[i].Missing
		t.Conflicts += p.Holders[i].Conflicts
	}
	if list {
		t.List = append(t.List, p)
	}
}

// partition joins what nodes told of a partition. held is false if none of them
// has anything of it.
func (s *Survey) partition(key core.Partition, list bool) (p Partition, held bool) {
	producer := s.node.Peer(key.Producer)
	p = Partition{Producer: key.Producer, Alive: producer != nil && producer.Dialled != nil, Holders: []Holder{}}
	for i := range s.facts.parts[key].holds {
		h := &s.facts.parts[key].holds[i]
		if h.reader {
			p.Readers = append(p.Readers, reader(h))
			continue
		}
		if h.status.Next == 0 {
			continue
		}
		held = true
		p.join(h)
		p.Holders = append(p.Holders, s.holder(h))
	}
	least := p.Head + 1
	if was := s.facts.parts[key].head; was > 0 {
		least = min(least, was)
	}
	for i := range p.Holders {
		if h := &p.Holders[i]; h.Head+1 >= least && h.Role != protocol.RoleProducer && h.Node != key.Producer {
			p.Stores++
		}
	}
	p.count()
	slices.SortFunc(p.Holders, func(a, b Holder) int { return strings.Compare(a.Node, b.Node) })
	slices.SortFunc(p.Readers, func(a, b Reader) int { return strings.Compare(a.Node, b.Node) })
	return p, held
}

// join takes what a holder said into what is said of the partition.
func (p *Partition) join(h *hold) {
	st := &h.status
	if len(p.Holders) == 0 || st.Tail < p.Tail {
		p.Tail = st.Tail
	}
	p.Head = max(p.Head, st.Next-1)
	p.Rate = max(p.Rate, h.rate)
	if h.node == p.Producer {
		p.Pending = st.Pending
	}
	if at := millis(st.Last); at != nil && (p.Last == nil || at.After(*p.Last)) {
		p.Last = at
	}
}

// count finds how many records can be had: what the fullest store has, and what
// the producer has behind that.
func (p *Partition) count() {
	var stored, head uint64 // of the fullest store; head is one behind
	for i := range p.Holders {
		h := &p.Holders[i]
		if h.Node != p.Producer && h.Records >= stored {
			stored, head = h.Records, h.Head+1
			p.Bytes = max(p.Bytes, h.Bytes)
		}
	}
	p.Records = stored
	for i := range p.Holders {
		if h := &p.Holders[i]; h.Node == p.Producer && h.Records > 0 {
			p.Records += h.Head + 1 - min(max(h.Tail, head), h.Head+1)
			if stored == 0 {
				p.Bytes = h.Bytes
			}
		}
	}
}

func (s *Survey) holder(h *hold) Holder {
	st := &h.status
	out := Holder{
		Node: h.node, Tail: st.Tail, Head: st.Next - 1, Records: st.Records, Bytes: st.Bytes,
		Last: millis(st.Last), Missing: st.Missing, Conflicts: st.Conflicts, Expired: st.Expired, Holes: ranges(st.Holes),
	}
	if p := s.node.Peer(h.node); p != nil {
		out.Role = p.Role()
	}
	for _, m := range st.Marks {
		out.Differs = append(out.Differs, Mark{Range{m.First, m.Next - 1}, m.With})
	}
	return out
}

func reader(h *hold) Reader {
	return Reader{Node: h.node, Next: h.status.Next, Lag: h.status.Pending, Stalled: ranges(h.status.Holes)}
}

func ranges(pairs []uint64) (list []Range) {
	for i := 0; i+1 < len(pairs); i += 2 {
		list = append(list, Range{pairs[i], pairs[i+1] - 1})
	}
	return list
}
