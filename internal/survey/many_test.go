package survey

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/beckmesh/beck/internal/blocklog"
	"github.com/beckmesh/beck/internal/testmesh"
)

// fill makes a store's directory with n partitions of one record each, of one
// topic, of which every hundredth lacks record 1 of 3.
func fill(t testing.TB, n int) string {
	t.Helper()
	dir := t.TempDir()
	log, err := blocklog.Open(dir, blocklog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	batch := log.NewBatch()
	for i := range n {
		b := log.NewBuilder()
		seqs := []uint64{0}
		if i%100 == 0 {
			seqs = []uint64{0, 2}
		}
		for _, seq := range seqs {
			if err := b.Append(seq, []byte("v"), nil); err != nil {
				t.Fatal(err)
			}
		}
		if err := batch.Add(blocklog.Partition{Topic: "many", Producer: fmt.Sprintf("%032X", i)}, b); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Commit(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestPartitionsOfOneTopic lists many partitions of one topic, with what is missing,
// in time and memory that grow as they do.
func TestPartitionsOfOneTopic(t *testing.T) {
	n := 100_000
	if testing.Short() {
		n = 5_000
	}
	m := testmesh.New(t)
	m.Store(fill(t, n))
	s := survey(t, m, func(c *Config) { c.Patience = testmesh.Patience })
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	began := time.Now()
	snap := look(t, s)
	took := time.Since(began)
	runtime.GC()
	runtime.ReadMemStats(&after)
	topic := snap.Topics[0]
	if !snap.Complete || topic.Partitions != n || len(topic.List) != n || topic.Missing != uint64(n/100) || len(topic.Gaps()) != n/100 {
		t.Fatalf("complete %v, %d partitions, %d missing, %d gaps", snap.Complete, topic.Partitions, topic.Missing, len(topic.Gaps()))
	}
	kept := int64(after.HeapAlloc) - int64(before.HeapAlloc)
	t.Logf("%d partitions: %v, %d bytes of memory each", n, took, kept/int64(n))
	if kept > int64(n)*4096+64<<20 {
		t.Errorf("%d bytes are kept for %d partitions", kept, n)
	}
}
