package main

import (
	"fmt"
	"strings"
)

// target is what beck is to reach, as a ratio to another system in the same
// run.
type target struct {
	mode    string
	against string
	name    string // of what is compared, if not records per second
	metric  metric
	least   [2]float64 // for records of 100 bytes and of 1 KiB; 0 for none
	aim     [2]float64
	most    bool // the ratio is to be at most that
}

var targets = []target{
	{mode: direct, against: "NATS core", metric: perSecond, least: [2]float64{2.5, 1.2}},
	{mode: direct, against: "TCP loop", metric: perSecond, least: [2]float64{0.4, 0.4}, aim: [2]float64{0.65, 0.65}},
	{mode: direct, against: "TCP loop, bufio", metric: perSecond, least: [2]float64{0.4, 0.4}, aim: [2]float64{0.65, 0.65}},
	{mode: store, against: "JetStream", metric: perSecond, least: [2]float64{6, 1.3}, aim: [2]float64{10, 2}},
	{mode: store, against: "Redis Streams", metric: perSecond, least: [2]float64{2, 2}, aim: [2]float64{4, 4}},
	{mode: store, against: "Pebble", metric: perSecond, least: [2]float64{0.6, 0.6}, aim: [2]float64{1, 1}},
	{mode: replay, against: "JetStream", metric: perSecond, least: [2]float64{5, 2}, aim: [2]float64{10, 4}},
	{mode: direct, against: "C Dafka", metric: perSecond, least: [2]float64{1, 1}},
	{mode: store, against: "C Dafka", metric: perSecond, least: [2]float64{1, 1}},
	{mode: replay, against: "C Dafka", metric: perSecond, least: [2]float64{1, 1}},
	{mode: latency, against: "NATS core", name: "p50", metric: p50, least: [2]float64{0.75}, aim: [2]float64{0.5}, most: true},
	{mode: latency, against: "NATS core", name: "p99", metric: p99, least: [2]float64{0.75}, aim: [2]float64{0.5}, most: true},
}

// joinLeast and joinAim are what the median of joins is to stay below, in
// microseconds.
const (
	joinLeast = 100_000
	joinAim   = 30_000
)

// targetTable compares what was measured with the targets.
func targetTable(c *comparison, r *results) *table {
	t := newTable("mode", "size", "beck to", "ratio", "lowest to highest", "at least", "aim", "")
	for _, g := range targets {
		for i, size := range c.sizesOf(g.mode) {
			if i < len(g.least) && g.least[i] != 0 {
				g.row(t, r, size, i)
			}
		}
	}
	for _, size := range c.sizesOf(fanout) {
		fanoutRow(t, r, size)
	}
	if s, ok := r.of(cell{join, c.sizes[0], "beck"}, p50); ok {
		t.row("join, p50", bytesText(c.sizes[0]), "", millis(s.median), millis(s.low)+" to "+millis(s.high),
			"below "+millis(joinLeast), "below "+millis(joinAim), verdict(s.median, joinLeast, joinAim, true))
	}
	return t
}

func (g target) row(t *table, r *results, size, i int) {
	s, ok := r.ratio(cell{g.mode, size, "beck"}, cell{g.mode, size, g.against}, g.metric)
	if !ok {
		return
	}
	name := g.mode
	if g.name != "" {
		name += ", " + g.name
	}
	bound := func(x float64) string {
		switch {
		case x == 0:
			return ""
		case g.most:
			return "at most " + times2(x)
		}
		return times2(x)
	}
	t.row(name, bytesText(size), g.against, times2(s.median), times2(s.low)+" to "+times2(s.high),
		bound(g.least[i]), bound(g.aim[i]), verdict(s.median, g.least[i], g.aim[i], g.most))
}

// fanoutRow compares all deliveries of a fan-out with those to one consumer.
func fanoutRow(t *table, r *results, size int) {
	s, ok := r.ratio(cell{fanout, size, "beck"}, cell{direct, size, "beck"}, perSecond)
	if !ok {
		return
	}
	t.row(fmt.Sprintf("fanout to %d", fanoutConsumers), bytesText(size), "its own direct", times2(s.median),
		times2(s.low)+" to "+times2(s.high), times2(1), "", verdict(s.median, 1, 0, false))
}

// verdict says whether a target was reached.
func verdict(is, least, aim float64, most bool) string {
	reached := func(bound float64) bool {
		if most {
			return is <= bound
		}
		return is >= bound
	}
	switch {
	case !reached(least):
		return "missed"
	case aim != 0 && reached(aim):
		return "aim reached"
	}
	return "reached"
}

func times2(x float64) string { return strings.TrimSuffix(fmt.Sprintf("%.2f", x), ".00") + "×" }

func millis(micros float64) string { return fmt.Sprintf("%.1f ms", micros/1000) }
