package httpd

import (
	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/histogram"
	"github.com/beckmesh/beck/store"
	"github.com/prometheus/client_golang/prometheus"
)

// storeFacts is all that a store counts, of one time.
type storeFacts struct {
	store.Stats
	store.Times
	disk   store.Disk
	topics []store.TopicStats
	more   int // topics beyond maxTopics
	saved  []store.Saved
	others int   // names beyond maxNames
	unread error // why saved is not known
}

// StoreMetrics returns the metrics of a store.
func StoreMetrics(s *store.Store) prometheus.Collector {
	return newCollector(func() storeFacts {
		f := storeFacts{Stats: s.Stats(), Times: s.Times(), disk: s.Disk()}
		f.topics, f.more = s.TopicStats(maxTopics)
		f.saved, f.others, f.unread = s.Saved(maxNames)
		return f
	}, storeMetrics...)
}

var storeMetrics = [][]family[sf]{
	storeFamilies, storeFetchFamilies, nodeFamilies("store", "the store", func(s *sf) *beck.LinkStats { return &s.Net }),
	diskFamilies, topicFamilies, savedFamilies,
}

type sf = storeFacts

var storeFamilies = []family[sf]{
	gauge("beck_store_partitions", "Partitions that are kept.", func(s *sf) int { return s.Partitions }),
	gauge("beck_store_records", "Records that are kept.", func(s *sf) uint64 { return s.Records }),
	gauge("beck_store_bytes", "Bytes of the records that are kept, as they are in blocks.", func(s *sf) uint64 { return s.Bytes }),
	counter("beck_store_committed_records_total", "Records written and synced.", func(s *sf) uint64 { return s.Committed }),
	counter("beck_store_committed_bytes_total", "Bytes of these records, as they are in blocks.", func(s *sf) uint64 { return s.Written }),
	counter("beck_store_commits_total", "Commits, each of which is one sync.", func(s *sf) uint64 { return s.Commits }),
	histogramOf("beck_store_commit_seconds", "Time of a commit: writing a batch and syncing it.", func(s *sf) histogram.Histogram { return s.CommitSeconds }),
	histogramOf("beck_store_commit_records", "Records of a commit.", func(s *sf) histogram.Histogram { return s.CommitRecords }),
	histogramOf("beck_store_commit_bytes", "Bytes of the records of a commit.", func(s *sf) histogram.Histogram { return s.CommitBytes }),
	gauge("beck_store_queued_bytes", "Bytes received and not on disk yet.", func(s *sf) int64 { return s.Queued }),
	gauge("beck_store_queue_limit_bytes", "What may be received and not on disk yet; then no more is taken.", func(s *sf) int64 { return s.Stats.Room }),
	counter("beck_store_lost_records_total", "Records that nobody had when they were due.", func(s *sf) uint64 { return s.Lost }),
	gauge("beck_store_missing_records", "Records that are missing below others.", func(s *sf) uint64 { return s.Missing }),
	counter("beck_store_filled_records_total", "Records that had been missing, and came.", func(s *sf) uint64 { return s.Filled }),
	gauge("beck_store_bare_records", "Records without the key, headers and time that they may have had.", func(s *sf) uint64 { return s.Bare }),
	gauge("beck_store_conflicts", "Ranges of which another store holds other records.", func(s *sf) uint64 { return s.Conflicts }),
	counter("beck_store_trimmed_records_total", "Records that retention or a purge deleted.", func(s *sf) uint64 { return s.Trimmed }),
	counters("beck_store_dropped_records_total", "Records that came and were not kept, by reason.", "reason", func(s *sf) map[string]uint64 {
		return dropped(s.NoRoom, s.Duplicates, s.Damaged)
	}),
	counter("beck_store_skipped_records_total", "The store's own records, such as saved positions, that a slow link was not sent.", func(s *sf) uint64 { return s.Skipped }),
	counters("beck_store_malformed_total", "Messages dropped because they could not be read, by kind.", "kind", func(s *sf) map[string]uint64 { return s.Malformed }),
}

var storeFetchFamilies = []family[sf]{
	counter("beck_store_fetches_total", "Ranges of records asked for.", func(s *sf) uint64 { return s.Fetches }),
	counter("beck_store_fetch_timeouts_total", "Ranges that were not sent in time; another node is asked.", func(s *sf) uint64 { return s.Timeouts }),
	counter("beck_store_fetch_refusals_total", "Ranges that who was asked does not have; another node is asked.", func(s *sf) uint64 { return s.Refusals }),
}

var diskFamilies = []family[sf]{
	flag("beck_store_disk_full", "1 while the disk is full, and nothing is acknowledged.", func(s *sf) bool { return s.DiskFull }),
	counter("beck_store_reopened_total", "Times that the log was opened again because a write did not reach the disk.", func(s *sf) uint64 { return s.Reopened }),
	histogramOf("beck_store_fsync_seconds", "Time of a sync of the write-ahead log.", func(s *sf) histogram.Histogram { return s.disk.SyncSeconds }),
	gauge("beck_store_disk_used_bytes", "Bytes that the store takes on its disk.", func(s *sf) uint64 { return s.disk.DiskBytes }),
	gauge("beck_store_disk_available_bytes", "Bytes left on the store's disk.", func(s *sf) uint64 { return s.disk.DiskFree }),
	gauge("beck_store_disk_capacity_bytes", "Bytes of the store's disk; 0 if that cannot be told.", func(s *sf) uint64 { return s.disk.DiskSize }),
	gauge("beck_store_disk_garbage_bytes", "Bytes of files that wait to be removed.", func(s *sf) uint64 { return s.disk.GarbageBytes }),
	counter("beck_store_wal_written_bytes_total", "Bytes written to the write-ahead log.", func(s *sf) uint64 { return s.disk.WALBytes }),
	counter("beck_store_flushes_total", "Memory tables written to disk.", func(s *sf) uint64 { return s.disk.Flushes }),
	counter("beck_store_flushed_bytes_total", "Bytes written by flushes.", func(s *sf) uint64 { return s.disk.FlushedBytes }),
	counter("beck_store_compactions_total", "Compactions of the database.", func(s *sf) uint64 { return s.disk.Compactions }),
	counter("beck_store_compaction_failures_total", "Compactions that failed.", func(s *sf) uint64 { return s.disk.CompactFailures }),
	counter("beck_store_compacted_bytes_total", "Bytes written by compactions.", func(s *sf) uint64 { return s.disk.CompactedBytes }),
	gauge("beck_store_compactions_running", "Compactions under way.", func(s *sf) uint64 { return s.disk.Compacting }),
	gauge("beck_store_compaction_debt_bytes", "Bytes that are still to be compacted, estimated.", func(s *sf) uint64 { return s.disk.CompactionDebt }),
	gauge("beck_store_read_amplification", "Files that a read may look into.", func(s *sf) int { return s.disk.ReadAmp }),
	gauge("beck_store_memtable_bytes", "Memory of the database's tables that are not on disk yet.", func(s *sf) uint64 { return s.disk.MemTableBytes }),
	gauge("beck_store_cache_bytes", "Memory of blocks read from disk.", func(s *sf) uint64 { return s.disk.CacheBytes }),
	counter("beck_store_cache_hits_total", "Blocks found in memory.", func(s *sf) uint64 { return s.disk.CacheHits }),
	counter("beck_store_cache_misses_total", "Blocks read from disk.", func(s *sf) uint64 { return s.disk.CacheMisses }),
}

var topicFamilies = []family[sf]{
	storeTopic("partitions", "Partitions of a topic.", prometheus.GaugeValue, func(t *store.TopicStats) uint64 { return uint64(t.Partitions) }),
	storeTopic("records", "Records of a topic that are kept.", prometheus.GaugeValue, func(t *store.TopicStats) uint64 { return t.Records }),
	storeTopic("bytes", "Bytes of the values of a topic that are kept.", prometheus.GaugeValue, func(t *store.TopicStats) uint64 { return t.Bytes }),
	storeTopic("offsets_total", "Offsets that the partitions of a topic have reached, summed: one more with each record.", prometheus.CounterValue, func(t *store.TopicStats) uint64 { return t.Offsets }),
	storeTopic("missing_records", "Records of a topic that are missing below others.", prometheus.GaugeValue, func(t *store.TopicStats) uint64 { return t.Missing }),
	storeTopic("committed_records_total", "Records of a topic written and synced.", prometheus.CounterValue, func(t *store.TopicStats) uint64 { return t.Committed }),
	storeTopic("committed_bytes_total", "Bytes of these records, as they are in blocks.", prometheus.CounterValue, func(t *store.TopicStats) uint64 { return t.CommittedBytes }),
	storeTopic("served_records_total", "Records of a topic sent to who asked for them.", prometheus.CounterValue, func(t *store.TopicStats) uint64 { return t.Served }),
	storeTopic("served_bytes_total", "Bytes of these records, as they go over links.", prometheus.CounterValue, func(t *store.TopicStats) uint64 { return t.ServedBytes }),
	gauge("beck_store_topics_left_out", "Topics without metrics of their own, for there are too many.", func(s *sf) int { return s.more }),
}

func storeTopic(name, help string, kind prometheus.ValueType, value func(*store.TopicStats) uint64) family[sf] {
	return listed("beck_store_topic_"+name, help, "topic", kind, func(s *sf) []store.TopicStats { return s.topics },
		func(t *store.TopicStats) string { return t.Topic }, value)
}

var savedFamilies = []family[sf]{
	listed("beck_store_saved_lag_records", "Records that the store has behind the positions saved under a name.", "name", prometheus.GaugeValue,
		func(s *sf) []store.Saved { return s.saved }, func(s *store.Saved) string { return s.Name }, func(s *store.Saved) uint64 { return s.Lag }),
	gauge("beck_store_saved_names", "Names under which positions are saved.", func(s *sf) int { return len(s.saved) + s.others }),
	gauge("beck_store_saved_names_left_out", "Names without a metric of their own, for there are too many.", func(s *sf) int { return s.others }),
	flag("beck_store_saved_unreadable", "1 if saved positions cannot be read from disk: then their lag is not known.", func(s *sf) bool { return s.unread != nil }),
}
