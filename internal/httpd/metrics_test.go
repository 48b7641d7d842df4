package httpd_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/beckmesh/beck/consumer"
	"github.com/beckmesh/beck/internal/httpd"
	"github.com/beckmesh/beck/internal/testmesh"
	"github.com/beckmesh/beck/producer"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

// exposition is what /metrics of a daemon says that has a node of each kind, which
// have exchanged 10 records and saved a position behind the fourth.
func exposition(t *testing.T) string {
	t.Helper()
	m := testmesh.New(t)
	st := m.Store("")
	p := m.Producer(func(c *producer.Config) { c.MinStoreAcks = 1 })
	c := m.Consumer(func(c *consumer.Config) { c.SaveAs = "billing" }, "hello")
	if err := p.PublishBatch(testmesh.Context(t), testmesh.Records("hello", "r", 10)); err != nil {
		t.Fatal(err)
	}
	testmesh.Take(t, c, 4)
	if err := c.Commit(testmesh.Context(t)); err != nil {
		t.Fatal(err)
	}
	testmesh.Take(t, c, 6)
	if err := p.Flush(testmesh.Context(t)); err != nil {
		t.Fatal(err)
	}
	testmesh.Until(t, "the positions to be stored", func() bool {
		saved, _, err := st.Saved(10)
		return err == nil && len(saved) == 1 && saved[0].Lag == 6
	})
	url := serve(t, loopback, meshed(m, httpd.TowerMetrics(m.Tower), httpd.StoreMetrics(st),
		httpd.ProducerMetrics(p, producer.DefaultConfig().WindowBytes), httpd.ConsumerMetrics(c))).URL()
	_, text, _ := ask(t, url+"/metrics", nil)
	return text
}

// row finds the metrics that a line of the table is about, and their labels.
var row = regexp.MustCompile("(?m)^\\| `([a-z0-9_]+)(?:\\{([a-z,]+)\\})?` \\| .+ \\| .+ \\|$")

// TestMetrics compares docs/metrics.md with what daemons print, both ways, and the
// names with the rules for them.
func TestMetrics(t *testing.T) {
	text := exposition(t)
	for _, line := range []string{
		`beck_store_topic_records{topic="hello"} 10`, `beck_store_topic_missing_records{topic="hello"} 0`,
		`beck_store_topic_committed_records_total{topic="hello"} 10`,
		`beck_store_queue_limit_bytes 6.7108864e+07`,
		`beck_store_links{direction="dialled",role="producer"} 1`, `beck_store_links{direction="accepted",role="consumer"} 1`,
		`beck_store_links{direction="accepted",role="foreign"} 0`, `beck_store_malformed_total{kind="topic"} 0`,
		`beck_store_saved_lag_records{name="billing"} 6`, `beck_store_saved_names 1`, `beck_store_saved_unreadable 0`,
		`beck_store_dropped_records_total{reason="damaged"} 0`,
		`beck_consumer_delivered_records_total 10`, `beck_consumer_topic_records_total{topic="hello"} 10`,
		`beck_consumer_topic_behind_records{topic="hello"} 0`, `beck_consumer_gap_records_total{kind="skipped"} 0`,
		`beck_consumer_stalled_partitions 0`, `beck_consumer_partitions 1`,
		`beck_producer_published_records_total 10`, `beck_producer_topic_records_total{topic="hello"} 10`,
		`beck_producer_topic_unstored_records{topic="hello"} 0`, `beck_producer_ack_seconds_count 10`,
		`beck_producer_ack_seconds_bucket{le="+Inf"} 10`,
		`beck_tower_nodes{role="store"} 1`, `beck_tower_nodes{role="consumer"} 1`, `beck_tower_refused_total{kind="rate"} 0`,
		`beck_build_info{version="test"} 1`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("/metrics has no line %s", line)
		}
	}
	described, printed := documented(t), make(map[string]string)
	for _, m := range httpd.MetricNames() {
		printed[m.Name] = m.Kind
		if labels, ok := described[m.Name]; !ok || labels != strings.Join(m.Labels, ",") {
			t.Errorf("docs/metrics.md does not say what %s{%s} is: it has %q", m.Name, strings.Join(m.Labels, ","), labels)
		}
	}
	for name := range described {
		if printed[name] == "" {
			t.Errorf("docs/metrics.md describes %s, which there is not", name)
		}
	}
	for _, match := range regexp.MustCompile(`(?m)^# TYPE (beck_\w+) (\w+)$`).FindAllStringSubmatch(text, -1) {
		if printed[match[1]] != match[2] {
			t.Errorf("/metrics prints %s as a %s; it is listed as %q", match[1], match[2], printed[match[1]])
		}
		delete(printed, match[1])
	}
	for name := range printed {
		t.Errorf("/metrics does not print %s", name)
	}
}

// documented returns the labels of the metrics that docs/metrics.md describes.
func documented(t *testing.T) map[string]string {
	t.Helper()
	doc, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	described := make(map[string]string)
	for _, match := range row.FindAllStringSubmatch(string(doc), -1) {
		if _, twice := described[match[1]]; twice {
			t.Errorf("docs/metrics.md describes %s twice", match[1])
		}
		described[match[1]] = match[2]
	}
	return described
}

// TestLint holds what daemons print against Prometheus' conventions.
func TestLint(t *testing.T) {
	problems, err := promlint.New(strings.NewReader(exposition(t))).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "beck_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	bases := make(map[string]string)
	for _, m := range httpd.MetricNames() { // OpenMetrics has one name for a counter and its family
		base := strings.TrimSuffix(m.Name, "_total")
		if other := bases[base]; other != "" {
			t.Errorf("%s and %s are one name in OpenMetrics", m.Name, other)
		}
		bases[base] = m.Name
	}
}

var updateMetrics = flag.Bool("update-metrics", false, "write deploy/prometheus/metrics.txt")

// TestListOfMetrics compares the list that rules and dashboards are checked by with
// what there is. `make metrics` writes it.
func TestListOfMetrics(t *testing.T) {
	const file = "../../deploy/prometheus/metrics.txt"
	lines := []string{"# What beck's daemons print: name, kind, labels. `make metrics` writes this list."}
	list := httpd.MetricNames()
	slices.SortFunc(list, func(a, b httpd.MetricName) int { return strings.Compare(a.Name, b.Name) })
	for _, m := range list {
		lines = append(lines, strings.TrimSpace(fmt.Sprint(m.Name, " ", m.Kind, " ", strings.Join(m.Labels, " "))))
	}
	want := strings.Join(lines, "\n") + "\n"
	if *updateMetrics {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != want {
		t.Errorf("deploy/prometheus/metrics.txt is not the list of metrics: run make metrics (%v)", err)
	}
}
