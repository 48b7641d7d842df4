package main

import (
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
)

// frameLines is how many lines of the screen are not of the list: what is said of
// the mesh, the titles of views and columns, and the help.
const frameLines = 5

// Marks for a terminal, around text that has none.
const (
	boldOn, reverseOn, attributesOff = "\x1b[1m", "\x1b[7m", "\x1b[0m"
)

// View implements tea.Model.
func (m topModel) View() tea.View {
	v := tea.NewView(strings.Join(m.screen(), "\n"))
	v.AltScreen, v.WindowTitle = true, "beck top"
	return v
}

// screen returns the lines of the screen.
func (m topModel) screen() []string {
	lines := []string{boldOn + m.fit(m.summary()) + attributesOff, m.fit(m.warning()), m.views()}
	if m.snap != nil {
		list := m.list().lines()
		lines = append(lines, reverseOn+m.fit(list[0])+attributesOff)
		rows := list[1:]
		rows = rows[min(m.top, len(rows)):]
		for _, row := range rows[:min(m.room(), len(rows))] {
			lines = append(lines, m.fit(row))
		}
	}
	for len(lines) < m.height-1 {
		lines = append(lines, "")
	}
	return append(lines, m.fit(m.help()))
}

// summary says how the mesh is, in a line.
func (m topModel) summary() string {
	if m.snap == nil {
		return "beck top: asking the mesh …"
	}
	var rate float64
	var records uint64
	for i := range m.snap.Topics {
		rate += m.snap.Topics[i].Rate
		records += m.snap.Topics[i].Records
	}
	up := len(m.snap.Towers) - len(m.snap.TowersDown())
	text := fmt.Sprintf("beck top  %s  %d of %d towers, %d nodes, %d topics, %s records, %s",
		m.snap.Time.Format(time.TimeOnly), up, len(m.snap.Towers), len(m.snap.Nodes), len(m.snap.Topics), humanCount(records), humanRate(rate))
	if m.paused {
		text += "  PAUSED"
	}
	return text
}

// warning says what is missing, or went wrong.
func (m topModel) warning() string {
	switch {
	case m.err != nil:
		return "! " + oneLine(m.err.Error())
	case m.snap != nil && partial(m.snap) != nil:
		return "! " + oneLine(partial(m.snap).Error())
	}
	return ""
}

// views names the views, with the one that is shown in brackets, how it is sorted
// and what is filtered.
func (m topModel) views() string {
	var b strings.Builder
	for v, name := range [...]string{"topics", "nodes", "positions"} {
		if topView(v) == m.view {
			fmt.Fprintf(&b, "[%d %s] ", v+1, name)
		} else {
			fmt.Fprintf(&b, " %d %s  ", v+1, name)
		}
	}
	turned := ""
	if m.turned[m.view] {
		turned = ", turned"
	}
	fmt.Fprintf(&b, " by %s%s", m.view.orders()[m.sorts[m.view]].name, turned)
	if m.typing {
		fmt.Fprintf(&b, "   filter: %s_", m.filter)
	} else if m.filter != "" {
		fmt.Fprintf(&b, "   filter: %s", m.filter)
	}
	return m.fit(b.String())
}

func (m topModel) help() string {
	if m.typing {
		return "type what lines must have; enter: done, esc: take it back"
	}
	return "q leave  tab view  s sort  r turn  / filter  space pause  up/down scroll"
}

// fit cuts a line at the width of the screen.
func (m topModel) fit(line string) string {
	runes := []rune(line)
	if m.width > 0 && len(runes) > m.width {
		return string(runes[:m.width-1]) + "…"
	}
	return line
}
