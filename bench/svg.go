package main

import (
	"fmt"
	"html"
	"strings"
)

// bar is one bar of a chart, with the range of the rounds as a line on it.
type bar struct {
	label string
	value spread
	text  string // behind the bar
	own   bool   // beck's: it stands out
}

// group is bars that are compared with each other: it has a scale of its own.
type group struct {
	title string
	bars  []bar
}

const (
	svgWidth  = 760
	svgLabels = 150 // for the names
	svgTexts  = 150 // for the numbers
	svgBar    = 18
	svgStep   = 26
	svgFont   = `font-family="system-ui, sans-serif"`
)

// chart draws groups of bars below each other.
func chart(title string, groups []group) string {
	var b strings.Builder
	y := 34
	fmt.Fprintf(&b, `<text x="16" y="24" %s font-size="16" font-weight="600" fill="#1f2430">%s</text>`+"\n", svgFont, html.EscapeString(title))
	for _, g := range groups {
		y = g.draw(&b, y)
	}
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img">
<title>%s</title>
<rect width="100%%" height="100%%" rx="6" fill="#ffffff"/>
%s</svg>
`, svgWidth, y+12, svgWidth, y+12, html.EscapeString(title), b.String())
}

// draw draws the group from y on, and returns where the next one begins.
func (g group) draw(b *strings.Builder, y int) int {
	var most float64
	for _, bar := range g.bars {
		most = max(most, bar.value.high)
	}
	if most <= 0 {
		return y
	}
	scale := float64(svgWidth-svgLabels-svgTexts) / most
	y += 22
	fmt.Fprintf(b, `<text x="16" y="%d" %s font-size="12" fill="#5b6270">%s</text>`+"\n", y-4, svgFont, html.EscapeString(g.title))
	for _, bar := range g.bars {
		bar.draw(b, y, scale)
		y += svgStep
	}
	return y
}

func (r bar) draw(b *strings.Builder, y int, scale float64) {
	fill, weight := "#a9b4c4", "400"
	if r.own {
		fill, weight = "#1769aa", "600"
	}
	middle := y + svgBar/2
	fmt.Fprintf(b, `<text x="%d" y="%d" %s font-size="13" font-weight="%s" text-anchor="end" fill="#1f2430">%s</text>`+"\n",
		svgLabels-8, middle+4, svgFont, weight, html.EscapeString(r.label))
	fmt.Fprintf(b, `<rect x="%d" y="%d" width="%.1f" height="%d" rx="2" fill="%s"/>`+"\n",
		svgLabels, y, max(1, r.value.median*scale), svgBar, fill)
	fmt.Fprintf(b, `<path d="M%.1f %dH%.1f" stroke="#1f2430" stroke-width="1.5"/>`+"\n",
		svgLabels+r.value.low*scale, middle, svgLabels+r.value.high*scale)
	fmt.Fprintf(b, `<text x="%.1f" y="%d" %s font-size="12" fill="#1f2430">%s</text>`+"\n",
		svgLabels+r.value.high*scale+8, middle+4, svgFont, html.EscapeString(r.text))
}
