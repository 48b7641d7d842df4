package httpd

import (
	"github.com/beckmesh/beck/consumer"
	"github.com/beckmesh/beck/internal/histogram"
	"github.com/beckmesh/beck/producer"
	"github.com/beckmesh/beck/store"
	"github.com/beckmesh/beck/tower"
	"github.com/prometheus/client_golang/prometheus"
)

// maxTopics bounds the topics that have metrics of their own.
const maxTopics = 200

// TowerMetrics returns the metrics of a tower.
func TowerMetrics(t *tower.Tower) prometheus.Collector { return newCollector(t.Stats, towerFamilies) }

var towerFamilies = []family[tower.Stats]{
	gauge("beck_tower_nodes", "Nodes that the tower knows.", func(s *tower.Stats) int { return s.Nodes }),
	gauge("beck_tower_node_links", "Connections to the port that takes beacons.", func(s *tower.Stats) int { return s.NodeLinks }),
	gauge("beck_tower_subscriber_links", "Connections to the port that sends beacons.", func(s *tower.Stats) int { return s.SubscriberLinks }),
	counter("beck_tower_beacons_total", "Beacons that were believed.", func(s *tower.Stats) uint64 { return s.Beacons }),
	counter("beck_tower_skipped_total", "Times that repeats of beacons were not given to a subscriber that was behind.", func(s *tower.Stats) uint64 { return s.Skipped }),
	counter("beck_tower_overflows_total", "Subscribers disconnected because they did not read.", func(s *tower.Stats) uint64 { return s.Overflows }),
	counters("beck_tower_refused_total", "What was dropped, by kind.", "kind", func(s *tower.Stats) map[string]uint64 { return s.Refused }),
}

// storeFacts is all that a store counts, of one time.
type storeFacts struct {
	store.Stats
	store.Times
	disk   store.Disk
	topics []store.TopicStats
	more   int // topics beyond maxTopics
}

// StoreMetrics returns the metrics of a store.
func StoreMetrics(s *store.Store) prometheus.Collector {
	return newCollector(func() storeFacts {
		f := storeFacts{Stats: s.Stats(), Times: s.Times(), disk: s.Disk()}
		f.topics, f.more = s.TopicStats(maxTopics)
		return f
	}, storeMetrics...)
}

var storeMetrics = [][]family[sf]{storeFamilies, storeLinkFamilies, diskFamilies, topicFamilies}

type sf = storeFacts

var storeFamilies = []family[sf]{
	gauge("beck_store_partitions", "Partitions that are kept.", func(s *sf) int { return s.Partitions }),
	gauge("beck_store_records", "Records that are kept.", func(s *sf) uint64 { return s.Records }),
	gauge("beck_store_bytes", "Bytes of the records that are kept, as they are in blocks.", func(s *sf) uint64 { return s.Bytes }),
	counter("beck_store_committed_records_total", "Records written and synced.", func(s *sf) uint64 { return s.Committed }),
	counter("beck_store_commits_total", "Commits, each of which is one sync.", func(s *sf) uint64 { return s.Commits }),
	histogramOf("beck_store_commit_seconds", "Time of a commit: writing a batch and syncing it.", func(s *sf) histogram.Histogram { return s.CommitSeconds }),
	histogramOf("beck_store_commit_records", "Records of a commit.", func(s *sf) histogram.Histogram { return s.CommitRecords }),
	counter("beck_store_reopened_total", "Times that the log was opened again because a write did not reach the disk.", func(s *sf) uint64 { return s.Reopened }),
	flag("beck_store_disk_full", "1 while the disk is full, and nothing is acknowledged.", func(s *sf) bool { return s.DiskFull }),
	gauge("beck_store_queued_bytes", "Bytes received and not on disk yet.", func(s *sf) int64 { return s.Queued }),
	counter("beck_store_lost_records_total", "Records that nobody had when they were due.", func(s *sf) uint64 { return s.Lost }),
	gauge("beck_store_missing_records", "Records that are missing below others.", func(s *sf) uint64 { return s.Missing }),
	counter("beck_store_filled_records_total", "Records that had been missing, and came.", func(s *sf) uint64 { return s.Filled }),
	gauge("beck_store_bare_records", "Records without the key, headers and time that they may have had.", func(s *sf) uint64 { return s.Bare }),
	gauge("beck_store_conflicts", "Ranges of which another store holds other records.", func(s *sf) uint64 { return s.Conflicts }),
	counter("beck_store_trimmed_records_total", "Records that retention or a purge deleted.", func(s *sf) uint64 { return s.Trimmed }),
	counter("beck_store_duplicates_total", "Records that came again.", func(s *sf) uint64 { return s.Duplicates }),
	counter("beck_store_dropped_records_total", "Records that there was no room for; they are fetched later.", func(s *sf) uint64 { return s.NoRoom }),
	counter("beck_store_damaged_records_total", "Records that came with a checksum not theirs; they are fetched again.", func(s *sf) uint64 { return s.Damaged }),
}

var storeLinkFamilies = []family[sf]{
	counter("beck_store_fetches_total", "Ranges of records asked for.", func(s *sf) uint64 { return s.Fetches }),
	counter("beck_store_fetch_timeouts_total", "Ranges that were not sent in time; another node is asked.", func(s *sf) uint64 { return s.Timeouts }),
	counter("beck_store_fetch_refusals_total", "Ranges that who was asked does not have; another node is asked.", func(s *sf) uint64 { return s.Refusals }),
	counter("beck_store_requests_total", "Ranges of records that others asked for.", func(s *sf) uint64 { return s.Requests }),
	counter("beck_store_requests_refused_total", "Requests beyond what one link may have under way.", func(s *sf) uint64 { return s.Refused }),
	gauge("beck_store_links_dialled", "Nodes that the store listens to.", func(s *sf) int { return s.Links }),
	gauge("beck_store_links_accepted", "Nodes that listen to the store.", func(s *sf) int { return s.Listeners }),
	counter("beck_store_links_total", "Links that the store dialled, again ones included.", func(s *sf) uint64 { return s.Linked }),
	counter("beck_store_dial_failures_total", "Dials that failed.", func(s *sf) uint64 { return s.Dropped }),
	counter("beck_store_skipped_records_total", "The store's own records, such as saved positions, that a slow link was not sent.", func(s *sf) uint64 { return s.Skipped }),
	gauge("beck_store_peers", "Nodes that the store knows.", func(s *sf) int { return s.Peers }),
	gauge("beck_store_towers", "Towers that answer.", func(s *sf) int { return s.Towers }),
	counters("beck_store_malformed_total", "Messages dropped because they could not be read, by kind.", "kind", func(s *sf) map[string]uint64 { return s.Malformed }),
}

var diskFamilies = []family[sf]{
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
	byTopic("beck_store_topic_partitions", "Partitions of a topic.", prometheus.GaugeValue, func(t *store.TopicStats) uint64 { return uint64(t.Partitions) }),
	byTopic("beck_store_topic_records", "Records of a topic that are kept.", prometheus.GaugeValue, func(t *store.TopicStats) uint64 { return t.Records }),
	byTopic("beck_store_topic_bytes", "Bytes of the values of a topic that are kept.", prometheus.GaugeValue, func(t *store.TopicStats) uint64 { return t.Bytes }),
	byTopic("beck_store_topic_offsets_total", "Offsets that the partitions of a topic have reached, summed: one more with each record.", prometheus.CounterValue, func(t *store.TopicStats) uint64 { return t.Offsets }),
	gauge("beck_store_topics_left_out", "Topics without metrics of their own, for there are too many.", func(s *sf) int { return s.more }),
}

func byTopic(name, help string, kind prometheus.ValueType, value func(*store.TopicStats) uint64) family[sf] {
	return family[sf]{name: name, help: help, kind: kind, label: "topic", values: func(s *sf, add func(string, float64)) {
		for i := range s.topics {
			add(s.topics[i].Topic, float64(value(&s.topics[i])))
		}
	}}
}

// ProducerMetrics returns the metrics of a producer whose window has so many bytes.
func ProducerMetrics(p *producer.Producer, window int64) prometheus.Collector {
	return newCollector(p.Stats, producerFamilies, []family[producer.Stats]{windowLimit(window)})
}

func windowLimit(bytes int64) family[producer.Stats] {
	return gauge("beck_producer_window_limit_bytes", "Bytes that the window may take.", func(*producer.Stats) int64 { return bytes })
}

var producerFamilies = []family[producer.Stats]{
	counter("beck_producer_published_records_total", "Records given an offset.", func(s *producer.Stats) uint64 { return s.Published }),
	counter("beck_producer_recovered_records_total", "Records that the journal had kept from before.", func(s *producer.Stats) uint64 { return s.Recovered }),
	counter("beck_producer_stored_records_total", "Records that enough stores have on disk.", func(s *producer.Stats) uint64 { return s.Stored }),
	gauge("beck_producer_unstored_records", "Records that lack acknowledgements.", func(s *producer.Stats) uint64 { return s.Unstored }),
	gauge("beck_producer_window_bytes", "Bytes that the window takes.", func(s *producer.Stats) int64 { return s.WindowBytes }),
	counter("beck_producer_skipped_records_total", "Records that left the window before a slow link had them; their reader fetches them.", func(s *producer.Stats) uint64 { return s.Skipped }),
	gauge("beck_producer_links_accepted", "Nodes that listen to the producer.", func(s *producer.Stats) int { return s.Links }),
	gauge("beck_producer_stores", "Stores that have ever acknowledged a record.", func(s *producer.Stats) int { return s.Stores }),
	gauge("beck_producer_towers", "Towers that answer.", func(s *producer.Stats) int { return s.Towers }),
	counters("beck_producer_malformed_total", "Messages dropped because they could not be read, by kind.", "kind", func(s *producer.Stats) map[string]uint64 { return s.Malformed }),
}

// consumerFacts is all that a consumer counts, of one time.
type consumerFacts struct {
	consumer.Stats
	behind, partitions uint64
	topics             map[string]uint64 // records behind, of the first ones
}

// ConsumerMetrics returns the metrics of a consumer.
func ConsumerMetrics(c *consumer.Consumer) prometheus.Collector {
	return newCollector(func() consumerFacts {
		f := consumerFacts{Stats: c.Stats(), topics: make(map[string]uint64)}
		for _, l := range c.Lag() {
			f.partitions++
			f.behind += l.Records()
			if _, has := f.topics[l.Topic]; has || len(f.topics) < maxTopics {
				f.topics[l.Topic] += l.Records()
			}
		}
		return f
	}, consumerFamilies)
}

type cf = consumerFacts

var consumerFamilies = []family[cf]{
	counter("beck_consumer_delivered_records_total", "Records handed over.", func(s *cf) uint64 { return s.Delivered }),
	gauge("beck_consumer_queued_bytes", "Bytes received and not handed over.", func(s *cf) int64 { return s.Queued }),
	gauge("beck_consumer_partitions", "Partitions that are received.", func(s *cf) uint64 { return s.partitions }),
	gauge("beck_consumer_behind_records", "Records known of and not handed over.", func(s *cf) uint64 { return s.behind }),
	{name: "beck_consumer_topic_behind_records", help: "Records of a topic known of and not handed over.", kind: prometheus.GaugeValue, label: "topic",
		values: func(s *cf, add func(string, float64)) {
			for topic, n := range s.topics {
				add(topic, float64(n))
			}
		}},
	counter("beck_consumer_fetches_total", "Ranges of records asked for.", func(s *cf) uint64 { return s.Fetches }),
	counter("beck_consumer_duplicates_total", "Records that came again.", func(s *cf) uint64 { return s.Duplicates }),
	counter("beck_consumer_dropped_records_total", "Records that there was no room for; they are fetched later.", func(s *cf) uint64 { return s.NoRoom }),
	counter("beck_consumer_damaged_records_total", "Records that came with a checksum not theirs; they are fetched again.", func(s *cf) uint64 { return s.Damaged }),
	counter("beck_consumer_unreadable_records_total", "Records whose value could not be read.", func(s *cf) uint64 { return s.Unreadable }),
	counter("beck_consumer_trailers_unreadable_total", "Records that came without key, headers and time, which could not be read.", func(s *cf) uint64 { return s.Trailers }),
	gauge("beck_consumer_links_dialled", "Nodes that the consumer listens to.", func(s *cf) int { return s.Links }),
	gauge("beck_consumer_towers", "Towers that answer.", func(s *cf) int { return s.Towers }),
	counters("beck_consumer_malformed_total", "Messages dropped because they could not be read, by kind.", "kind", func(s *cf) map[string]uint64 { return s.Malformed }),
}
