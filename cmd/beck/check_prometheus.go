package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
)

// prometheus writes what was found in Prometheus' text format, as its collectors
// take it from a file.
func (v *verdict) prometheus(out io.Writer) error {
	g := gauges{registry: prometheus.NewRegistry()}
	n := &v.Summary
	g.set("check_status", "0 ok, 1 warning, 2 critical.", float64(v.Status))
	g.set("check_problems", "Problems that were found.", float64(len(v.Problems)))
	g.set("towers", "Towers that the check was told of.", float64(n.Towers))
	g.set("towers_up", "Towers that answer.", float64(n.TowersUp))
	g.set("nodes", "Nodes that towers name.", float64(n.Nodes))
	g.set("nodes_silent", "Nodes that do not answer.", float64(n.Silent))
	g.set("stores", "Stores that towers name.", float64(n.Stores))
	g.set("partitions", "Partitions of all topics.", float64(n.Partitions))
	g.set("partitions_under_stored", "Partitions whose head too few stores have.", float64(n.UnderStored))
	g.set("saved_positions", "Names under which positions are saved.", float64(n.Names))
	v.topicGauges(&g)
	v.storeGauges(&g)
	for i := range v.snap.Saved {
		s := &v.snap.Saved[i]
		g.set("consumer_lag_records", "Records that saved positions are behind.", float64(s.Lag), "name", s.Name)
	}
	return g.write(out)
}

func (v *verdict) topicGauges(g *gauges) {
	for i := range v.snap.Topics {
		t := &v.snap.Topics[i]
		g.set("topic_records", "Records that can be had.", float64(t.Records), "topic", t.Name)
		g.set("topic_bytes", "Bytes of their values.", float64(t.Bytes), "topic", t.Name)
		g.set("topic_missing_records", "Records that stores lack, over all of them.", float64(t.Missing), "topic", t.Name)
		g.set("topic_conflicts", "Ranges in which stores differ, over all of them.", float64(t.Conflicts), "topic", t.Name)
	}
}

func (v *verdict) storeGauges(g *gauges) {
	for i := range v.snap.Nodes {
		n := &v.snap.Nodes[i]
		if n.Disk == nil {
			continue
		}
		state := 0.0
		if n.Disk.State == "well" {
			state = 1
		}
		g.set("store_disk_ok", "Whether the store's disk takes what is written.", state, "store", n.Address)
		g.set("store_used_bytes", "Bytes that the store takes on its disk.", float64(n.Disk.Used), "store", n.Address)
		if n.Disk.Size > 0 {
			g.set("store_disk_free_bytes", "Bytes left on the store's disk.", float64(n.Disk.Free), "store", n.Address)
			g.set("store_disk_size_bytes", "Bytes of the store's disk.", float64(n.Disk.Size), "store", n.Address)
		}
	}
}

// gauges are metrics that are set once and written.
type gauges struct {
	registry *prometheus.Registry
	vectors  map[string]*prometheus.GaugeVec
}

// set sets beck_name to a value, with at most one label.
func (g *gauges) set(name, help string, value float64, label ...string) {
	vector := g.vectors[name]
	if vector == nil {
		vector = prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "beck", Name: name, Help: help}, label[:len(label)/2])
		g.registry.MustRegister(vector)
		if g.vectors == nil {
			g.vectors = make(map[string]*prometheus.GaugeVec)
		}
		g.vectors[name] = vector
	}
	values := make([]string, 0, 1)
	for _, text := range label[len(label)/2:] {
		values = append(values, strings.ToValidUTF8(text, "\uFFFD"))
	}
	vector.WithLabelValues(values...).Set(value)
}

func (g *gauges) write(out io.Writer) error {
	families, err := g.registry.Gather()
	if err != nil {
		return fmt.Errorf("check: %w", err)
	}
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(out, f); err != nil {
			return fmt.Errorf("writing standard output: %w", err)
		}
	}
	return nil
}
