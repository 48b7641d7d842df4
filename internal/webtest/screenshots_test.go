//go:build unix

package webtest

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// shots are the pictures of the documents.
var shots = []struct {
	name, address, colours string
	window                 size
	ready                  string // an expression that is true when it is all there
	act                    string // what is done then
}{
	{"web-mesh-light", "#/", "light", desk, `document.querySelectorAll(".card").length >= 25`, ""},
	{"web-mesh-dark", "#/", "dark", desk, `document.querySelectorAll(".card").length >= 25`, ""},
	{"web-topic", "#/topics/orders", "light", desk, `document.querySelectorAll(".saved tbody tr").length > 3`, ""},
	{"web-records", "#/topics/orders/records", "dark", desk, `document.querySelectorAll(".rows li").length > 20`, `document.querySelectorAll(".rows button")[2].click()`},
	{"web-phone", "#/", "light", phone, `document.querySelectorAll(".card").length >= 25`, ""},
}

// history is how long a page is looked at until its small graphs show something.
const history = 25 * time.Second

// screenshots writes them, if -screenshots says where to.
func screenshots(t *testing.T, b *tab) {
	if *shotsFlag == "" {
		t.Skip("for the documents: make screenshots")
	}
	for _, s := range shots {
		b.resize(s.window)
		b.scheme(s.colours)
		b.goTo(s.address)
		b.until(s.name+" is there", s.ready)
		<-time.After(history)
		if s.act != "" {
			value[any](b, s.act+", true")
		}
		<-time.After(time.Second)
		png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(*shotsFlag, s.name+".png"), png, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
