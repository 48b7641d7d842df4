package survey

import (
	"cmp"
	"slices"

	"github.com/beckmesh/beck/internal/core"
)

// GapKind tells what is the matter with a Gap.
type GapKind string

// The kinds of gaps.
const (
	Lost    GapKind = "lost"    // nobody who is there has the records, and they have not expired
	Missing GapKind = "missing" // a store lacks them, and fetches them from another node
	Differs GapKind = "differs" // another store holds other records there
	Stalled GapKind = "stalled" // a consumer waits for them, and nobody serves them
)

// Gap is a range of a partition that is not as it should be.
type Gap struct {
	Kind     GapKind `json:"kind"`
	Topic    string  `json:"topic"`
	Topic64  []byte  `json:"topic64,omitempty"`
	Producer string  `json:"producer"`
	Range
	Node string `json:"node,omitempty"` // the store or consumer; "" for Lost
	With string `json:"with,omitempty"` // the other store
}

// Gaps returns the gaps of a topic's partitions, in order, as far as ranges were
// asked for: nodes name the lowest 32 of each partition.
func (t *Topic) Gaps() []Gap {
	gaps := []Gap{}
	for i := range t.List {
		for _, g := range t.List[i].gaps() {
			g.Topic, g.Topic64, g.Producer = t.Name, t.Name64, t.List[i].Producer
			gaps = append(gaps, g)
		}
	}
	return gaps
}

func (p *Partition) gaps() (gaps []Gap) {
	var lost core.Ranges
	for _, r := range p.Lost() {
		lost = append(lost, core.Range{First: r.First, End: r.Last + 1})
		gaps = append(gaps, Gap{Kind: Lost, Range: r})
	}
	for _, h := range p.Holders {
		for _, r := range h.Holes {
			hole := core.Ranges{{First: r.First, End: r.Last + 1}}
			for _, l := range lost {
				hole = hole.Without(l)
			}
			for _, left := range hole {
				gaps = append(gaps, Gap{Kind: Missing, Range: Range{left.First, left.End - 1}, Node: h.Node})
			}
		}
		for _, m := range h.Differs {
			gaps = append(gaps, Gap{Kind: Differs, Range: m.Range, Node: h.Node, With: m.With})
		}
	}
	for _, reader := range p.Readers {
		for _, r := range reader.Stalled {
			gaps = append(gaps, Gap{Kind: Stalled, Range: r, Node: reader.Node})
		}
	}
	slices.SortStableFunc(gaps, func(a, b Gap) int {
		return cmp.Or(cmp.Compare(a.First, b.First), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Node, b.Node))
	})
	return gaps
}

// Lost returns the offsets from the tail to the head that none of the nodes that
// are there has, and that have not expired. Where a node did not name all that it
// lacks, it is taken to have the rest. What a producer has dropped since the stores
// were asked is none of it: it drops what they acknowledged.
func (p *Partition) Lost() (lost []Range) {
	if len(p.Holders) == 0 || p.Head+1 <= p.Tail {
		return nil
	}
	left := core.Ranges{{First: p.Tail, End: p.Head + 1}}
	for _, h := range p.Holders {
		left = left.Without(core.Range{End: h.Expired})
		have := core.Ranges{{First: h.Tail, End: h.Head + 1}}
		for _, r := range h.Holes {
			have = have.Without(core.Range{First: r.First, End: r.Last + 1})
		}
		for _, r := range have {
			left = left.Without(r)
		}
	}
	left = left.Without(p.underWay())
	for _, r := range left {
		lost = append(lost, Range{r.First, r.End - 1})
	}
	return lost
}

// underWay returns what lies behind every store's head and before what the
// producer keeps.
func (p *Partition) underWay() (r core.Range) {
	for _, h := range p.Holders {
		if h.Node == p.Producer {
			r.End = h.Tail
		} else {
			r.First = max(r.First, h.Head+1)
		}
	}
	if r.First == 0 || r.First > r.End {
		return core.Range{}
	}
	return r
}
