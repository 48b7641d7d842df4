//go:build unix

package webtest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beckmesh/beck"
)

// TestToken asks for the token, and again if it was none; the tab keeps it.
func TestToken(t *testing.T) {
	chromium(t)
	const secret = "0123456789abcdef0123456789abcdef"
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	m := newMesh(t, 1, "--http-token-file", file)
	m.store("store")
	m.publish(m.producer("source"), beck.Record{Topic: "news", Value: []byte("hello")})
	b := newTab(t, m.urls[0])
	b.allow("401")
	b.resize(desk)
	b.goTo("#/topics/news/records")
	b.has("dialog", "wants a token")
	if n := value[int](b, `document.querySelectorAll("dialog").length`); n != 1 {
		t.Errorf("%d dialogs ask, want one for all requests", n)
	}
	b.press("a wrong one, of some length\r")
	b.has("dialog", "was not accepted")
	b.press(secret + "\r")
	b.has(".rows", "hello")
	b.until("the dialog is gone", `!document.querySelector("dialog")`)
	b.until("it is live, by a stream that needs the token as well", `document.querySelector(".pulse").dataset.state === "live"`)
	b.goTo("#/topics/news/records?live=1")
	b.has(".pager", "live ·") // the tab has kept it
	if kept := value[string](b, `JSON.stringify({...localStorage}) + document.cookie + location.href`); strings.Contains(kept, secret) {
		t.Errorf("the token is where it outlives the tab: %s", kept)
	}
}
