package httpd

import (
	"fmt"
	"testing"

	"github.com/beckmesh/beck/internal/survey"
)

// TestEventBounded: an event about a large mesh lists what there is room for, counts
// the rest, and leaves the snapshot as it was.
func TestEventBounded(t *testing.T) {
	snap := &survey.Snapshot{Saved: make([]survey.Saved, mostTopics+3)}
	for i := range mostNodes + 7 {
		n := survey.Node{Address: fmt.Sprintf("%032X", i), Role: "producer", Links: make([]survey.Link, mostLinks+i)}
		snap.Nodes = append(snap.Nodes, n)
	}
	for i := range mostTopics + 9 {
		list := []survey.Partition{{Producer: snap.Nodes[0].Address, Records: 1, Readers: []survey.Reader{{Node: snap.Nodes[mostNodes].Address}}}}
		snap.Topics = append(snap.Topics, survey.Topic{Name: fmt.Sprintf("t%04d", i), List: list})
	}
	snap.Topics = append([]survey.Topic{{Name: "_beck.positions", List: snap.Topics[0].List}}, snap.Topics...)
	m := newMeshJSON(snap)
	if len(m.Nodes) != mostNodes || len(m.Topics) != mostTopics || len(m.Saved) != mostTopics || len(m.Problems) != mostProblems {
		t.Errorf("%d nodes, %d topics, %d saved names, %d problems", len(m.Nodes), len(m.Topics), len(m.Saved), len(m.Problems))
	}
	// each topic's head, of beck's own too, is in fewer than one store
	if want := (leftOutJSON{Nodes: 7, Topics: 9, Saved: 3, Problems: mostTopics + 10 - mostProblems}); m.LeftOut != want {
		t.Errorf("left out are %+v, want %+v", m.LeftOut, want)
	}
	if n := m.Nodes[0]; len(n.Topics) != mostNamed || n.MoreTopics != mostTopics+9-mostNamed || n.Topics[0] != "t0000" || n.MoreLinks != 0 {
		t.Errorf("got %d topics and %d more, %d more links", len(n.Topics), n.MoreTopics, n.MoreLinks)
	}
	if n := m.Nodes[5]; len(n.Links) != mostLinks || n.MoreLinks != 5 || len(snap.Nodes[5].Links) != mostLinks+5 {
		t.Errorf("got %d links and %d more, of %d", len(n.Links), n.MoreLinks, len(snap.Nodes[5].Links))
	}
	if m.Topics[0].List != nil || snap.Topics[1].List == nil {
		t.Error("the snapshot was changed, or partitions are told")
	}
}
