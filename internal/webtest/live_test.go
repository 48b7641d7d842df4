//go:build unix

package webtest

import (
	"strings"
	"testing"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/producer"
)

// TestTail follows a topic, pauses and goes on.
func TestTail(t *testing.T) {
	chromium(t)
	m := newMesh(t, 1)
	m.store("store")
	p := m.producer("source")
	say := func(texts ...string) {
		t.Helper()
		for _, text := range texts {
			m.publish(p, beck.Record{Topic: "news", Value: []byte(text), Key: []byte(text)})
		}
	}
	say("old")
	b := visit(t, m.urls[0], "#/topics/news/records?live=1", desk)
	b.has(".pager", "live ·")
	say("first", "second")
	b.has(".rows", "second")
	b.lacks(".rows", "old")
	if newest := b.text(".rows li"); !strings.Contains(newest, "second") {
		t.Errorf("on top is %q, want the newest", newest)
	}
	b.press(" ")
	b.has(".pager", "paused")
	say("while it is paused")
	b.has(".pager button[aria-pressed=true]", "1 new")
	b.lacks(".rows", "while it is paused")
	b.press(" ")
	b.has(".rows", "while it is paused")

	// A filter, and what it keeps out.
	b.click("[data-filter]")
	b.press("wanted\r")
	b.has(".pager", "live · 0 records")
	say("unwanted", "wanted")
	b.has(".rows", "wanted")
	b.lacks(".rows", "unwanted")
}

// TestNodes kills nodes, which are seen to go, and starts others, which are seen to
// come.
func TestNodes(t *testing.T) {
	chromium(t)
	m := newMesh(t, 1)
	m.store("stays")
	dies, address := m.storeProcess()
	p := m.producer("source")
	m.publish(p, beck.Record{Topic: "news", Value: []byte("v")})
	b := visit(t, m.urls[0], "#/", desk)
	b.has(".group.store", "stays")
	b.has(".group.store", address[:8])
	dies.Kill()
	b.has(".card[data-state=gone]", address[:8])
	b.has(".lately", "went")
	b.do(clickOn(`[...document.querySelectorAll(".top nav a")][2]`))
	b.has("tr.gone", address[:8])
	b.press("4")
	b.has(".changes", "went")
	m.store("fresh")
	b.has(".changes", "fresh")
	b.press("1")
	b.has(".group.store", "fresh")
}

// TestProblems says plainly when all is well, and what is wrong when it is not.
func TestProblems(t *testing.T) {
	chromium(t)
	m := newMesh(t, 1)
	m.store("store")
	p := m.producer("source")
	m.publish(p, beck.Record{Topic: "news", Value: []byte("v")})
	b := visit(t, m.urls[0], "#/problems", desk)
	b.has(".verdict", "1 of 1 tower")
	b.click("[name=disk_free]") // how full this machine's disk is does not matter here
	value[any](b, `document.activeElement.select(), true`)
	b.press("0")
	b.has(".verdict", "All is well")
	b.click("[name=min_stores]")
	value[any](b, `document.activeElement.select(), true`)
	b.press("12")
	b.has(".problems", "fewer than 12 stores")
	b.lacks(".verdict", "All is well")
	b.goTo("#/problems")
	b.has(".problems", "fewer than 12 stores") // it is kept
	b.do(clickOn(`[...document.querySelectorAll(".limits button")][0]`))
	b.lacks(".problems", "stores")

	// A producer that two stores are to acknowledge, of which there is one.
	lone := m.producerWith("lone", func(c *producer.Config) { c.MinStoreAcks = 2 })
	if err := lone.TryPublish(beck.Record{Topic: "half", Value: []byte("v")}); err != nil {
		t.Fatal(err)
	}
	b.allow("404") // until stores have told of it
	b.goTo("#/topics/half")
	b.has(".partitions", "lone")
	b.has(".partitions tbody td:nth-child(8)", "1")
}

// TestReconnect shows that what is on the page is old, and goes on by itself.
func TestReconnect(t *testing.T) {
	chromium(t)
	m := newMesh(t, 1)
	m.store("store")
	b := visit(t, m.urls[0], "#/", desk)
	b.has(".group.store", "store")
	b.allow("ERR_")
	m.towers[0].Kill()
	b.has(".notice", "What is shown is old")
	b.until("it says so in the bar", `document.querySelector(".pulse").dataset.state === "waiting"`)
	m.restartTower(0)
	b.until("it is live again", `document.querySelector(".pulse").dataset.state === "live"`)
	b.lacks(".notice", "old")
}

// TestEmpty says of a mesh without anything that there is nothing.
func TestEmpty(t *testing.T) {
	chromium(t)
	m := newMesh(t, 1)
	b := visit(t, m.urls[0], "#/", phone)
	b.has(".group.producer h2", "0")
	b.goTo("#/topics")
	b.has("main", "No topics")
	b.allow("404") // the browser logs what is answered so
	b.goTo("#/topics/news/records")
	b.has("main", "Nobody has records")
}
