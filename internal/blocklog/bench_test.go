package blocklog

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// fill returns n bytes that do not compress.
func fill(n int) []byte {
	out, rng := make([]byte, n), rand.New(rand.NewPCG(1, 2))
	for i := range out {
		out[i] = byte(rng.Uint32())
	}
	return out
}

const benchBatch = 1 << 20

// BenchmarkCommit appends records to one builder, adds 1 MiB at a time and
// commits with fsync, in a real directory.
func BenchmarkCommit(b *testing.B) {
	for _, size := range []int{100, 1 << 10} {
		b.Run(fmt.Sprintf("record=%d", size), func(b *testing.B) {
			l := openBench(b)
			defer closeLog(b, l)
			content := fill(benchBatch)
			builder := l.NewBuilder()
			p := Partition{"bench", producer(1)}
			b.SetBytes(int64(size))
			b.ReportAllocs()
			seq := uint64(0)
			for b.Loop() {
				at := int(seq) * size % (benchBatch - size)
				if err := builder.Append(seq, content[at:at+size], nil); err != nil {
					b.Fatal(err)
				}
				seq++
				if builder.Bytes() >= benchBatch {
					commitBuilder(b, l, p, builder)
				}
			}
			commitBuilder(b, l, p, builder)
			b.ReportMetric(float64(seq)/b.Elapsed().Seconds()/1e6, "Mrec/s")
			b.ReportMetric(float64(l.DiskBytes())/float64(seq*uint64(size)), "disk/content")
		})
	}
}

// BenchmarkCommitTopics commits one record of each of 1,000 partitions.
func BenchmarkCommitTopics(b *testing.B) {
	l := openBench(b)
	defer closeLog(b, l)
	content := fill(100)
	builder := l.NewBuilder()
	var ps []Partition
	for i := range 1000 {
		ps = append(ps, Partition{fmt.Sprintf("topic-%d", i), producer(1)})
	}
	b.ReportAllocs()
	for seq := uint64(0); b.Loop(); seq++ {
		batch := l.NewBatch()
		for _, p := range ps {
			builder.Reset()
			if err := builder.Append(seq, content, nil); err != nil {
				b.Fatal(err)
			}
			if err := batch.Add(p, builder); err != nil {
				b.Fatal(err)
			}
		}
		if err := batch.Commit(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRead reads 256 MiB that were flushed to files, 256 KiB at a time.
func BenchmarkRead(b *testing.B) {
	for _, size := range []int{100, 1 << 10} {
		b.Run(fmt.Sprintf("record=%d", size), func(b *testing.B) {
			l := openBench(b)
			defer closeLog(b, l)
			p := Partition{"bench", producer(1)}
			content := fill(size)
			builder := l.NewBuilder()
			for seq := range uint64(256 << 20 / size) {
				if err := builder.Append(seq, content, nil); err != nil {
					b.Fatal(err)
				}
				if builder.Bytes() >= benchBatch {
					commitBuilder(b, l, p, builder)
				}
			}
			commitBuilder(b, l, p, builder)
			if err := l.db.Flush(); err != nil {
				b.Fatal(err)
			}
			s, _ := l.State(p)
			b.ReportAllocs()
			b.SetBytes(int64(s.Records) * int64(size))
			for b.Loop() {
				from := uint64(0)
				for from < s.Next {
					err := l.Read(p, from, 256<<10, func(r Record) bool {
						from = r.Seq + 1
						return true
					})
					if err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(s.Records)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mrec/s")
		})
	}
}

// BenchmarkAppend is the builder alone, which is reset at 1 MiB, and at 32 MiB as
// when the disk is slow; it allocates nothing for a record.
func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{100, 1 << 10} {
		for _, reset := range []int{benchBatch, 32 * benchBatch} {
			b.Run(fmt.Sprintf("record=%d/MiB=%d", size, reset>>20), func(b *testing.B) {
				content, builder := fill(size), NewBuilder(0)
				b.SetBytes(int64(size))
				b.ReportAllocs()
				seq := uint64(0)
				for b.Loop() {
					if err := builder.Append(seq, content, nil); err != nil {
						b.Fatal(err)
					}
					if seq++; builder.Bytes() >= reset {
						builder.Reset()
					}
				}
			})
		}
	}
}

func BenchmarkParseBlock(b *testing.B) {
	raw := encodeBlock(b, 100, 600)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := parseBlock(raw); err != nil {
			b.Fatal(err)
		}
	}
}

func openBench(b *testing.B) *Log {
	b.Helper()
	l, err := Open(b.TempDir(), Options{Logger: quiet})
	if err != nil {
		b.Fatal(err)
	}
	return l
}

// BenchmarkSum is what keeping the sums of a block costs.
func BenchmarkSum(b *testing.B) {
	for _, size := range []int{100, 1 << 10} {
		b.Run(fmt.Sprintf("record=%d", size), func(b *testing.B) {
			blk, err := parseBlock(encodeBlock(b, size, 60000/size))
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				benchSums.add(blk.sum(0, blk.next()))
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(blk.count), "ns/record")
		})
	}
}

var benchSums sums

// BenchmarkEnforce has 100,000 partitions of which none, or ten, were written to
// since the last call, or all of which have to be looked at for new rules.
func BenchmarkEnforce(b *testing.B) {
	l := openBench(b)
	defer closeLog(b, l)
	name := func(i int) Partition { return Partition{fmt.Sprintf("topic.%d", i), producer(1)} }
	batch, builder, content := l.NewBatch(), l.NewBuilder(), fill(100)
	next := make([]uint64, 100_000)
	add := func(batch *Batch, i int) {
		builder.Reset()
		for range 3 {
			if err := builder.Append(next[i], content, nil); err != nil {
				b.Fatal(err)
			}
			next[i]++
		}
		if err := batch.Add(name(i), builder); err != nil {
			b.Fatal(err)
		}
	}
	for i := range next {
		add(batch, i)
	}
	if err := batch.Commit(); err != nil {
		b.Fatal(err)
	}
	run := func(r Rules) {
		if _, err := l.Enforce(r, time.Now()); err != nil {
			b.Fatal(err)
		}
	}
	keep := Rules{{"topic.>", Policy{Records: 3, Age: 24 * time.Hour}}}
	run(keep)
	b.Run("idle", func(b *testing.B) {
		for b.Loop() {
			run(keep)
		}
	})
	b.Run("rules", func(b *testing.B) {
		for i := uint64(4); b.Loop(); i++ {
			run(Rules{{"topic.>", Policy{Records: i, Age: 24 * time.Hour}}})
		}
	})
	b.Run("ten", func(b *testing.B) {
		run(keep)
		for b.Loop() {
			b.StopTimer()
			batch := l.NewBatch()
			for i := range 10 {
				add(batch, i*777)
			}
			if err := batch.Commit(); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
			run(keep)
		}
	})
}
