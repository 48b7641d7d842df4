package blocklog

import (
	"sort"
	"time"

	"github.com/beckmesh/beck/internal/histogram"
	"github.com/cockroachdb/pebble/v2"
	dto "github.com/prometheus/client_model/go"
)

// Metrics are what the database below a log counts. Sums begin when it is opened,
// and anew with Reopen.
type Metrics struct {
	SyncSeconds     histogram.Histogram // how long each sync of the write-ahead log took
	WALBytes        uint64              // written to the write-ahead log
	FlushedBytes    uint64              // written when memory tables went to disk
	CompactedBytes  uint64              // written by compactions
	Flushes         uint64
	Compactions     uint64
	Compacting      uint64 // compactions under way
	CompactionDebt  uint64 // bytes that are still to be compacted, estimated
	ReadAmp         int    // files that a read may look into
	MemTableBytes   uint64
	CacheBytes      uint64
	CacheHits       uint64
	CacheMisses     uint64
	GarbageBytes    uint64 // of files that wait to be removed
	DiskBytes       uint64 // all files
	DiskFree        uint64 // bytes left on the disk; with DiskSize 0 it cannot be told
	DiskSize        uint64
	CompactFailures uint64
}

// Metrics returns what was counted so far; nothing after Close.
func (l *Log) Metrics() (out Metrics) {
	if l.enter() != nil {
		out.SyncSeconds = histogram.New()
		return out
	}
	defer l.leave()
	m := l.db.Metrics()
	out = Metrics{
		SyncSeconds: syncSeconds(m), WALBytes: m.WAL.BytesWritten,
		Flushes: uint64(m.Flush.Count), Compactions: uint64(m.Compact.Count), Compacting: uint64(m.Compact.NumInProgress),
		CompactionDebt: m.Compact.EstimatedDebt, CompactFailures: uint64(m.Compact.FailedCount),
		ReadAmp: m.ReadAmp(), MemTableBytes: m.MemTable.Size,
		CacheBytes: uint64(m.BlockCache.Size), CacheHits: uint64(m.BlockCache.Hits), CacheMisses: uint64(m.BlockCache.Misses),
		GarbageBytes: m.Table.ObsoleteSize + m.Table.ZombieSize + m.BlobFiles.ObsoleteSize + m.BlobFiles.ZombieSize,
		DiskBytes:    m.DiskSpaceUsage(),
	}
	for i := range m.Levels { // m.Total counts the write-ahead log as flushed
		level := &m.Levels[i]
		out.FlushedBytes += level.TableBytesFlushed + level.BlobBytesFlushed
		out.CompactedBytes += level.TableBytesCompacted + level.BlobBytesCompacted
	}
	out.DiskFree, out.DiskSize = l.Room()
	return out
}

// syncBounds are the bounds of Metrics.SyncSeconds, about: each is raised to a
// bound that the database counts by.
var syncBounds = []time.Duration{
	100 * time.Microsecond, 200 * time.Microsecond, 500 * time.Microsecond, time.Millisecond, 2 * time.Millisecond, 4500 * time.Microsecond,
	10 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond,
	500 * time.Millisecond, time.Second, 2500 * time.Millisecond, 9 * time.Second,
}

// syncSeconds makes of the database's hundred buckets of nanoseconds fewer, of
// seconds.
func syncSeconds(m *pebble.Metrics) histogram.Histogram {
	var told dto.Metric
	if f := m.LogWriter.FsyncLatency; f == nil || f.Write(&told) != nil || told.Histogram == nil {
		return histogram.New()
	}
	buckets := told.Histogram.Bucket
	out := histogram.Histogram{Count: told.Histogram.GetSampleCount(), Sum: told.Histogram.GetSampleSum() / float64(time.Second)}
	for _, bound := range syncBounds {
		i := sort.Search(len(buckets), func(i int) bool { return buckets[i].GetUpperBound() >= float64(bound) })
		if i < len(buckets) {
			out.Bounds = append(out.Bounds, buckets[i].GetUpperBound()/float64(time.Second))
			out.Counts = append(out.Counts, buckets[i].GetCumulativeCount())
		}
	}
	return out
}
