package httpd

import (
	"github.com/beckmesh/beck"
	"github.com/prometheus/client_golang/prometheus"
)

// nodeFamilies are the metrics of a node's links, which all nodes have; who is what it
// is, with its article.
func nodeFamilies[S any](role, who string, links func(*S) *beck.LinkStats) []family[S] {
	name := func(rest string) string { return "beck_" + role + "_" + rest }
	count := func(rest, help string, value func(*beck.LinkStats) uint64) family[S] {
		return counter(name(rest), help, func(s *S) uint64 { return value(links(s)) })
	}
	return []family[S]{
		{name: name("links"), help: "Links by the role of the other node, and by who dialled: the node that listens.",
			kind: prometheus.GaugeValue, labels: []string{"role", "direction"},
			values: func(s *S, add func(float64, ...string)) {
				for role, n := range links(s).Dialled {
					add(float64(n), role, "dialled")
				}
				for role, n := range links(s).Accepted {
					add(float64(n), role, "accepted")
				}
			}},
		count("links_dialled_total", "Links that "+who+" dialled, again ones included.", func(l *beck.LinkStats) uint64 { return l.Linked }),
		count("reconnects_total", "Of the links dialled, those to a node that had been linked before.", func(l *beck.LinkStats) uint64 { return l.Relinked }),
		count("links_lost_total", "Of the links dialled, those that ended.", func(l *beck.LinkStats) uint64 { return l.Lost }),
		count("dial_failures_total", "Dials that failed.", func(l *beck.LinkStats) uint64 { return l.Failures }),
		count("sent_bytes_total", "Bytes written to links.", func(l *beck.LinkStats) uint64 { return l.SentBytes }),
		count("writes_total", "Writes to links, each of which has as many records as there were.", func(l *beck.LinkStats) uint64 { return l.Writes }),
		count("received_bytes_total", "Bytes read from links.", func(l *beck.LinkStats) uint64 { return l.ReceivedBytes }),
		count("reads_total", "Reads from links.", func(l *beck.LinkStats) uint64 { return l.Reads }),
		count("requests_total", "Ranges of records that others asked for.", func(l *beck.LinkStats) uint64 { return l.Requests }),
		count("requests_refused_total", "Requests beyond what one link may have under way.", func(l *beck.LinkStats) uint64 { return l.Refused }),
		count("served_records_total", "Records sent to who asked for them.", func(l *beck.LinkStats) uint64 { return l.ServedRecords }),
		count("served_bytes_total", "Bytes of these records, as they go over links.", func(l *beck.LinkStats) uint64 { return l.ServedBytes }),
		gauge(name("peers"), "Nodes that "+who+" knows.", func(s *S) int { return links(s).Peers }),
		gauge(name("towers"), "Towers that answer.", func(s *S) int { return links(s).Towers }),
	}
}
