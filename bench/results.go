package main

import (
	"math"
	"slices"

	"github.com/beckmesh/beck/internal/workload"
)

// cell is what is measured once in each round.
type cell struct {
	mode   string
	size   int
	system string
}

// results is what a comparison measured.
type results struct {
	rounds  int
	reports map[cell][]*workload.Report // by round; nil for a run that failed
	failed  map[cell]string             // the last failure
}

func newResults() *results {
	return &results{reports: make(map[cell][]*workload.Report), failed: make(map[cell]string)}
}

func (r *results) add(c cell, report *workload.Report, err error) {
	if err != nil {
		report = nil
		r.failed[c] = err.Error()
	}
	r.reports[c] = append(r.reports[c], report)
	r.rounds = max(r.rounds, len(r.reports[c]))
}

// metric is one number of a report.
type metric func(*workload.Report) float64

func perSecond(r *workload.Report) float64    { return r.RecordsPerSecond }
func megabytes(r *workload.Report) float64    { return r.MegabytesPerSecond }
func cpuPerRecord(r *workload.Report) float64 { return r.TotalCPU() / float64(r.Count) * 1e6 }

// quantile returns the metric of a latency.
func quantile(of func(*workload.Latency) float64) metric {
	return func(r *workload.Report) float64 {
		if r.Latency == nil {
			return math.NaN()
		}
		return of(r.Latency)
	}
}

var (
	p50   = quantile(func(l *workload.Latency) float64 { return l.P50 })
	p99   = quantile(func(l *workload.Latency) float64 { return l.P99 })
	p999  = quantile(func(l *workload.Latency) float64 { return l.P999 })
	worst = quantile(func(l *workload.Latency) float64 { return l.Max })
)

// spread is the distribution of a number over the rounds.
type spread struct{ median, low, high float64 }

// of returns the spread of a cell's metric; false if no run ended well.
func (r *results) of(c cell, m metric) (spread, bool) {
	var list []float64
	for _, report := range r.reports[c] {
		if report != nil {
			list = append(list, m(report))
		}
	}
	return spreadOf(list)
}

// ratio returns the spread of one cell's metric to another's, round by round,
// so that what slows the machine down for a while falls on both.
func (r *results) ratio(a, b cell, m metric) (spread, bool) {
	var list []float64
	for i, report := range r.reports[a] {
		if i < len(r.reports[b]) && report != nil && r.reports[b][i] != nil {
			list = append(list, m(report)/m(r.reports[b][i]))
		}
	}
	return spreadOf(list)
}

func spreadOf(list []float64) (spread, bool) {
	if len(list) == 0 {
		return spread{}, false
	}
	list = slices.Sorted(slices.Values(list))
	return spread{median: median(list), low: list[0], high: list[len(list)-1]}, true
}

// median returns the middle of a sorted list.
func median(sorted []float64) float64 {
	n := len(sorted)
	if n%2 == 0 {
		return (sorted[n/2-1] + sorted[n/2]) / 2
	}
	return sorted[n/2]
}
