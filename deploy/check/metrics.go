package check

import (
	"bufio"
	"fmt"
	"os"
	"strings"
)

// Kind is what a series is.
type Kind string

// The kinds of series.
const (
	Counter Kind = "counter"
	Gauge   Kind = "gauge"
)

// Series is what there is to know of the series of one name.
type Series struct {
	Kind   Kind
	Labels []string // those of the target included
}

// Metrics are the series that can be asked for, by name.
type Metrics map[string]Series

// target is what Prometheus adds to each series.
var target = []string{"job", "instance"}

// standard are series that are not beck's own: of Prometheus about a target, and of
// its client library.
var standard = map[string]Kind{
	"up":                            Gauge,
	"scrape_duration_seconds":       Gauge,
	"process_cpu_seconds_total":     Counter,
	"process_resident_memory_bytes": Gauge,
	"process_start_time_seconds":    Gauge,
	"process_open_fds":              Gauge,
	"process_max_fds":               Gauge,
	"go_goroutines":                 Gauge,
	"go_memstats_heap_inuse_bytes":  Gauge,
}

// ReadMetrics reads a list of metrics: lines of name, kind and labels; those that begin
// with # are skipped. A histogram is the three kinds of series that it consists of.
func ReadMetrics(file string) (Metrics, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	m := make(Metrics)
	for name, kind := range standard {
		m.add(name, kind, nil)
	}
	lines := bufio.NewScanner(strings.NewReader(string(text)))
	for n := 1; lines.Scan(); n++ {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		fields := strings.Fields(lines.Text())
		if len(fields) < 2 {
			return nil, fmt.Errorf("%s: line %d: want a name and a kind", file, n)
		}
		name, labels := fields[0], fields[2:]
		switch kind := Kind(fields[1]); kind {
		case Counter, Gauge:
			m.add(name, kind, labels)
		case "histogram":
			m.add(name+"_bucket", Counter, append(labels, "le"))
			m.add(name+"_sum", Counter, labels)
			m.add(name+"_count", Counter, labels)
		default:
			return nil, fmt.Errorf("%s: line %d: %q is no kind", file, n, kind)
		}
	}
	return m, lines.Err()
}

func (m Metrics) add(name string, kind Kind, labels []string) {
	m[name] = Series{kind, append(append([]string(nil), target...), labels...)}
}
