package httpd

import (
	"strings"

	"github.com/beckmesh/beck/internal/histogram"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// family is a metric, and how its values follow from what a node counts.
type family[S any] struct {
	name, help string
	kind       prometheus.ValueType
	labels     []string // of each value; none for a metric of one value
	// One of these is set.
	value     func(s *S) float64
	values    func(s *S, add func(v float64, labels ...string))
	histogram func(s *S) histogram.Histogram
}

func counter[S any](name, help string, value func(*S) uint64) family[S] {
	return family[S]{name: name, help: help, kind: prometheus.CounterValue, value: func(s *S) float64 { return float64(value(s)) }}
}

func gauge[S any, N int | int64 | uint64 | float64](name, help string, value func(*S) N) family[S] {
	return family[S]{name: name, help: help, kind: prometheus.GaugeValue, value: func(s *S) float64 { return float64(value(s)) }}
}

// flag is 1 for true.
func flag[S any](name, help string, value func(*S) bool) family[S] {
	return gauge(name, help, func(s *S) int {
		if value(s) {
			return 1
		}
		return 0
	})
}

// counters is a counter by a label, of a map.
func counters[S any](name, help, label string, values func(*S) map[string]uint64) family[S] {
	return family[S]{name: name, help: help, kind: prometheus.CounterValue, labels: []string{label}, values: byLabel(values)}
}

// gauges is a gauge by a label, of a map.
func gauges[S any](name, help, label string, values func(*S) map[string]int) family[S] {
	return family[S]{name: name, help: help, kind: prometheus.GaugeValue, labels: []string{label}, values: byLabel(values)}
}

func byLabel[S any, N int | uint64](values func(*S) map[string]N) func(*S, func(float64, ...string)) {
	return func(s *S, add func(float64, ...string)) {
		for k, v := range values(s) {
			add(float64(v), k)
		}
	}
}

// listed is a metric by a label, of a list.
func listed[S, T any](name, help, label string, kind prometheus.ValueType, list func(*S) []T, key func(*T) string, value func(*T) uint64) family[S] {
	return family[S]{name: name, help: help, kind: kind, labels: []string{label}, values: func(s *S, add func(float64, ...string)) {
		for i, all := 0, list(s); i < len(all); i++ {
			add(float64(value(&all[i])), key(&all[i]))
		}
	}}
}

func histogramOf[S any](name, help string, value func(*S) histogram.Histogram) family[S] {
	return family[S]{name: name, help: help, histogram: value}
}

// collector asks for what a node counts when somebody asks for metrics, once each
// time: between, nothing is done for them.
type collector[S any] struct {
	stats    func() S
	families []family[S]
	descs    []*prometheus.Desc
}

func newCollector[S any](stats func() S, families ...[]family[S]) prometheus.Collector {
	c := &collector[S]{stats: stats}
	for _, list := range families {
		for _, f := range list {
			c.families = append(c.families, f)
			c.descs = append(c.descs, prometheus.NewDesc(f.name, f.help, f.labels, nil))
		}
	}
	return c
}

// Describe implements prometheus.Collector.
func (c *collector[S]) Describe(to chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (c *collector[S]) Collect(to chan<- prometheus.Metric) {
	s := c.stats()
	for i := range c.families {
		f, d := &c.families[i], c.descs[i]
		switch {
		case f.histogram != nil:
			h := f.histogram(&s)
			to <- prometheus.MustNewConstHistogram(d, h.Count, h.Sum, h.Buckets())
		case f.values != nil:
			f.values(&s, func(v float64, labels ...string) {
				for i := range labels {
					labels[i] = strings.ToValidUTF8(labels[i], "\uFFFD")
				}
				to <- prometheus.MustNewConstMetric(d, f.kind, v, labels...)
			})
		default:
			to <- prometheus.MustNewConstMetric(d, f.kind, f.value(&s))
		}
	}
}

const (
	buildInfo = "beck_build_info"
	buildHelp = "1; the label says which version runs."
)

// processMetrics are those of each program in Go, and what this one is.
func processMetrics(version string) []prometheus.Collector {
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: buildInfo, Help: buildHelp, ConstLabels: prometheus.Labels{"version": version},
	})
	info.Set(1)
	return []prometheus.Collector{
		info, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	}
}
