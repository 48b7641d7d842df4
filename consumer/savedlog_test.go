package consumer

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/protocol"
)

// readBack reads a partition of saved positions as a starting consumer does: its
// last record, and if that does not say everything, from its base on.
func readBack(t interface{ Fatal(...any) }, records [][]byte) (at map[core.Partition]uint64, read int) {
	lives := make(core.Lives)
	take := func(from uint64) {
		for _, b := range records[from:] {
			p, err := protocol.ParsePositions(b)
			if err != nil {
				t.Fatal(err)
			}
			lives.Take("A", p)
			read++
		}
	}
	take(uint64(len(records) - 1))
	end := func(string) uint64 { return uint64(len(records)) }
	last, again := lives.Last(end)
	if again != nil {
		take(again.Last.Base)
		last, _ = lives.Last(end)
	}
	if last == nil {
		return nil, read
	}
	return last.Set, read
}

// TestSavedLog: of all positions that were saved, whatever sets they were written
// in, the last whole set is read back wherever the partition ends, also in the
// middle of a set; and little has to be read for it.
func TestSavedLog(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := &claim{name: "n", epoch: 3}
		n.log.due = true
		var records [][]byte
		all, saved := make(map[core.Partition]uint64), map[core.Partition]uint64(nil)
		spread := rapid.SampledFrom([]int{3, 100, 300}).Draw(t, "partitions")
		for range rapid.IntRange(1, 20).Draw(t, "sets") {
			changed := make(map[core.Partition]uint64)
			for range rapid.IntRange(0, spread).Draw(t, "changes") {
				p := core.Partition{Topic: fmt.Sprint("t", rapid.IntRange(0, spread).Draw(t, "topic")), Producer: strings.Repeat("A", 32)}
				all[p]++
				changed[p] = all[p]
			}
			if rapid.IntRange(0, 20).Draw(t, "bump") == 0 {
				n.epoch, n.log.due = n.epoch+1, true
			}
			n.encode(uint64(len(records)), changed, all, rapid.SampledFrom([]int{512, 4096}).Draw(t, "limit"))
			for i := range n.log.records {
				torn := append(records[:len(records):len(records)], n.log.records[:i+1]...)
				want := saved
				if i == len(n.log.records)-1 {
					want = all
				}
				got, read := readBack(t, torn)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("record %d of %d: %s", i, len(n.log.records), diff)
				}
				if len(all) <= smallSet && len(n.log.records) == 1 && read > 1 {
					t.Fatalf("%d records read for %d positions", read, len(all))
				}
			}
			records = append(records, n.log.records...)
			n.log.records = nil
			n.log.ended()
			saved = maps.Clone(all)
		}
	})
}

// TestFullSetsComeRegularly: a reader never has much more than fullEvery records
// to read.
func TestFullSetsComeRegularly(t *testing.T) {
	n := &claim{name: "n"}
	all := make(map[core.Partition]uint64)
	for i := range 2 * smallSet {
		all[core.Partition{Topic: fmt.Sprint(i), Producer: strings.Repeat("A", 32)}] = 1
	}
	for next := range uint64(5 * fullEvery) {
		n.encode(next, nil, all, savedRecordBytes)
		if n.log.records = nil; next-n.log.base > fullEvery {
			t.Fatalf("at %d the last full set is at %d", next, n.log.base)
		}
		n.log.ended()
	}
}
