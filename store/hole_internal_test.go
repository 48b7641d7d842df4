package store

import (
	"errors"
	"slices"
	"testing"

	"github.com/beckmesh/beck/internal/blocklog"
	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/protocol"
)

// TestHoleCommitted: a commit that leaves a hole has its partition looked through
// again, because what came for the hole before could not be filled in.
func TestHoleCommitted(t *testing.T) {
	log, err := blocklog.Open(t.TempDir(), blocklog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	s := newStore(DefaultConfig(), log, nil)
	address := protocol.NewAddress()
	known, fresh := core.Partition{Topic: "known", Producer: address}, core.Partition{Topic: "new", Producer: address}
	for _, commit := range []struct {
		p     core.Partition
		first uint64
		look  []core.Partition
	}{
		{known, 0, nil},
		{known, 1, nil},
		{known, 5, []core.Partition{known}},
		{known, 6, nil},
		{fresh, 7, []core.Partition{fresh}},
		{fresh, 8, nil},
	} {
		g := &gather{records: log.NewBuilder()}
		err := g.records.Append(commit.first, []byte("v"), nil)
		look, failed := s.write(round{commit.p: g})
		if err := errors.Join(err, failed); err != nil || !slices.Equal(look, commit.look) {
			t.Errorf("%v from %d on: looks at %v, want %v (%v)", commit.p, commit.first, look, commit.look, err)
		}
	}
	for _, p := range []core.Partition{known, fresh} {
		if state, _ := log.State(blocklog.Partition(p)); state.Tail != 0 {
			t.Errorf("%v begins at %d: what is missing could not come any more", p, state.Tail)
		}
	}
}
