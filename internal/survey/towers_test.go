package survey

import (
	"testing"

	"github.com/beckmesh/beck/internal/testmesh"
	"github.com/beckmesh/beck/protocol"
	"github.com/beckmesh/beck/tower"
	"github.com/google/go-cmp/cmp"
)

// TestTowersTold has an observer of one tower learn of the other one, which nodes join,
// and of its end.
func TestTowersTold(t *testing.T) {
	m := testmesh.New(t)
	other, err := tower.Start(tower.Config{Sub: "tcp://127.0.0.1:0", Pub: "tcp://127.0.0.1:0", Logger: testmesh.Logger(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { other.Close() })
	first := m.Node
	m.Node.Sub, m.Node.Pub = append(m.Node.Sub, other.Sub()), append(m.Node.Pub, other.Pub())
	m.Store("")
	m.Node = first
	m.Producer(nil)
	s := survey(t, m, nil)
	snap := look(t, s)
	for deadline := testmesh.Context(t); len(snap.Towers) < 2 || !snap.Towers[1].Up; snap = s.Snapshot(false) {
		if err := s.Round(deadline); err != nil {
			t.Fatalf("%v; towers: %+v", err, snap.Towers)
		}
	}
	if got := snap.Towers[1]; got.Pub != other.Pub() || got.Sub != other.Sub() || !got.Told || got.Started == nil || snap.Towers[0].Told {
		t.Errorf("got %+v", snap.Towers)
	}
	other.Close()
	for deadline := testmesh.Context(t); snap.Towers[1].Up; snap = s.Snapshot(true) {
		if err := s.Round(deadline); err != nil {
			t.Fatalf("%v; towers: %+v", err, snap.Towers)
		}
	}
	// What the observer sees is whole; but somebody should look after the tower.
	if part, v := snap.Part(), snap.Verdict(Limits{}); !part.Complete || v.Status != Warning || v.Summary.Towers != 2 || v.Summary.TowersUp != 1 {
		t.Errorf("got %+v, %+v", part, v)
	}
}

// TestToldOnce counts a tower once that nodes dial by different names.
func TestToldOnce(t *testing.T) {
	start := int64(1_700_000_000_000)
	f := newFacts(10)
	f.node("A").towers = []protocol.TowerState{
		{Sub: "tcp://a:1", Pub: "tcp://a:2", Started: start}, {Sub: "tcp://known:1", Pub: "tcp://known:2", Started: start - 60_000}, {Sub: "tcp://c:8", Pub: "tcp://c:9"},
	}
	f.node("B").towers = []protocol.TowerState{
		{Sub: "tcp://b:1", Pub: "tcp://b:2", Up: true, Started: start + 500}, {Sub: "tcp://d:8", Pub: "tcp://d:9"},
	}
	f.node("C").towers = []protocol.TowerState{{Sub: "tcp://k:1", Pub: "tcp://k:2", Up: true, Started: start - 60_900}}
	known := []Tower{{Pub: "tcp://known:2", Started: millis(start - 60_000)}}
	var got []string
	for _, tw := range f.told(known) {
		state := " down"
		if tw.Up {
			state = " up"
		}
		got = append(got, tw.Pub+state)
	}
	if diff := cmp.Diff([]string{"tcp://b:2 up", "tcp://c:9 down", "tcp://d:9 down"}, got); diff != "" {
		t.Error(diff)
	}
}
