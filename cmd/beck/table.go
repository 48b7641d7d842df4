package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// table is rows of aligned text. A column whose title begins with ">" is aligned
// to the right.
type table struct {
	titles []string
	rows   [][]string
}

func newTable(titles ...string) *table { return &table{titles: titles} }

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// write writes the titles and the rows, a line each, without trailing spaces.
func (t *table) write(b *strings.Builder) {
	for _, line := range t.lines() {
		b.WriteString(line)
		b.WriteByte('\n')
	}
}

// lines returns the titles' line and that of each row.
func (t *table) lines() []string {
	widths, right := make([]int, len(t.titles)), make([]bool, len(t.titles))
	titles := make([]string, len(t.titles))
	for i, title := range t.titles {
		titles[i] = strings.TrimPrefix(title, ">")
		right[i] = titles[i] != title
		widths[i] = utf8.RuneCountInString(titles[i])
	}
	for _, row := range t.rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	lines := []string{alignedLine(titles, widths, right)}
	for _, row := range t.rows {
		lines = append(lines, alignedLine(row, widths, right))
	}
	return lines
}

func alignedLine(cells []string, widths []int, right []bool) string {
	var b strings.Builder
	for i, cell := range cells {
		if i > 0 {
			b.WriteString("  ")
		}
		pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
		if right[i] {
			b.WriteString(pad + cell)
		} else {
			b.WriteString(cell + pad)
		}
	}
	return strings.TrimRight(b.String(), " ")
}

// humanName returns a name from elsewhere as it can be put on a terminal: quoted
// if it has anything but letters, digits and signs in it.
func humanName(name string) string {
	strange := func(r rune) bool {
		return r == utf8.RuneError || !unicode.IsGraphic(r) || unicode.IsSpace(r) || r == '"'
	}
	if name == "" || strings.IndexFunc(name, strange) >= 0 {
		return strconv.Quote(name)
	}
	return name
}

// humanBytes returns a size with a unit, such as "1.5 GiB".
func humanBytes(n uint64) string {
	if n < 1<<10 {
		return fmt.Sprintf("%d B", n)
	}
	v, unit := float64(n), 0
	for v >= 1023.95 && unit < 6 {
		v, unit = v/1024, unit+1
	}
	return fmt.Sprintf("%.1f %ciB", v, "KKMGTPE"[unit])
}

// humanCount returns a number in groups of three digits.
func humanCount(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// humanRate returns a rate, such as "12.5/s"; "-" for none.
func humanRate(r float64) string {
	switch {
	case r <= 0 || math.IsNaN(r):
		return "-"
	case r < 100:
		return fmt.Sprintf("%.1f/s", r)
	}
	return humanCount(uint64(math.Round(r))) + "/s"
}

// humanAge returns how long ago something was, such as "3m20s"; "-" if that is
// not known.
func humanAge(at *time.Time, now time.Time) string {
	if at == nil {
		return "-"
	}
	d := max(now.Sub(*at), 0)
	const day = 24 * time.Hour
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", d/time.Minute, d%time.Minute/time.Second)
	case d < day:
		return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%dd%02dh", d/day, d%day/time.Hour)
}

// humanRange returns offsets as "first-last".
func humanRange(first, last uint64) string {
	if first == last {
		return strconv.FormatUint(first, 10)
	}
	return fmt.Sprintf("%d-%d", first, last)
}
