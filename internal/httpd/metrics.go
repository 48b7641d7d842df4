package httpd

import (
	"github.com/beckmesh/beck/tower"
	"github.com/prometheus/client_golang/prometheus"
)

const (
	// maxTopics bounds the topics that have metrics of their own.
	maxTopics = 200
	// maxNames bounds the names of saved positions that do.
	maxNames = 200
)

// TowerMetrics returns the metrics of a tower.
func TowerMetrics(t *tower.Tower) prometheus.Collector { return newCollector(t.Stats, towerFamilies) }

var towerFamilies = []family[tower.Stats]{
	gauges("beck_tower_nodes", "Nodes that the tower knows, by role.", "role", func(s *tower.Stats) map[string]int { return s.Roles }),
	gauge("beck_tower_node_links", "Connections to the port that takes beacons.", func(s *tower.Stats) int { return s.NodeLinks }),
	gauge("beck_tower_subscriber_links", "Connections to the port that sends beacons.", func(s *tower.Stats) int { return s.SubscriberLinks }),
	counter("beck_tower_beacons_total", "Beacons that came and were believed.", func(s *tower.Stats) uint64 { return s.Beacons }),
	counter("beck_tower_relayed_beacons_total", "Beacons handed to subscribers.", func(s *tower.Stats) uint64 { return s.Relayed }),
	counter("beck_tower_skipped_total", "Times that repeats of beacons were not given to a subscriber that was behind.", func(s *tower.Stats) uint64 { return s.Skipped }),
	counter("beck_tower_overflows_total", "Subscribers disconnected because they did not read.", func(s *tower.Stats) uint64 { return s.Overflows }),
	counters("beck_tower_refused_total", "What was dropped, by kind.", "kind", func(s *tower.Stats) map[string]uint64 { return s.Refused }),
}

// dropped says why records that came were not kept.
func dropped(noRoom, duplicates, damaged uint64) map[string]uint64 {
	return map[string]uint64{"no-room": noRoom, "duplicate": duplicates, "damaged": damaged}
}
