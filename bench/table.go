package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/beckmesh/beck/internal/workload"
)

// table is a table of Markdown, its columns padded so that it can be read as
// text, too.
type table struct{ rows [][]string }

func newTable(names ...string) *table { return &table{rows: [][]string{names}} }

// row adds a row; cells that are not given are empty.
func (t *table) row(values ...string) {
	for len(values) < len(t.rows[0]) {
		values = append(values, "")
	}
	t.rows = append(t.rows, values)
}

func (t *table) empty() bool { return len(t.rows) == 1 }

func (t *table) markdown() string {
	widths := make([]int, len(t.rows[0]))
	for _, row := range t.rows {
		for i, v := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(v), 3)
		}
	}
	var b strings.Builder
	for n, row := range t.rows {
		for i, v := range row {
			b.WriteString("| " + v + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(v)+1))
		}
		b.WriteString("|\n")
		if n == 0 {
			for _, w := range widths {
				b.WriteString("|" + strings.Repeat("-", w+2))
			}
			b.WriteString("|\n")
		}
	}
	return b.String()
}

// tables returns all tables of a comparison, for people at a terminal.
func tables(c *comparison, chosen []system, r *results) string {
	var b strings.Builder
	if t := targetTable(c, r); !t.empty() {
		b.WriteString("\n" + t.markdown())
	}
	for _, mode := range c.modes {
		if t := modeTable(c, mode, chosen, r); !t.empty() {
			fmt.Fprintf(&b, "\n%s\n\n%s", mode, t.markdown())
		}
	}
	return b.String()
}

// modeTable has a row for each system and size.
func modeTable(c *comparison, mode string, chosen []system, r *results) *table {
	switch mode {
	case latency:
		return latencyTable(c, mode, chosen, r, "µs", 1)
	case join:
		return latencyTable(c, mode, chosen, r, "ms", 1000)
	}
	t := newTable("size", "system", "records/s", "lowest to highest", "MB/s", "processor time per record", "peak memory")
	for _, size := range c.sizesOf(mode) {
		for _, s := range chosen {
			at := cell{mode, size, s.name}
			rate, ok := r.of(at, perSecond)
			if !ok {
				if why := r.failed[at]; why != "" {
					t.row(bytesText(size), s.name, "failed", cellText(why))
				}
				continue
			}
			mb, _ := r.of(at, megabytes)
			cpu, _ := r.of(at, cpuPerRecord)
			t.row(bytesText(size), s.name, grouped(rate.median), grouped(rate.low)+" to "+grouped(rate.high),
				fmt.Sprintf("%.1f", mb.median), fmt.Sprintf("%.3f µs", cpu.median), memoryText(r, at))
		}
	}
	return t
}

func latencyTable(c *comparison, mode string, chosen []system, r *results, unit string, by float64) *table {
	t := newTable("system", "p50", "lowest to highest", "p99", "p99.9", "max", "processor time per record")
	if mode == join { // of 20, the highest quantiles are the worst
		t = newTable("system", "p50", "lowest to highest", "max", "processor time per join")
	}
	text := func(x float64) string { return fmt.Sprintf("%.1f %s", x/by, unit) }
	for _, s := range chosen {
		at := cell{mode, c.sizes[0], s.name}
		half, ok := r.of(at, p50)
		if !ok {
			if why := r.failed[at]; why != "" {
				t.row(s.name, "failed", cellText(why))
			}
			continue
		}
		middle := func(m metric) string { x, _ := r.of(at, m); return text(x.median) }
		cpu, _ := r.of(at, cpuPerRecord)
		row := []string{s.name, text(half.median), text(half.low) + " to " + text(half.high)}
		if mode != join {
			row = append(row, middle(p99), middle(p999))
		}
		t.row(append(row, middle(worst), fmt.Sprintf("%.1f µs", cpu.median))...)
	}
	return t
}

// memoryText names the peak memory of each role, the median over the rounds.
func memoryText(r *results, at cell) string {
	var parts []string
	var some *workload.Report
	for _, report := range r.reports[at] {
		if report != nil {
			some = report
		}
	}
	for _, role := range some.Roles() {
		m, _ := r.of(at, func(r *workload.Report) float64 { return float64(r.PeakRSSBytes[role]) })
		parts = append(parts, fmt.Sprintf("%s %.0f MiB", role, m.median/(1<<20)))
	}
	return strings.Join(parts, ", ")
}

// cellText makes a text fit into a cell.
func cellText(s string) string {
	s = strings.ReplaceAll(strings.Join(strings.Fields(s), " "), "|", "/")
	if len(s) > 80 {
		s = s[:80] + "…"
	}
	return s
}

// bytesText names a size as people do.
func bytesText(n int) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d B", n)
}

// grouped rounds to three digits and puts commas between thousands.
func grouped(x float64) string {
	if x >= 1000 {
		unit := math.Pow(10, math.Floor(math.Log10(x))-2)
		x = math.Round(x/unit) * unit
	}
	digits := strconv.FormatFloat(x, 'f', 0, 64)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
