package main

import "fmt"

// titles are those of the charts.
var titles = map[string]string{
	direct:  "Producer to consumer, records per second",
	store:   "Producer to store, acknowledged records per second",
	replay:  "Store to a new consumer, records per second",
	fanout:  "Producer to 8 consumers, records per second of all",
	latency: "Publish to application at 10,000 records per second (shorter is better)",
	join:    "Start of a consumer's process to its first record (shorter is better)",
}

// modeChart draws a mode; "" if nothing was measured.
func modeChart(c *comparison, mode string, chosen []system, r *results) string {
	var groups []group
	add := func(title string, size int, m metric, text func(float64) string) {
		g := group{title: title}
		for _, s := range chosen {
			if v, ok := r.of(cell{mode, size, s.name}, m); ok {
				g.bars = append(g.bars, bar{label: s.name, value: v, text: text(v.median), own: s.name == "beck"})
			}
		}
		if len(g.bars) > 0 {
			groups = append(groups, g)
		}
	}
	micros := func(x float64) string { return fmt.Sprintf("%.0f µs", x) }
	switch mode {
	case latency:
		add("half of the records arrive within", c.sizes[0], p50, micros)
		add("99 of 100 records arrive within", c.sizes[0], p99, micros)
	case join:
		add("half of the consumers within", c.sizes[0], p50, millis)
	default:
		for _, size := range c.sizes {
			add("values of "+bytesText(size), size, perSecond, grouped)
		}
	}
	if len(groups) == 0 {
		return ""
	}
	return chart(titles[mode], groups)
}
