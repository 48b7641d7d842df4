package consumer_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/consumer"
	"github.com/beckmesh/beck/internal/testmesh"
)

func TestRemovePositions(t *testing.T) {
	m := testmesh.New(t)
	m.Store("")
	p := m.Producer(nil)
	ctx := testmesh.Context(t)
	for _, topic := range []string{"a", "b"} {
		if err := p.PublishBatch(ctx, testmesh.Records(topic, "v", 10)); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	name := func(c *consumer.Config) { c.NodeConfig, c.SaveAs = m.Node, "n" }
	con := m.Consumer(name, "a", "b")
	testmesh.Take(t, con, 20)
	if err := con.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	c := consumer.DefaultConfig()
	name(&c)
	if _, err := consumer.RemovePositions(ctx, c, "a"); !errors.Is(err, beck.ErrNameInUse) {
		t.Errorf("while the name is in use: %v", err)
	}
	con.Close()
	if removed, err := consumer.RemovePositions(ctx, c, "a", "c"); err != nil || !slices.Equal(removed, []string{"a"}) {
		t.Fatalf("%v %v", removed, err)
	}
	con = m.Consumer(name, "a", "b")
	if got := testmesh.Take(t, con, 10); got[0].Topic != "a" || got[0].Offset != 0 {
		t.Errorf("after the removal: %v", got[0].Place())
	}
	if next, ok := con.Committed("b", p.Address()); !ok || next != 10 {
		t.Errorf("the other topic: %d %v", next, ok)
	}
	con.Close()
	if removed, err := consumer.RemovePositions(ctx, c); err != nil || !slices.Equal(removed, []string{"b"}) {
		t.Errorf("all: %v %v", removed, err)
	}
	if removed, err := consumer.RemovePositions(ctx, c); err != nil || removed != nil {
		t.Errorf("nothing left: %v %v", removed, err)
	}
	c.PositionsFile = "x"
	if _, err := consumer.RemovePositions(ctx, c); !errors.Is(err, beck.ErrConfig) {
		t.Errorf("in a file: %v", err)
	}
}
