//go:build unix

package webtest

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/beckmesh/beck"
)

// row is an expression for the row of the record whose value has a text.
func row(text string) string {
	return fmt.Sprintf(`[...document.querySelectorAll(".rows button")].find((el) => el.innerText.includes(%q))`, text)
}

// TestRecords browses pages of records, from several places, and looks at some.
func TestRecords(t *testing.T) {
	chromium(t)
	m := newMesh(t, 1)
	m.store("store")
	p := m.producer("source")
	var all []beck.Record
	for i := range 250 {
		all = append(all, beck.Record{Topic: "news", Key: fmt.Appendf(nil, "k%d", i%50), Value: fmt.Appendf(nil, "value %d.", i)})
	}
	m.publish(p, all...)
	b := visit(t, m.urls[0], "#/topics/news/records", desk)
	b.has(".rows", "value 249.")
	b.has(".rows", "value 150.")
	b.lacks(".rows", "value 149.")
	b.press("p")
	b.has(".rows", "value 149.")
	b.press("p")
	b.has(".rows", "value 0.")
	b.until("there is nothing older", `[...document.querySelectorAll(".pager button")].find((el) => el.innerText === "Older").disabled`)
	b.press("n")
	b.has(".rows", "value 149.")

	b.goTo("#/topics/news/records?from=120")
	b.has(".rows li:first-child", "value 120.")
	b.goTo("#/topics/news/records?from=beginning")
	b.has(".rows li:first-child", "value 0.")
	b.goTo("#/topics/news/records?from=1h")
	b.has(".rows li:first-child", "value 0.")

	b.goTo("#/topics/news/records")
	b.has(".rows", "value 249.")
	b.press("/")
	b.until("the field for a key has the focus", `document.activeElement.placeholder === "Key"`)
	value[any](b, `document.activeElement.value = "", true`) // a driver's "/" is also typed
	b.press("k7\r")
	b.until("only those with the key", `document.querySelectorAll(".rows li").length === 5`)
	b.has(".rows li:first-child", "value 207.")
	b.goTo("#/topics/news/records?contains=e+17.")
	b.until("only what contains it", `document.querySelectorAll(".rows li").length === 1`)
	b.goTo("#/topics/news/records?key=none")
	b.has("main", "None found")
}

// TestViews shows values as what they are.
func TestViews(t *testing.T) {
	chromium(t)
	m := newMesh(t, 1)
	m.store("store")
	p := m.producer("source")
	long := strings.Repeat("0123456789", 3000) + "the end"
	m.publish(p,
		beck.Record{Topic: "news", Value: []byte(`{"big":12345678901234567890,"list":[1,{"a":null}],"none":{},"again":1,"again":2}`)},
		beck.Record{Topic: "news", Value: []byte("\x00\x01\xfe\xffbinary"), Key: []byte{0xff, 0xfe}},
		beck.Record{Topic: "news", Value: []byte(long), Headers: []beck.Header{{Name: "kind", Value: []byte("long")}}},
		beck.Record{Topic: "news", Value: nil},
	)
	b := visit(t, m.urls[0], "#/topics/news/records", desk)
	b.has(".rows", "12345678901234567890")
	b.do(clickOn(row("big")))
	b.has(".detail", "source @ 0")
	want := "{\n  \"big\": 12345678901234567890,\n  \"list\": [\n    1,\n    {\n      \"a\": null\n    }\n  ],\n  \"none\": {},\n  \"again\": 1,\n  \"again\": 2\n}"
	if got := value[string](b, `document.querySelector(".json").textContent`); got != want {
		t.Errorf("JSON laid out: %s", got)
	}
	b.do(clickOn(`[...document.querySelectorAll(".detail .segments button")].find((el) => el.innerText === "Hex")`))
	b.has(".hex", "7b 22 62 69 67 22 3a")

	b.do(clickOn(row("00 01 fe ff")))
	b.has(".hex", "000000  00 01 fe ff 62 69 6e 61  72 79")
	b.has(".hex", "····binary")
	b.has(".detail", "hex ff fe")

	b.do(clickOn(row("0123456789")))
	b.has(".detail", "of 29.3 KiB")
	b.lacks(".value", "the end")
	b.has(".detail", "long")
	b.do(clickOn(`[...document.querySelectorAll(".detail button")].find((el) => el.innerText === "Load all")`))
	b.has(".value", "the end")
	b.press("\x1b")
	b.until("it is closed", `document.querySelector(".detail").hidden`)
	b.do(clickOn(row("0 B")))
	b.has(".value", "It is empty.")
	link := value[string](b, `document.querySelector(".detail a.button").getAttribute("href")`)
	b.goTo(link)
	b.has(".detail", "source @ 3")
}

// TestHostile has everything that comes from the mesh be a script. All of it shows as
// text, and none of it runs: newTab fails the test if anything does.
func TestHostile(t *testing.T) {
	chromium(t)
	const (
		script = `<script>alert("script")</script>`
		image  = `<img src=x onerror=alert("image")>`
		link   = `javascript:alert("link")`
	)
	m := newMesh(t, 1)
	m.store(`<b>store</b>` + image)
	p := m.producer(image)
	for _, topic := range []string{image, `a/b?c#d "e" %2F`, "../../x"} {
		m.publish(p,
			beck.Record{Topic: topic, Value: []byte(script)},
			beck.Record{Topic: topic, Value: []byte(image), Key: []byte(image), Headers: []beck.Header{{Name: script, Value: []byte(image)}}},
			beck.Record{Topic: topic, Value: []byte(`{"` + `<svg onload=alert(1)>` + `": "</pre><script>alert(2)</script>"}`)},
			beck.Record{Topic: topic, Value: append([]byte("\x1b[31m\u202e"), bytes.Repeat([]byte{0}, 40)...)},
			beck.Record{Topic: topic, Value: []byte(link)},
		)
	}
	m.consumer(script, image, 0, ">")
	b := newTab(t, m.urls[0])
	b.resize(desk)
	b.goTo("#/")
	b.has(".group.producer", image)
	b.goTo("#/topics")
	b.has("table", image)
	b.has("main", image) // the saved name
	for _, topic := range []string{image, `a/b?c#d "e" %2F`, "../../x"} {
		b.goTo("#/topics")
		b.has("table", topic)
		b.do(clickOn(fmt.Sprintf(`[...document.querySelectorAll("td.name a")].find((el) => el.innerText === %q)`, topic)))
		b.has("h1", topic)
		b.has(".partitions", image)
		b.do(clickOn(`document.querySelector(".head a.button")`))
		b.has(".rows", script)
		for i := range 5 {
			b.do(clickOn(fmt.Sprintf(`document.querySelectorAll(".rows button")[%d]`, i)))
			b.until("its details", `!document.querySelector(".detail").hidden`)
			for _, name := range value[[]string](b, `[...document.querySelectorAll(".detail .segments button")].map((el) => el.innerText)`) {
				b.do(clickOn(fmt.Sprintf(`[...document.querySelectorAll(".detail .segments button")].find((el) => el.innerText === %q)`, name)))
			}
		}
	}
	b.goTo("#/topics/" + value[string](b, fmt.Sprintf("encodeURIComponent(%q)", image)) + "/records?live=1")
	b.has(".pager", "live ·")
	m.publish(p, beck.Record{Topic: image, Value: []byte(script), Key: []byte(script)})
	b.has(".rows", script)
	b.goTo("#/nodes")
	b.has("table", image)
	b.do(clickOn(`[...document.querySelectorAll("td.name a")].find((el) => el.innerText.includes("onerror"))`))
	b.has("h1", image)
	b.goTo("#/" + script)
	b.has("main", "No such page")
	if n := value[int](b, `document.querySelectorAll("main script, main img, main b b, [onerror], [onload], a[href^='javascript']").length`); n > 0 {
		t.Errorf("%d elements were made of what is text", n)
	}
}
