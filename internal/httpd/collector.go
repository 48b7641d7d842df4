package httpd

import (
	"strings"

	"github.com/beckmesh/beck/internal/histogram"
	"github.com/beckmesh/beck/producer"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// family is a metric, and how its values follow from what a node counts.
type family[S any] struct {
	name, help string
	kind       prometheus.ValueType
	label      string // of each value; "" for a metric of one value
	// One of these is set.
	value     func(s *S) float64
	values    func(s *S, add func(label string, v float64))
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
	return family[S]{name: name, help: help, kind: prometheus.CounterValue, label: label,
		values: func(s *S, add func(string, float64)) {
			for k, v := range values(s) {
				add(k, float64(v))
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
			var labels []string
			if f.label != "" {
				labels = []string{f.label}
			}
			c.families = append(c.families, f)
			c.descs = append(c.descs, prometheus.NewDesc(f.name, f.help, labels, nil))
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
			f.values(&s, func(label string, v float64) {
				to <- prometheus.MustNewConstMetric(d, f.kind, v, strings.ToValidUTF8(label, "\uFFFD"))
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

// MetricName is a metric that daemons print.
type MetricName struct {
	Name string
	Kind string // counter, gauge or histogram
	Help string
}

// MetricNames returns all metrics of beck's own.
func MetricNames() []MetricName {
	list := []MetricName{{buildInfo, "gauge", buildHelp}}
	list = append(list, names(towerFamilies)...)
	for _, families := range storeMetrics {
		list = append(list, names(families)...)
	}
	list = append(append(list, names(producerFamilies)...), names([]family[producer.Stats]{windowLimit(0)})...)
	return append(list, names(consumerFamilies)...)
}

func names[S any](families []family[S]) (list []MetricName) {
	for _, f := range families {
		kind := "gauge"
		switch {
		case f.histogram != nil:
			kind = "histogram"
		case f.kind == prometheus.CounterValue:
			kind = "counter"
		}
		list = append(list, MetricName{f.name, kind, f.help})
	}
	return list
}
