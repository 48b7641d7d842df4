package journal

import (
	"fmt"
	"testing"
)

// TestAppendAllocates nothing, and Sync nothing that grows with the records.
func TestAppendAllocates(t *testing.T) {
	j := openJournal(t, t.TempDir(), Options{Logger: quiet})
	v, tr := make([]byte, 100), make([]byte, 10)
	next := uint64(0)
	topics := []string{"alpha", "beta", "gamma"}
	round := func() {
		for range 300 {
			for _, topic := range topics {
				if err := j.Append(topic, next, v, tr); err != nil {
					t.Error(err)
				}
			}
			next++
		}
		if err := j.Sync(); err != nil {
			t.Error(err)
		}
		j.Trim("alpha", next)
	}
	for range 4 { // both buffers have their size then
		round()
	}
	if n := testing.AllocsPerRun(20, round); n > 2 {
		t.Errorf("%v allocations for 900 records", n)
	}
	must(t, j.Close())
}

func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{100, 1000} {
		b.Run(fmt.Sprint(size, " bytes"), func(b *testing.B) {
			j := openJournal(b, b.TempDir(), Options{Logger: quiet})
			v := make([]byte, size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for seq := uint64(0); b.Loop(); seq++ {
				if err := j.Append("alpha", seq, v, nil); err != nil {
					b.Fatal(err)
				}
				if len(j.pending.bytes) > 4<<20 { // as if it were synced
					j.pending.complete(j.table)
					j.pending.reset()
				}
			}
			b.StopTimer()
			must(b, j.home.Close())
			must(b, j.active.file.Close())
		})
	}
}

// BenchmarkSync appends and syncs batches of records of 1,000 bytes, and trims
// what is older than 64 MiB.
func BenchmarkSync(b *testing.B) {
	for _, n := range []uint64{1, 100, 1000, 4000} {
		b.Run(fmt.Sprint(n, " records"), func(b *testing.B) {
			j := openJournal(b, b.TempDir(), Options{Logger: quiet})
			v := make([]byte, 1000)
			b.SetBytes(int64(n) * 1000)
			b.ReportAllocs()
			for seq := uint64(0); b.Loop(); {
				for range n {
					if err := j.Append("alpha", seq, v, nil); err != nil {
						b.Fatal(err)
					}
					seq++
				}
				if err := j.Sync(); err != nil {
					b.Fatal(err)
				}
				if seq > 64<<10 {
					j.Trim("alpha", seq-64<<10)
				}
			}
			must(b, j.Close())
		})
	}
}

// BenchmarkOpen opens and replays 256 MiB.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	j := openJournal(b, dir, Options{Logger: quiet})
	v := make([]byte, 1000)
	for seq := range uint64(256 << 10) {
		must(b, j.Append("alpha", seq, v, nil))
		if seq%4096 == 0 {
			must(b, j.Sync())
		}
	}
	must(b, j.Close())
	b.SetBytes(256 << 20)
	for b.Loop() {
		j := openJournal(b, dir, Options{Logger: quiet})
		must(b, j.Replay(func(string, uint64, []byte, []byte) error { return nil }))
		must(b, j.Close())
	}
}
