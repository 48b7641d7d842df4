package store

import (
	"testing"

	"github.com/beckmesh/beck/internal/blocklog"
	"github.com/beckmesh/beck/internal/core"
)

// TestRounds fills rounds for one partition: a new one is begun when one is large
// enough, they come back in order, and giving up takes all of them or none.
func TestRounds(t *testing.T) {
	p, q := core.Partition{Topic: "p"}, core.Partition{Topic: "q"}
	fill := func(first uint64) (r rounds) {
		for seq := first; seq < first+6; seq++ {
			g := r.last()[p]
			if g == nil {
				g = &gather{records: blocklog.NewBuilder(0)}
				r.last()[p] = g
			}
			if err := g.records.Append(seq, nil, nil); err != nil {
				t.Fatal(err)
			}
			g.bytes += roundBytes / 2
			r.bytes += roundBytes / 2
		}
		return r
	}
	r := fill(100)
	if !r.holds(p) || r.holds(q) || len(r.list) != 3 {
		t.Fatalf("%d rounds", len(r.list))
	}
	for first := uint64(100); first < 106; first += 2 {
		if g := r.next()[p]; g.records.First() != first || g.records.Count() != 2 {
			t.Errorf("round of %d records from %d on, want 2 from %d on", g.records.Count(), g.records.First(), first)
		}
	}
	if r.next() != nil || r.holds(p) {
		t.Error("a round more than was filled")
	}

	r = fill(100)
	if _, dropped := r.drop(p, 100); dropped {
		t.Error("dropped what lies above")
	}
	if _, dropped := r.drop(q, 200); dropped {
		t.Error("dropped what was not there")
	}
	if bytes, dropped := r.drop(p, 101); !dropped || bytes != 3*roundBytes || len(r.list) != 0 {
		t.Errorf("dropped %v, %d bytes, %d rounds left", dropped, bytes, len(r.list))
	}
}

// TestRoundsFilling finds what was missing and is not on disk yet, wherever it
// waits: until then nothing is acknowledged.
func TestRoundsFilling(t *testing.T) {
	p := core.Partition{Topic: "p"}
	plain := round{p: {records: blocklog.NewBuilder(0)}}
	fills := round{p: {records: blocklog.NewBuilder(0), fills: blocklog.NewBuilder(0)}}
	for _, c := range []struct {
		rounds rounds
		want   bool
	}{
		{rounds{}, false},
		{rounds{list: []round{plain}, writing: plain}, false},
		{rounds{list: []round{plain, fills}}, true},
		{rounds{writing: fills}, true},
	} {
		if got := c.rounds.filling(p); got != c.want {
			t.Errorf("%d rounds, %d written: %v", len(c.rounds.list), len(c.rounds.writing), got)
		}
	}
}
