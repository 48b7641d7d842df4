package survey

import (
	"sync"
	"testing"

	"github.com/beckmesh/beck/internal/foreign"
	"github.com/beckmesh/beck/internal/testmesh"
	"github.com/beckmesh/beck/protocol"
)

// watched notes what of ours a foreign node is sent.
type watched struct {
	mu   sync.Mutex
	seen map[protocol.Kind]bool
}

func (w *watched) note(k protocol.Kind) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen[k] = true
}

// watch has a node's subscriptions and messages noted besides what it does.
func (w *watched) watch(n *foreign.Node) {
	message, subscribe := n.OnMessage, n.OnSubscribe
	n.OnMessage = func(m foreign.Message) {
		w.note(m.Kind)
		if message != nil {
			message(m)
		}
	}
	n.OnSubscribe = func(prefix string) {
		k, _, _ := protocol.SplitSubscription([]byte(prefix))
		w.note(k)
		if subscribe != nil {
			subscribe(prefix)
		}
	}
}

// TestForeign surveys a mesh with a foreign store, whose reader lists heads, and a
// foreign producer: what heads say is shown, and they see nothing of ours.
func TestForeign(t *testing.T) {
	m := testmesh.New(t)
	w := &watched{seen: make(map[protocol.Kind]bool)}
	st := foreign.NewStore(t)
	gone := protocol.NewAddress()
	st.Fill("old", gone, "a", "b", "c")
	p := foreign.NewProducer(t, "new")
	w.watch(st.Reader)
	w.watch(p.Node)
	st.Join(m.Tower.Sub(), m.Tower.Pub())
	p.Join(m.Tower.Sub(), m.Tower.Pub())
	p.Keep("x")
	p.Keep("y")
	s := survey(t, m, nil)
	look(t, s)
	p.AwaitSubscription("H")
	p.Head()
	testmesh.Until(t, "heads of the foreign nodes", func() bool { return len(s.Snapshot(true).Topics) == 2 })
	snap := look(t, s)
	if len(snap.Nodes) != 3 || !snap.Complete {
		t.Errorf("complete %v, silent %v, nodes %+v", snap.Complete, snap.Silent, snap.Nodes)
	}
	for _, n := range snap.Nodes {
		if !n.Foreign || !n.Linked || n.Role != "" {
			t.Errorf("%+v", n)
		}
	}
	if part := snap.Topics[1].List[0]; snap.Topics[1].Name != "old" || part.Head != 2 || part.Alive || part.Producer != gone ||
		part.Stores != 1 || part.Holders[0].Node != st.Reader.UUID {
		t.Errorf("%+v", snap.Topics[1])
	}
	if part := snap.Topics[0].List[0]; snap.Topics[0].Name != "new" || part.Head != 1 || !part.Alive || part.Holders[0].Node != p.UUID {
		t.Errorf("%+v", snap.Topics[0])
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, k := range []protocol.Kind{protocol.KindQuery, protocol.KindReport, protocol.KindStored} {
		if w.seen[k] {
			t.Errorf("a foreign node saw a %v", k)
		}
	}
	if !w.seen[protocol.KindGetHeads] {
		t.Error("nobody was asked for heads")
	}
}
