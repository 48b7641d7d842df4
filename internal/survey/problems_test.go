package survey

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// healthy is a mesh in which nothing is wrong.
func healthy() *Snapshot {
	store := func(id string) Node {
		return Node{Address: id, Role: "store", Answered: true, Counts: map[string]uint64{}, Disk: &Disk{State: "well", Free: 50, Size: 100}}
	}
	holder := func(id string) Holder { return Holder{Node: id, Role: "store", Tail: 0, Head: 99, Records: 100} }
	return &Snapshot{
		Complete: true,
		Towers:   []Tower{{Pub: "tcp://t1", Up: true}, {Pub: "tcp://t2", Up: true}},
		Nodes:    []Node{store("S1"), store("S2")},
		Topics: []Topic{{Name: "hello", Partitions: 1, List: []Partition{{
			Producer: "P", Tail: 0, Head: 99, Records: 100, Stores: 2, Holders: []Holder{holder("S1"), holder("S2")},
		}}}},
		Saved: []Saved{{Name: "n", Lag: 10}},
	}
}

func TestProblems(t *testing.T) {
	limits := Limits{MinStores: 2, DiskFree: 0.1, WarnLag: 100, MaxLag: 1000}
	for _, c := range []struct {
		name  string
		spoil func(*Snapshot, *Limits)
		want  []Problem // without their texts
	}{
		{"nothing", func(*Snapshot, *Limits) {}, nil},
		{"a tower", func(s *Snapshot, _ *Limits) { s.Towers[1].Up = false }, []Problem{{Level: Warning, Kind: "tower", Node: "tcp://t2"}}},
		{"all towers", func(s *Snapshot, _ *Limits) { s.Towers[0].Up, s.Towers[1].Up = false, false },
			[]Problem{{Level: Critical, Kind: "tower", Node: "tcp://t1"}, {Level: Critical, Kind: "tower", Node: "tcp://t2"}}},
		{"silent store", func(s *Snapshot, _ *Limits) { s.Silent = []string{"S2"} }, []Problem{{Level: Critical, Kind: "node", Node: "S2"}}},
		{"silent producer", func(s *Snapshot, _ *Limits) { s.Silent, s.Nodes[0].Role = []string{"S1"}, "producer" }, []Problem{{Level: Warning, Kind: "node", Node: "S1"}}},
		{"full disk", func(s *Snapshot, _ *Limits) { s.Nodes[0].Disk.State = "full" }, []Problem{{Level: Critical, Kind: "disk", Node: "S1"}}},
		{"little room", func(s *Snapshot, _ *Limits) { s.Nodes[0].Disk.Free = 9 }, []Problem{{Level: Warning, Kind: "disk", Node: "S1"}}},
		{"unknown room", func(s *Snapshot, _ *Limits) { s.Nodes[0].Disk = &Disk{State: "well"} }, nil},
		{"hole in one", func(s *Snapshot, _ *Limits) {
			h := &s.Topics[0].List[0].Holders[0]
			h.Missing, h.Holes = 5, []Range{{10, 14}}
		}, []Problem{{Level: Warning, Kind: "missing", Node: "S1", Topic: "hello"}}},
		{"hole in both", func(s *Snapshot, _ *Limits) {
			for i, r := range []Range{{10, 14}, {12, 16}} {
				h := &s.Topics[0].List[0].Holders[i]
				h.Missing, h.Holes = 5, []Range{r}
			}
		}, []Problem{{Level: Critical, Kind: "missing", Topic: "hello"},
			{Level: Warning, Kind: "missing", Node: "S1", Topic: "hello"}, {Level: Warning, Kind: "missing", Node: "S2", Topic: "hello"}}},
		{"conflict", func(s *Snapshot, _ *Limits) { s.Topics[0].List[0].Holders[1].Conflicts = 1 }, []Problem{{Level: Critical, Kind: "conflict", Node: "S2", Topic: "hello"}}},
		{"one store, producer gone", func(s *Snapshot, _ *Limits) { s.Topics[0].List[0].Stores = 1 }, []Problem{{Level: Critical, Kind: "stores", Topic: "hello"}}},
		{"one store, producer there", func(s *Snapshot, _ *Limits) { s.Topics[0].List[0].Stores, s.Topics[0].List[0].Alive = 1, true }, []Problem{{Level: Warning, Kind: "stores", Topic: "hello"}}},
		{"nothing is kept", func(s *Snapshot, _ *Limits) { s.Topics[0].List[0].Stores, s.Topics[0].List[0].Records = 0, 0 }, nil},
		{"stalled", func(s *Snapshot, _ *Limits) {
			s.Topics[0].List[0].Readers = []Reader{{Node: "C", Stalled: []Range{{3, 4}}}}
		}, []Problem{{Level: Warning, Kind: "stalled", Node: "C", Topic: "hello"}}},
		{"some lag", func(s *Snapshot, _ *Limits) { s.Saved[0].Lag = 101 }, []Problem{{Level: Warning, Kind: "lag", Name: "n"}}},
		{"much lag", func(s *Snapshot, _ *Limits) { s.Saved[0].Lag = 1001 }, []Problem{{Level: Critical, Kind: "lag", Name: "n"}}},
		{"lag of another", func(s *Snapshot, l *Limits) { s.Saved[0].Lag, l.Names = 1001, []string{"m"} }, []Problem{{Level: Critical, Kind: "lag", Name: "m"}}},
		{"lost by a store", func(s *Snapshot, _ *Limits) { s.Nodes[1].Counts["lost"] = 1 }, []Problem{{Level: Warning, Kind: "missing", Node: "S2"}}},
		{"too many", func(s *Snapshot, _ *Limits) { s.Overflow = 1 }, []Problem{{Level: Warning, Kind: "partial"}}},
	} {
		s, l := healthy(), limits
		c.spoil(s, &l)
		got := s.Problems(l)
		worst := OK
		for i := range got {
			if got[i].Text == "" {
				t.Errorf("%s: no text", c.name)
			}
			got[i].Text = ""
			worst = max(worst, got[i].Level)
		}
		if diff := cmp.Diff(c.want, got); diff != "" || Worst(got) != worst {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

func TestGaps(t *testing.T) {
	p := Partition{Producer: "P", Tail: 0, Head: 99, Holders: []Holder{
		{Node: "S1", Tail: 10, Head: 89, Expired: 5, Holes: []Range{{20, 29}, {40, 49}}, Differs: []Mark{{Range{60, 69}, "S2"}}},
		{Node: "S2", Tail: 0, Head: 79, Holes: []Range{{2, 7}, {25, 44}}},
	}, Readers: []Reader{{Node: "C", Stalled: []Range{{25, 29}}}}}
	topic := Topic{Name: "hello", List: []Partition{p}}
	want := []Gap{
		{Kind: Missing, Range: Range{2, 4}, Node: "S2"}, // expired, and so not lost
		{Kind: Lost, Range: Range{5, 7}},
		{Kind: Missing, Range: Range{20, 24}, Node: "S1"},
		{Kind: Lost, Range: Range{25, 29}},
		{Kind: Stalled, Range: Range{25, 29}, Node: "C"},
		{Kind: Missing, Range: Range{30, 39}, Node: "S2"},
		{Kind: Lost, Range: Range{40, 44}},
		{Kind: Missing, Range: Range{45, 49}, Node: "S1"},
		{Kind: Differs, Range: Range{60, 69}, Node: "S1", With: "S2"},
		{Kind: Lost, Range: Range{90, 99}},
	}
	for i := range want {
		want[i].Topic, want[i].Producer = "hello", "P"
	}
	if diff := cmp.Diff(want, topic.Gaps()); diff != "" {
		t.Error(diff)
	}
}

// TestGapUnderWay asks a producer after the store: by then it has dropped what the
// store has got since.
func TestGapUnderWay(t *testing.T) {
	p := Partition{Producer: "P", Tail: 0, Head: 199, Holders: []Holder{
		{Node: "P", Tail: 150, Head: 199}, {Node: "S1", Head: 99}, {Node: "S2", Head: 49},
	}}
	if lost := p.Lost(); lost != nil {
		t.Errorf("lost: %v", lost)
	}
	p.Holders = p.Holders[1:]
	if lost := p.Lost(); len(lost) != 1 || lost[0] != (Range{100, 199}) {
		t.Errorf("without the producer: %v", lost)
	}
}

// Of partitions that too few stores have, one is named whose producer is gone.
func TestUnderStoredNames(t *testing.T) {
	s := healthy()
	s.Topics[0].List = []Partition{
		{Producer: "A", Alive: true, Records: 1}, {Producer: "B", Records: 1}, {Producer: "C", Records: 1},
	}
	found := s.Problems(Limits{MinStores: 1})
	if len(found) != 1 || !strings.HasSuffix(found[0].Text, "of 3 partitions is in fewer than 1 stores, of 2 the producer is gone (B)") {
		t.Errorf("found %v", found)
	}
}
