package main

import (
	"cmp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"

	"github.com/beckmesh/beck/internal/survey"
)

// roundMsg is what a round told.
type roundMsg struct {
	snap *survey.Snapshot
	err  error
}

// topView is one of the lists that top shows.
type topView int

const (
	viewTopics topView = iota
	viewNodes
	viewSaved
	viewCount
)

// topModel is what top shows. Update changes it by keys and rounds, View draws it;
// neither knows of a terminal.
type topModel struct {
	first, next tea.Cmd // ask for the first round, and for another one

	snap   *survey.Snapshot // nil until the first round
	err    error            // of the last round
	width  int              // of the screen; 0: unknown
	height int

	view   topView
	sorts  [viewCount]int // index into the view's orders
	turned [viewCount]bool
	filter string
	typing bool // keys go to the filter
	top    int  // first line of the list on the screen
	paused bool
	held   *survey.Snapshot // newest while paused
}

func newTopModel(first, next tea.Cmd) topModel { return topModel{first: first, next: next} }

// Init implements tea.Model.
func (m topModel) Init() tea.Cmd { return m.first }

// Update implements tea.Model.
func (m topModel) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case roundMsg:
		m.err, m.held = msg.err, msg.snap
		if !m.paused || m.snap == nil {
			m.snap = m.held
		}
		return m.clamped(), m.next
	case tea.KeyPressMsg:
		return m.key(msg)
	}
	return m.clamped(), nil
}

func (m topModel) key(key tea.KeyPressMsg) (tea.Model, tea.Cmd) {
	name := key.String()
	if name == "ctrl+c" {
		return m, tea.Quit
	}
	if m.typing {
		return m.typed(name, key.Text).clamped(), nil
	}
	switch name {
	case "q":
		return m, tea.Quit
	case "tab":
		m.view, m.top = (m.view+1)%viewCount, 0
	case "1", "2", "3":
		m.view, m.top = topView(name[0]-'1'), 0
	case "s":
		m.sorts[m.view] = (m.sorts[m.view] + 1) % len(m.view.orders())
	case "r":
		m.turned[m.view] = !m.turned[m.view]
	case "/":
		m.typing = true
	case "esc":
		m.filter = ""
	case "space", "p":
		if m.paused = !m.paused; !m.paused {
			m.snap = m.held
		}
	default:
		m.top += m.scroll(name)
	}
	return m.clamped(), nil
}

// typed takes a key for the filter.
func (m topModel) typed(name, text string) topModel {
	switch name {
	case "enter":
		m.typing = false
	case "esc":
		m.typing, m.filter = false, ""
	case "backspace":
		_, n := utf8.DecodeLastRuneInString(m.filter)
		m.filter = m.filter[:len(m.filter)-n]
	default:
		if len(m.filter) < 64 {
			m.filter += text
		}
	}
	return m
}

// scroll returns by how many lines a key scrolls.
func (m topModel) scroll(name string) int {
	switch name {
	case "up", "k":
		return -1
	case "down", "j":
		return 1
	case "pgup":
		return -m.room()
	case "pgdown":
		return m.room()
	case "home":
		return -m.top
	}
	return 0
}

// clamped keeps the list on the screen.
func (m topModel) clamped() topModel {
	if m.snap == nil {
		m.top = 0
		return m
	}
	m.top = max(0, min(m.top, len(m.list().rows)-m.room()))
	return m
}

// room returns how many lines of the list fit on the screen.
func (m topModel) room() int {
	if m.height == 0 {
		return 20
	}
	return max(1, m.height-frameLines)
}

// topOrder is a way to sort a view, with the title of the column.
type topOrder struct {
	name string
	sort func(snap *survey.Snapshot)
}

// orders returns the ways to sort a view, the first by default.
func (v topView) orders() []topOrder {
	switch v {
	case viewTopics:
		return []topOrder{
			{"name", byTopic(func(a, b *survey.Topic) int { return 0 })},
			{"rate", byTopic(func(a, b *survey.Topic) int { return cmp.Compare(b.Rate, a.Rate) })},
			{"records", byTopic(func(a, b *survey.Topic) int { return cmp.Compare(b.Records, a.Records) })},
			{"bytes", byTopic(func(a, b *survey.Topic) int { return cmp.Compare(b.Bytes, a.Bytes) })},
			{"last", byTopic(func(a, b *survey.Topic) int { return newer(a.Last, b.Last) })},
		}
	case viewNodes:
		return []topOrder{
			{"role", byNode(func(a, b *survey.Node) int { return cmp.Compare(a.Role, b.Role) })},
			{"address", byNode(func(a, b *survey.Node) int { return 0 })},
			{"age", byNode(func(a, b *survey.Node) int { return newer(a.Started, b.Started) })},
			{"links", byNode(func(a, b *survey.Node) int { return cmp.Compare(len(b.Links), len(a.Links)) })},
		}
	}
	return []topOrder{
		{"name", bySaved(func(a, b *survey.Saved) int { return 0 })},
		{"lag", bySaved(func(a, b *survey.Saved) int { return cmp.Compare(b.Lag, a.Lag) })},
	}
}

// newer puts the later time first, and none last.
func newer(a, b *time.Time) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return 1
	case b == nil:
		return -1
	}
	return b.Compare(*a)
}

func byTopic(order func(a, b *survey.Topic) int) func(*survey.Snapshot) {
	return func(s *survey.Snapshot) {
		slices.SortFunc(s.Topics, func(a, b survey.Topic) int { return cmp.Or(order(&a, &b), cmp.Compare(a.Name, b.Name)) })
	}
}

func byNode(order func(a, b *survey.Node) int) func(*survey.Snapshot) {
	return func(s *survey.Snapshot) {
		slices.SortFunc(s.Nodes, func(a, b survey.Node) int { return cmp.Or(order(&a, &b), cmp.Compare(a.Address, b.Address)) })
	}
}

func bySaved(order func(a, b *survey.Saved) int) func(*survey.Snapshot) {
	return func(s *survey.Snapshot) {
		slices.SortFunc(s.Saved, func(a, b survey.Saved) int { return cmp.Or(order(&a, &b), cmp.Compare(a.Name, b.Name)) })
	}
}

// list returns the table of the view, sorted and filtered.
func (m topModel) list() *table {
	s := *m.snap
	s.Topics, s.Nodes, s.Saved = slices.Clone(s.Topics), slices.Clone(s.Nodes), slices.Clone(s.Saved)
	m.view.orders()[m.sorts[m.view]].sort(&s)
	if m.turned[m.view] {
		slices.Reverse(s.Topics)
		slices.Reverse(s.Nodes)
		slices.Reverse(s.Saved)
	}
	var t *table
	switch m.view {
	case viewTopics:
		t = topicTable(&s, s.Topics)
	case viewNodes:
		t = nodeTable(&s)
	default:
		t = savedTable(&s)
	}
	if m.filter != "" {
		want := strings.ToLower(m.filter)
		t.rows = slices.DeleteFunc(t.rows, func(row []string) bool {
			return !strings.Contains(strings.ToLower(strings.Join(row, " ")), want)
		})
	}
	return t
}
