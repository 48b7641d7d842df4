//go:build unix

package webtest

import (
	"fmt"
	"testing"
)

// pages are all pages of the large mesh, and a text that each shows when it is there.
var pages = []struct{ name, address, selector, text string }{
	{"mesh", "#/", ".stage", "store-3"},
	{"topics", "#/topics", "table", "sensors.temperature"},
	{"topic", "#/topics/orders", ".partitions", "checkout-2"},
	{"records", "#/topics/orders/records", ".rows", "currency"},
	{"tail", "#/topics/clicks/records?live=1", ".rows", "session"},
	{"nodes", "#/nodes", "table", "camera-gate"},
	{"wrong", "#/problems", ".verdict", "15 partitions of 7 topics"},
	{"lost", "#/nowhere", "main", "No such page"},
}

// TestPages shows each page of a large mesh on a wide and a narrow screen, in light
// and dark colours.
func TestPages(t *testing.T) {
	chromium(t)
	m := large(t)
	b := newTab(t, m.urls[0])
	for _, colours := range []string{"light", "dark"} {
		b.scheme(colours)
		for _, window := range []size{desk, phone} {
			b.resize(window)
			for _, p := range pages {
				b.goTo(p.address)
				b.has(p.selector, p.text)
				if wide := value[int64](b, "document.documentElement.scrollWidth"); wide > window.width {
					t.Errorf("%s, %d wide: the page is %d wide: %s", p.name, window.width, wide, value[string](b, widest))
				}
				if bad := value[[]string](b, faint); len(bad) > 0 {
					t.Errorf("%s, %s: too little contrast: %q", p.name, colours, bad)
				}
				if odd := value[[]string](b, `document.body.innerText.match(/\[object .*|.*\bundefined\b.*|.*\bNaN\b.*/g) ?? []`); len(odd) > 0 {
					t.Errorf("%s: the page says %q", p.name, odd)
				}
				b.check()
			}
		}
	}
	t.Run("picture", func(t *testing.T) { picture(t, b) })
	t.Run("topic", func(t *testing.T) { topic(t, b) })
	t.Run("node", func(t *testing.T) { node(t, b, m) })
	t.Run("switch", func(t *testing.T) { colours(t, b) })
	t.Run("pictures for the documents", func(t *testing.T) { screenshots(t, b) })
}

// widest names what sticks out of the window.
const widest = `[...document.querySelectorAll("main *")].filter((el) => el.getBoundingClientRect().right > innerWidth + 1)
	.map((el) => el.tagName + "." + el.className).slice(0, 5).join(" ")`

// faint lists texts whose colours are too close to what is behind them: below 4.5 to
// 1, as WCAG counts it.
const faint = `(() => {
	const paint = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
	const rgb = (color) => { paint.clearRect(0, 0, 1, 1); paint.fillStyle = color; paint.fillRect(0, 0, 1, 1); return paint.getImageData(0, 0, 1, 1).data; };
	const light = (c) => [0, 1, 2].map((i) => c[i] / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
		.reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
	const behind = (el) => { for (; el; el = el.parentElement) { const c = rgb(getComputedStyle(el).backgroundColor); if (c[3] > 200) return light(c); } return 1; };
	const bad = new Set();
	for (const el of document.querySelectorAll("body *")) {
		const own = [...el.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
		if (!own || !el.checkVisibility() || el.closest(":disabled, option, .spark, .dim, noscript, .skip, .faint, .at-lost")) continue;
		const a = light(rgb(getComputedStyle(el).color)), b = behind(el);
		const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
		if (ratio < 4.5) bad.add(el.className + " " + el.textContent.slice(0, 20) + " " + ratio.toFixed(2));
	}
	return [...bad].slice(0, 6);
})()`

// picture looks whether all of 2 towers, 3 stores, 10 producers and 10 consumers can be
// read at once.
func picture(t *testing.T, b *tab) {
	b.resize(desk)
	b.goTo("#/")
	b.has(".group.consumer", "warehouse")
	const cards = `[...document.querySelectorAll(".card")]`
	for kind, want := range map[string]int{"tower": 2, "store": 3, "producer": 10, "consumer": 10} {
		if got := value[int](b, fmt.Sprintf("document.querySelectorAll('.group.%s .card').length", kind)); got != want {
			t.Errorf("%d cards of kind %s, want %d", got, kind, want)
		}
	}
	if out := value[[]string](b, cards+`.filter((el) => { const r = el.getBoundingClientRect(); return r.bottom > innerHeight || r.right > innerWidth; }).map((el) => el.innerText)`); len(out) > 0 {
		t.Errorf("not on the screen without scrolling: %q", out)
	}
	if cut := value[[]string](b, cards+`.map((el) => el.querySelector("b")).filter((el) => el.scrollWidth > el.clientWidth).map((el) => el.innerText)`); len(cut) > 0 {
		t.Errorf("names that are cut off: %q", cut)
	}
	if over := value[int](b, cards+`.map((el) => el.getBoundingClientRect()).filter((a, i, all) => all.some((b, j) => j > i &&
		a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1)).length`); over > 0 {
		t.Errorf("%d cards lie over each other", over)
	}
	b.until("records flow along the lines", `document.querySelectorAll(".wire.producer-direct.flows").length === 10 && document.querySelectorAll(".wire.producer-store").length === 30`)
	b.has(".group.producer", "clicks")
	b.until("a rate is shown", `/[1-9]\d*\/s/.test(document.querySelector(".group.store .rate").innerText)`)
	b.do(hover(`[...document.querySelectorAll(".group.producer .card")].find((el) => el.innerText.includes("camera-gate"))`))
	b.until("who is pointed at stands out, with whom it has to do", `document.querySelectorAll(".card:not(.dim)").length === 6`)
	b.has(".card:not(.dim)", "gate-vision")
}

// topic looks at what a topic's page says of stores, readers and saved names.
func topic(t *testing.T, b *tab) {
	b.goTo("#/topics/orders")
	b.has(".partitions", "checkout-1")
	b.until("a bar for the producer and each store", `document.querySelectorAll(".holders")[0]?.children.length === 4`)
	for _, name := range []string{"billing", "search", "mailer", "warehouse"} {
		b.has(".saved", name)
	}
	b.until("the slow one has a lag", `[...document.querySelectorAll(".saved tbody tr")].some((tr) => tr.cells[0].innerText === "search" && parseInt(tr.cells[2].innerText) > 0)`)
	b.has(".readers", "search-index")
	b.goTo("#/topics/sensors.temperature")
	b.until("retention shows", `[...document.querySelectorAll(".figures > *")].some((el) => el.innerText.startsWith("Expired") && !el.innerText.endsWith("\n0"))`)
	b.allow("404") // the browser logs what is answered so
	b.goTo("#/topics/none.such")
	b.has("main", "Nobody has records of this topic")
}

// node goes from the list of nodes to one of them, and on to one that it is linked to.
func node(t *testing.T, b *tab, m *mesh) {
	b.goTo("#/nodes")
	b.has("table", "store-1")
	b.click(`input[type=search]`)
	b.press("store-1")
	b.until("only one row", `document.querySelectorAll("tbody tr").length === 1`)
	b.click("tbody a")
	b.has("h1", "store-1")
	b.has(".pairs", "disk")
	b.has("table", "checkout-1")
	for _, pub := range m.pub { // both towers, though only one of them is asked
		b.goTo("#/nodes/" + value[string](b, fmt.Sprintf("encodeURIComponent(%q)", pub)))
		b.has("main", "introduces nodes")
	}
	b.goTo("#/nodes/0123456789ABCDEF0123456789ABCDEF")
	b.has("main", "No such node")
}

// colours switches them by hand, which is kept, whatever the system says.
func colours(t *testing.T, b *tab) {
	b.scheme("light")
	b.goTo("#/")
	const ground = `getComputedStyle(document.documentElement).backgroundColor`
	system := value[string](b, ground)
	b.click("[data-do=theme]") // light
	b.click("[data-do=theme]") // dark
	dark := value[string](b, ground)
	if dark == system {
		t.Errorf("the background stays %s", dark)
	}
	b.goTo("#/nodes")
	if kept := value[string](b, ground); kept != dark {
		t.Errorf("after loading it again the background is %s, want %s", kept, dark)
	}
	b.click("[data-do=theme]") // as the system
	if again := value[string](b, ground); again != system {
		t.Errorf("as the system has it: %s, want %s", again, system)
	}
}
