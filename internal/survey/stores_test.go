package survey

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/beckmesh/beck/internal/blocklog"
	"github.com/beckmesh/beck/internal/testmesh"
)

// written makes a store's directory that has records of one partition, of which
// the contents of the first 4,096 begin with prefix.
func written(t testing.TB, producer, prefix string, ranges ...Range) string {
	t.Helper()
	dir := t.TempDir()
	log, err := blocklog.Open(dir, blocklog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	b := log.NewBuilder()
	for _, r := range ranges {
		for seq := r.First; seq <= r.Last; seq++ {
			content := prefix
			if seq >= 4096 {
				content = "same"
			}
			if err := b.Append(seq, fmt.Appendf(nil, "%s%d", content, seq), nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	batch := log.NewBatch()
	if err := batch.Add(blocklog.Partition{Topic: "hello", Producer: producer}, b); err != nil {
		t.Fatal(err)
	}
	if err := batch.Commit(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestLostAndDiffering looks at two stores that hold different records in their
// first 4,096 offsets, and both lack some.
func TestLostAndDiffering(t *testing.T) {
	producer := fmt.Sprintf("%032X", 7)
	m := testmesh.New(t)
	a := m.Store(written(t, producer, "a", Range{0, 4999}, Range{5010, 9999}))
	b := m.Store(written(t, producer, "b", Range{0, 4999}, Range{5010, 9999}))
	s := survey(t, m, nil)
	var topic Topic
	testmesh.Until(t, "both stores mark what differs", func() bool {
		if err := s.Round(testmesh.Context(t)); err != nil {
			t.Fatal(err)
		}
		snap := s.Snapshot(true)
		if len(snap.Topics) != 1 {
			return false
		}
		topic = snap.Topics[0]
		return topic.Conflicts >= 2
	})
	var got []Gap
	for _, g := range topic.Gaps() {
		if g.First < 4096 || g.Kind == Lost {
			got = append(got, Gap{Kind: g.Kind, Range: g.Range, Node: g.Node, With: g.With})
		}
	}
	first, second := a.Address(), b.Address()
	if second < first {
		first, second = second, first
	}
	want := []Gap{
		{Kind: Differs, Range: Range{0, 4095}, Node: first, With: second},
		{Kind: Differs, Range: Range{0, 4095}, Node: second, With: first},
		{Kind: Lost, Range: Range{5000, 5009}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	kinds := make(map[string]Level)
	for _, p := range s.Snapshot(true).Problems(Limits{MinStores: 2}) {
		kinds[p.Kind] = max(kinds[p.Kind], p.Level)
	}
	if diff := cmp.Diff(map[string]Level{"missing": Critical, "conflict": Critical}, kinds); diff != "" {
		t.Error(diff)
	}
}
