package httpd

import "github.com/prometheus/client_golang/prometheus"

// MetricName is a metric that daemons print.
type MetricName struct {
	Name   string
	Kind   string // counter, gauge or histogram
	Help   string
	Labels []string
}

// MetricNames returns all metrics of beck's own.
func MetricNames() []MetricName {
	list := []MetricName{{buildInfo, "gauge", buildHelp, []string{"version"}}}
	list = append(list, names(towerFamilies)...)
	for _, families := range storeMetrics {
		list = append(list, names(families)...)
	}
	for _, families := range producerMetrics {
		list = append(list, names(families)...)
	}
	for _, families := range consumerMetrics {
		list = append(list, names(families)...)
	}
	return list
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
		list = append(list, MetricName{f.name, kind, f.help, f.labels})
	}
	return list
}
