package survey

import (
	"testing"
	"time"

	"github.com/beckmesh/beck/internal/testmesh"
	"github.com/beckmesh/beck/protocol"
	"github.com/google/go-cmp/cmp"
)

func TestRatesOf(t *testing.T) {
	rate := func(r float64) *float64 { return &r }
	for _, c := range []struct {
		name        string
		before, now []protocol.Count
		passed      time.Duration
		want        *Rates
	}{
		{"the first time", nil, []protocol.Count{{Name: "published", N: 7}}, time.Second, nil},
		{"no time between", []protocol.Count{{Name: "published"}}, []protocol.Count{{Name: "published", N: 7}}, 0, nil},
		{"others", []protocol.Count{{Name: "peers", N: 1}}, []protocol.Count{{Name: "peers", N: 7}}, time.Second, &Rates{}},
		{"new count", []protocol.Count{{Name: "peers", N: 1}}, []protocol.Count{{Name: "published", N: 7}}, time.Second, &Rates{}},
		{"began anew", []protocol.Count{{Name: "committed", N: 9}}, []protocol.Count{{Name: "committed", N: 7}}, time.Second, &Rates{RecordsIn: rate(0)}},
		{
			"sums", []protocol.Count{{Name: "published", N: 10}, {Name: "served", N: 1}, {Name: "delivered", N: 3}, {Name: "sent_bytes"}, {Name: "received_bytes"}},
			[]protocol.Count{{Name: "received_bytes", N: 2}, {Name: "sent_bytes", N: 8}, {Name: "published", N: 30}, {Name: "served", N: 5}, {Name: "delivered", N: 5}},
			2 * time.Second, &Rates{RecordsIn: rate(1), RecordsOut: rate(12), BytesIn: rate(1), BytesOut: rate(4)},
		},
	} {
		if diff := cmp.Diff(c.want, ratesOf(c.before, c.now, c.passed)); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

// TestRates are known from the second round on, and those of a node that is idle 0.
func TestRates(t *testing.T) {
	m := testmesh.New(t)
	m.Store("")
	p, c := m.Producer(nil), m.Consumer(nil, "hello")
	s := survey(t, m, nil)
	if n := look(t, s).Nodes; len(n) != 3 || n[0].Rates != nil {
		t.Fatalf("the first round: %+v", n)
	}
	ctx := testmesh.Context(t)
	if err := p.PublishBatch(ctx, testmesh.Records("hello", "v", 100)); err != nil {
		t.Fatal(err)
	}
	if err := p.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	testmesh.Take(t, c, 100)
	for busy := true; ; busy = false {
		if err := s.Round(ctx); err != nil {
			t.Fatal(err)
		}
		n := s.Snapshot(false).Nodes
		for i, rate := range []*float64{n[0].Rates.RecordsIn, n[1].Rates.RecordsOut, n[2].Rates.RecordsIn} {
			if rate == nil || *rate > 0 != busy {
				t.Errorf("%s, busy %v: %+v", n[i].Role, busy, n[i].Rates)
			}
			if r := n[i].Rates; r.BytesIn == nil || r.BytesOut == nil || *r.BytesIn+*r.BytesOut == 0 { // questions and answers take some
				t.Errorf("%s: %+v, want bytes", n[i].Role, r)
			}
		}
		if !busy {
			return
		}
	}
}
