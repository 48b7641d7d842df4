package store_test

import (
	"fmt"
	"testing"

	"github.com/beckmesh/beck/internal/blocklog"
	"github.com/beckmesh/beck/internal/testmesh"
	"github.com/beckmesh/beck/protocol"
)

// prepare fills a store's directory: records first to next-1 of a partition, with
// a value that depends on odd for the offsets that are in it.
func prepare(t *testing.T, dir string, p blocklog.Partition, first, next uint64, odd map[uint64]bool) {
	t.Helper()
	l, err := blocklog.Open(dir, blocklog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	records, b := l.NewBuilder(), l.NewBatch()
	for seq := first; seq < next; seq++ {
		if err := records.Append(seq, fmt.Appendf(nil, "v%d%v", seq, odd[seq]), nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, err := range []error{b.Add(p, records), b.Commit(), l.Close()} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// conflicts returns the ranges that a directory has marked.
func conflicts(t *testing.T, dir string, p blocklog.Partition) (ranges []blocklog.Range) {
	t.Helper()
	l, err := blocklog.Open(dir, blocklog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	marked, _ := l.Conflicts(p)
	for _, c := range marked {
		ranges = append(ranges, c.Range)
	}
	return ranges
}

// Two stores that hold different contents find out, mark the ranges on disk, and
// change nothing; two that lack different records only fill them in.
func TestStoresDiffer(t *testing.T) {
	m := testmesh.New(t)
	p, same := blocklog.Partition{Topic: "t", Producer: protocol.NewAddress()}, blocklog.Partition{Topic: "same", Producer: protocol.NewAddress()}
	one, two := t.TempDir(), t.TempDir()
	odd := map[uint64]bool{5000: true, 60_000: true, 60_001: true}
	prepare(t, one, p, 0, 100_000, nil)
	prepare(t, two, p, 4096, 90_000, odd)
	prepare(t, one, same, 0, 20_000, nil)
	prepare(t, two, same, 0, 30_000, nil)
	a, b := m.Store(one), m.Store(two)
	testmesh.Until(t, "both to find the differences", func() bool {
		return a.Stats().Conflicts == 2 && b.Stats().Conflicts == 2 &&
			a.Stats().Records == 130_000 && b.Stats().Records == 130_000-4096
	})
	a.Close()
	b.Close()
	want := []blocklog.Range{{First: 4096, Next: 8192}, {First: 57_344, Next: 61_440}}
	for _, dir := range []string{one, two} {
		if got := conflicts(t, dir, p); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("marked: %v, want %v", got, want)
		}
		if got := conflicts(t, dir, same); len(got) > 0 {
			t.Errorf("marked where they are the same: %v", got)
		}
	}
	if n := m.Store(one).Stats().Conflicts; n != 2 {
		t.Errorf("%d are known after a restart", n)
	}
}
