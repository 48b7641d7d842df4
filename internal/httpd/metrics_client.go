package httpd

import (
	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/consumer"
	"github.com/beckmesh/beck/internal/histogram"
	"github.com/beckmesh/beck/producer"
	"github.com/prometheus/client_golang/prometheus"
)

// producerFacts is all that a producer counts, of one time.
type producerFacts struct {
	producer.Stats
	window int64 // bytes that it may take
	waits  producer.Histogram
	topics []producer.TopicStats
	more   int // topics beyond maxTopics
}

type pf = producerFacts

// ProducerMetrics returns the metrics of a producer whose window has so many bytes.
func ProducerMetrics(p *producer.Producer, window int64) prometheus.Collector {
	return newCollector(func() producerFacts {
		f := producerFacts{Stats: p.Stats(), waits: p.AckSeconds(), window: window}
		f.topics, f.more = p.TopicStats(maxTopics)
		return f
	}, producerMetrics...)
}

var producerMetrics = [][]family[pf]{
	producerFamilies, nodeFamilies("producer", "the producer", func(s *pf) *beck.LinkStats { return &s.Net }),
}

var producerFamilies = []family[pf]{
	counter("beck_producer_published_records_total", "Records given an offset.", func(s *pf) uint64 { return s.Published }),
	counter("beck_producer_published_bytes_total", "Bytes of records given an offset, and of recovered ones, as they go over links.", func(s *pf) uint64 { return s.Bytes }),
	counter("beck_producer_recovered_records_total", "Records that the journal had kept from before.", func(s *pf) uint64 { return s.Recovered }),
	counter("beck_producer_stored_records_total", "Records that enough stores have on disk.", func(s *pf) uint64 { return s.Stored }),
	gauge("beck_producer_unstored_records", "Records that lack acknowledgements.", func(s *pf) uint64 { return s.Unstored }),
	gauge("beck_producer_unstored_bytes", "Bytes of the window that cannot leave it for lack of acknowledgements.", func(s *pf) uint64 { return s.UnstoredBytes }),
	histogramOf("beck_producer_ack_seconds", "Time of a record from being published until enough stores have it on disk.", func(s *pf) histogram.Histogram { return s.waits }),
	gauge("beck_producer_window_bytes", "Bytes that the window takes.", func(s *pf) int64 { return s.WindowBytes }),
	gauge("beck_producer_window_limit_bytes", "Bytes that the window may take.", func(s *pf) int64 { return s.window }),
	counter("beck_producer_skipped_records_total", "Records that left the window before a slow link had them; their reader fetches them.", func(s *pf) uint64 { return s.Skipped }),
	gauge("beck_producer_stores", "Stores that have ever acknowledged a record.", func(s *pf) int { return s.Stores }),
	counters("beck_producer_malformed_total", "Messages dropped because they could not be read, by kind.", "kind", func(s *pf) map[string]uint64 { return s.Malformed }),
	producerTopic("records_total", "Records of a topic given an offset, or recovered.", prometheus.CounterValue, func(t *producer.TopicStats) uint64 { return t.Records }),
	producerTopic("bytes_total", "Bytes of these records, as they go over links.", prometheus.CounterValue, func(t *producer.TopicStats) uint64 { return t.Bytes }),
	producerTopic("unstored_records", "Records of a topic that lack acknowledgements.", prometheus.GaugeValue, func(t *producer.TopicStats) uint64 { return t.Unstored }),
	gauge("beck_producer_topics_left_out", "Topics without metrics of their own, for there are too many.", func(s *pf) int { return s.more }),
}

func producerTopic(name, help string, kind prometheus.ValueType, value func(*producer.TopicStats) uint64) family[pf] {
	return listed("beck_producer_topic_"+name, help, "topic", kind, func(s *pf) []producer.TopicStats { return s.topics },
		func(t *producer.TopicStats) string { return t.Topic }, value)
}

// consumerFacts is all that a consumer counts, of one time.
type consumerFacts struct {
	consumer.Stats
	topics []consumer.TopicStats // the first maxTopics
	more   int                   // topics beyond them
	all    consumer.TopicStats   // of all topics
}

type cf = consumerFacts

// ConsumerMetrics returns the metrics of a consumer.
func ConsumerMetrics(c *consumer.Consumer) prometheus.Collector {
	return newCollector(func() consumerFacts {
		f := consumerFacts{Stats: c.Stats()}
		f.topics, f.all, f.more = c.TopicStats(maxTopics)
		return f
	}, consumerMetrics...)
}

var consumerMetrics = [][]family[cf]{
	consumerFamilies, nodeFamilies("consumer", "the consumer", func(s *cf) *beck.LinkStats { return &s.Net }),
}

var consumerFamilies = []family[cf]{
	counter("beck_consumer_delivered_records_total", "Records handed over.", func(s *cf) uint64 { return s.Taken }),
	counter("beck_consumer_delivered_bytes_total", "Bytes of their values, as they came.", func(s *cf) uint64 { return s.TakenBytes }),
	gauge("beck_consumer_queued_bytes", "Bytes received and not handed over.", func(s *cf) int64 { return s.Queued }),
	gauge("beck_consumer_queue_limit_bytes", "What may be received and not handed over; then no more is asked for.", func(s *cf) int64 { return s.Room }),
	gauge("beck_consumer_partitions", "Partitions that are received.", func(s *cf) int { return s.all.Partitions }),
	gauge("beck_consumer_behind_records", "Records known of and not handed over.", func(s *cf) uint64 { return s.all.Behind }),
	gauge("beck_consumer_stalled_partitions", "Partitions that cannot go on, since nobody serves what comes next.", func(s *cf) int { return s.all.Stalled }),
	gauge("beck_consumer_missing_records", "Records that stalled partitions wait for.", func(s *cf) uint64 { return s.all.Missing }),
	counters("beck_consumer_gap_records_total", "Records that were not delivered and never will be, by kind.", "kind", func(s *cf) map[string]uint64 {
		return map[string]uint64{"expired": s.Expired, "skipped": s.Stats.Skipped}
	}),
	consumerTopic("records_total", "Records of a topic handed over.", prometheus.CounterValue, func(t *consumer.TopicStats) uint64 { return t.Records }),
	consumerTopic("bytes_total", "Bytes of their values, as they came.", prometheus.CounterValue, func(t *consumer.TopicStats) uint64 { return t.Bytes }),
	consumerTopic("behind_records", "Records of a topic known of and not handed over.", prometheus.GaugeValue, func(t *consumer.TopicStats) uint64 { return t.Behind }),
	consumerTopic("missing_records", "Records of a topic that stalled partitions wait for.", prometheus.GaugeValue, func(t *consumer.TopicStats) uint64 { return t.Missing }),
	gauge("beck_consumer_topics_left_out", "Topics without metrics of their own, for there are too many.", func(s *cf) int { return s.more }),
	counter("beck_consumer_fetches_total", "Ranges of records asked for.", func(s *cf) uint64 { return s.Fetches }),
	counter("beck_consumer_fetch_timeouts_total", "Ranges that were not sent in time; another node is asked.", func(s *cf) uint64 { return s.Timeouts }),
	counter("beck_consumer_fetch_refusals_total", "Ranges that who was asked does not have; another node is asked.", func(s *cf) uint64 { return s.Refusals }),
	counters("beck_consumer_dropped_records_total", "Records that came and were not kept, by reason.", "reason", func(s *cf) map[string]uint64 {
		return dropped(s.NoRoom, s.Duplicates, s.Damaged)
	}),
	counter("beck_consumer_unreadable_records_total", "Records whose value could not be read.", func(s *cf) uint64 { return s.Unreadable }),
	counter("beck_consumer_trailers_unreadable_total", "Records that came without key, headers and time, which could not be read.", func(s *cf) uint64 { return s.Trailers }),
	counters("beck_consumer_malformed_total", "Messages dropped because they could not be read, by kind.", "kind", func(s *cf) map[string]uint64 { return s.Malformed }),
}

func consumerTopic(name, help string, kind prometheus.ValueType, value func(*consumer.TopicStats) uint64) family[cf] {
	return listed("beck_consumer_topic_"+name, help, "topic", kind, func(s *cf) []consumer.TopicStats { return s.topics },
		func(t *consumer.TopicStats) string { return t.Topic }, value)
}
