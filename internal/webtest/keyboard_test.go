//go:build unix

package webtest

import (
	"testing"

	"github.com/beckmesh/beck"
	"github.com/chromedp/chromedp/kb"
)

// focused is what has the focus.
const focused = `document.activeElement`

// TestKeyboard does without a mouse.
func TestKeyboard(t *testing.T) {
	chromium(t)
	m := newMesh(t, 1)
	m.store("store")
	p := m.producer("source")
	for _, topic := range []string{"alpha", "beta", "gamma"} {
		m.publish(p, beck.Record{Topic: topic, Value: []byte("one")}, beck.Record{Topic: topic, Value: []byte("two")})
	}
	b := visit(t, m.urls[0], "#/", desk)
	b.has(".group.store", "store")

	b.press(kb.Tab)
	b.until("the first is the link that skips the bar", focused+`.className === "skip" && `+focused+`.getBoundingClientRect().top >= 0`)
	b.press(kb.Enter)
	b.until("it leads to the content", focused+`.id === "main"`)
	b.press("?")
	b.has("dialog dd", "the next, the previous row")
	b.press("2") // is for nobody while a dialog is open
	b.press(kb.Escape)
	b.until("it is closed", `!document.querySelector("dialog")`)

	b.press("2")
	b.has("table", "gamma")
	b.press("/")
	b.until("the filter has the focus", focused+`.type === "search"`)
	b.press("2") // is no shortcut where one types
	b.has("main", "No topics")
	value[any](b, `document.activeElement.select(), true`)
	b.press("e")
	b.lacks("table", "alpha")
	b.press(kb.Enter)
	b.press("j")
	b.has("td.name a:focus", "beta")
	b.until("where the focus is can be seen", `getComputedStyle(`+focused+`).outlineStyle !== "none"`)
	b.press(kb.Enter)
	b.has("h1", "beta")
	b.until("so that it is read out", focused+`.id === "main"`)
	b.press(kb.Tab) // "Topics"
	b.press(kb.Tab) // "Browse records"
	b.press(kb.Enter)
	b.has(".rows", "one")
	b.press("j")
	b.press("j")
	b.press(kb.Enter)
	b.has(".detail", "source @ 0")
	b.press(kb.Escape)
	b.until("the record is closed", `document.querySelector(".detail").hidden`)
	b.press("k")
	b.press(kb.Enter)
	b.has(".detail", "source @ 1")
	b.press("3")
	b.has("table", "source")
	b.press("j")
	b.press(kb.Enter)
	b.has(".pairs", "introduces nodes")
	b.press("1")
	b.has(".group.store", "store")
	b.press("j")
	b.press("j")
	b.until("a card has the focus", focused+`.closest(".card") !== null && document.querySelector(".wires.lit") !== null`)
}
