package main

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/beckmesh/beck/internal/survey"
)

// keys gives a model keys by their names; one rune is typed.
func keys(m tea.Model, names ...string) (topModel, tea.Cmd) {
	var cmd tea.Cmd
	for _, name := range names {
		key := tea.KeyPressMsg{}
		switch name {
		case "tab":
			key.Code = tea.KeyTab
		case "enter":
			key.Code = tea.KeyEnter
		case "esc":
			key.Code = tea.KeyEscape
		case "backspace":
			key.Code = tea.KeyBackspace
		case "down":
			key.Code = tea.KeyDown
		case "up":
			key.Code = tea.KeyUp
		case "pgdown":
			key.Code = tea.KeyPgDown
		case "home":
			key.Code = tea.KeyHome
		case "space":
			key.Code, key.Text = tea.KeySpace, " "
		case "ctrl+c":
			key.Code, key.Mod = 'c', tea.ModCtrl
		default:
			key.Code, key.Text = rune(name[0]), name
		}
		m, cmd = m.Update(key)
	}
	return m.(topModel), cmd
}

func topSnapshot() *survey.Snapshot {
	now := time.Unix(1_700_000_000, 0)
	ago := func(d time.Duration) *time.Time { at := now.Add(-d); return &at }
	return &survey.Snapshot{
		Time: now, Complete: true, Towers: []survey.Tower{{Pub: "tcp://t:1", Up: true}},
		Nodes: []survey.Node{{Address: "B", Role: "store", Answered: true, Started: ago(time.Hour)}, {Address: "A", Role: "producer", Answered: true}},
		Topics: []survey.Topic{
			{Name: "alpha", Records: 5, Rate: 9, Last: ago(time.Minute)},
			{Name: "beta", Records: 700, Rate: 1, Last: ago(time.Second)},
			{Name: "gamma", Records: 30},
		},
		Saved: []survey.Saved{{Name: "x", Lag: 1}, {Name: "y", Lag: 2}},
	}
}

// newTop returns a model of a screen that has had its first round.
func topOf(t *testing.T, snap *survey.Snapshot, height int) topModel {
	t.Helper()
	again := func() tea.Msg { return "again" }
	m := newTopModel(func() tea.Msg { return "first" }, again)
	if m.Init()() != "first" {
		t.Error("Init does not ask for the first round")
	}
	sized, _ := m.Update(tea.WindowSizeMsg{Width: 100, Height: height})
	told, cmd := sized.Update(roundMsg{snap: snap})
	if cmd == nil || cmd() != "again" {
		t.Error("a round does not ask for the next one")
	}
	return told.(topModel)
}

// firsts returns the first cell of each row.
func firsts(m topModel) string {
	var cells []string
	for _, row := range m.list().rows {
		cells = append(cells, row[0])
	}
	return strings.Join(cells, " ")
}

func TestTopSorts(t *testing.T) {
	m := topOf(t, topSnapshot(), 20)
	for i, want := range []string{"alpha beta gamma", "alpha beta gamma", "beta gamma alpha", "alpha beta gamma", "beta alpha gamma", "alpha beta gamma"} {
		if got := firsts(m); got != want {
			t.Errorf("order %d by %s: %s, want %s", i, m.view.orders()[m.sorts[m.view]].name, got, want)
		}
		m, _ = keys(m, "s")
	}
	if m, _ = keys(m, "r"); firsts(m) != "alpha gamma beta" && firsts(m) != "gamma beta alpha" {
		t.Errorf("turned: %s", firsts(m))
	}
	if m, _ = keys(m, "tab", "s"); firsts(m) != "tower producer store" {
		t.Errorf("nodes by address: %s", firsts(m))
	}
	if m, _ = keys(m, "3", "s"); firsts(m) != "y x" {
		t.Errorf("positions by lag: %s", firsts(m))
	}
	if m, _ = keys(m, "tab"); m.view != viewTopics {
		t.Errorf("view %d after the last one", m.view)
	}
}

func TestTopFilters(t *testing.T) {
	m := topOf(t, topSnapshot(), 20)
	m, cmd := keys(m, "/", "E", "q", "backspace", "t")
	if cmd != nil || firsts(m) != "beta" || !strings.Contains(m.View().Content, "filter: Et_") {
		t.Errorf("while typing: %s, %q", firsts(m), m.views())
	}
	if m, _ = keys(m, "enter", "s"); firsts(m) != "beta" || m.sorts[viewTopics] != 1 {
		t.Errorf("after enter: %s", firsts(m))
	}
	if m, _ = keys(m, "esc"); firsts(m) != "alpha beta gamma" {
		t.Errorf("after esc: %s", firsts(m))
	}
	if m, _ = keys(m, "/", "x", "esc"); m.filter != "" || m.typing {
		t.Errorf("taken back: %q", m.filter)
	}
}

func TestTopLeaves(t *testing.T) {
	for _, press := range [][]string{{"q"}, {"ctrl+c"}, {"/", "ctrl+c"}} {
		if _, cmd := keys(topOf(t, topSnapshot(), 20), press...); cmd == nil || reflect.TypeOf(cmd()) != reflect.TypeOf(tea.Quit()) {
			t.Errorf("%v does not leave", press)
		}
	}
}

func TestTopPauses(t *testing.T) {
	m, _ := keys(topOf(t, topSnapshot(), 20), "space")
	newer := topSnapshot()
	newer.Topics = newer.Topics[:1]
	told, cmd := m.Update(roundMsg{snap: newer})
	if m = told.(topModel); firsts(m) != "alpha beta gamma" || cmd == nil || !strings.Contains(m.View().Content, "PAUSED") {
		t.Errorf("paused: %s", firsts(m))
	}
	if m, _ = keys(m, "space"); firsts(m) != "alpha" {
		t.Errorf("going on: %s", firsts(m))
	}
}

// TestTopScreen looks at the screen as it is drawn: never more lines, nor wider,
// than it is, wherever it is scrolled to.
func TestTopScreen(t *testing.T) {
	snap := topSnapshot()
	snap.Topics = nil
	for i := range 50 {
		snap.Topics = append(snap.Topics, survey.Topic{Name: fmt.Sprintf("topic%02d-%s", i, strings.Repeat("x", 100))})
	}
	m := topOf(t, snap, 12)
	shown := func(want ...string) {
		t.Helper()
		lines := strings.Split(m.View().Content, "\n")
		if len(lines) != 12 {
			t.Errorf("%d lines on a screen of 12", len(lines))
		}
		for _, line := range lines {
			for _, mark := range []string{boldOn, reverseOn, attributesOff} {
				line = strings.ReplaceAll(line, mark, "")
			}
			if n := len([]rune(line)); n > 100 {
				t.Errorf("%d columns on a screen of 100: %q", n, line)
			}
		}
		for _, text := range want {
			if !strings.Contains(m.View().Content, text) {
				t.Errorf("no %q on the screen:\n%s", text, m.View().Content)
			}
		}
	}
	shown("topic00-", "topic06-", "q leave", "[1 topics]", "1 of 1 towers, 2 nodes, 50 topics")
	m, _ = keys(m, "up", "down", "pgdown")
	shown("topic08-", "topic14-")
	m, _ = keys(m, "pgdown", "pgdown", "pgdown", "pgdown", "pgdown", "pgdown", "pgdown", "down")
	shown("topic43-", "topic49-")
	m, _ = keys(m, "home")
	shown("topic00-")
	snap.Silent, snap.Complete = []string{"B"}, false
	shown("! this is a part: no answer from store B")
	told, _ := m.Update(roundMsg{snap: snap, err: errors.New("no tower\nanswers")})
	m = told.(topModel)
	shown("! no tower answers")
	if v := m.View(); !v.AltScreen {
		t.Error("the screen is not its own")
	}
	empty := newTopModel(nil, nil)
	if text := empty.View().Content; !strings.Contains(text, "asking the mesh") {
		t.Errorf("before the first round: %q", text)
	}
	if _, cmd := keys(empty, "s", "down", "q"); cmd == nil {
		t.Error("cannot be left before the first round")
	}
}
