package check

import (
	"context"
	"errors"
	"slices"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
)

// stock is series in memory, for Prometheus' engine to ask.
type stock []series

// series is one of them.
type series struct {
	name   labels.Labels
	points []point
}

// point is a value of a series; it implements chunks.Sample.
type point struct {
	at    int64 // ms
	value float64
}

func (p point) T() int64                      { return p.at }
func (p point) ST() int64                     { return 0 }
func (p point) F() float64                    { return p.value }
func (p point) H() *histogram.Histogram       { return nil }
func (p point) FH() *histogram.FloatHistogram { return nil }
func (p point) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (p point) Copy() chunks.Sample           { return p }

// Querier implements storage.Queryable.
func (s stock) Querier(from, to int64) (storage.Querier, error) { return &query{s, from, to}, nil }

// query is a question about a time.
type query struct {
	stock    stock
	from, to int64 // ms, both included
}

// Select implements storage.Querier.
func (q *query) Select(_ context.Context, _ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	var found []storage.Series
	for _, s := range q.stock {
		if slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !m.Matches(s.name.Get(m.Name)) }) {
			continue
		}
		var samples []chunks.Sample
		for _, p := range s.points {
			if p.at >= q.from && p.at <= q.to {
				samples = append(samples, p)
			}
		}
		found = append(found, storage.NewListSeries(s.name, samples))
	}
	slices.SortFunc(found, func(a, b storage.Series) int { return labels.Compare(a.Labels(), b.Labels()) })
	return &results{all: found}
}

// errLabels is an answer to what no alert asks.
var errLabels = errors.New("stock: labels are not listed")

// LabelValues implements storage.Querier.
func (q *query) LabelValues(context.Context, string, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return nil, nil, errLabels
}

// LabelNames implements storage.Querier.
func (q *query) LabelNames(context.Context, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return nil, nil, errLabels
}

// Close implements storage.Querier.
func (q *query) Close() error { return nil }

// results is the answer to a query, one series after the other.
type results struct {
	all []storage.Series
	at  int
}

// Next implements storage.SeriesSet.
func (r *results) Next() bool { r.at++; return r.at <= len(r.all) }

// At implements storage.SeriesSet.
func (r *results) At() storage.Series { return r.all[r.at-1] }

// Err implements storage.SeriesSet.
func (r *results) Err() error { return nil }

// Warnings implements storage.SeriesSet.
func (r *results) Warnings() annotations.Annotations { return nil }
