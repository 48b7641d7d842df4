package httpd_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beckmesh/beck/internal/httpd"
)

// TestPage serves the page to everybody, where it is asked for, and nothing that it
// shows without the token.
func TestPage(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(strings.Repeat("x", 32)), 0o600); err != nil {
		t.Fatal(err)
	}
	d := quiet()
	d.Page = true
	url := serve(t, httpd.Config{Addr: "127.0.0.1:0", TokenFile: file}, d).URL()
	for path, want := range map[string]int{
		"/": 200, "/ui/js/main.js": 200, "/ui/css/base.css": 200, "/api/v1/nodes": 401, "/metrics": 401, "/ui": 401,
		"/ui/": 401, "/ui/none.js": 404, "/ui/../page.go": 404, "/index.html": 401, "/?x=1": 400,
	} {
		if status, text, _ := ask(t, url+path, nil); status != want {
			t.Errorf("%s: status %d, want %d: %s", path, status, want, text)
		}
	}
	_, text, h := ask(t, url+"/", nil)
	if !strings.Contains(text, `<script type="module" src="ui/js/main.js">`) || h.Get("X-Content-Type-Options") != "nosniff" ||
		!strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") || h.Get("Cross-Origin-Resource-Policy") != "same-origin" {
		t.Errorf("/: %v %s", h, text)
	}
	head, text, h := ask(t, url+"/", func(r *http.Request) { r.Method = http.MethodHead })
	if head != 200 || text != "" || h.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("HEAD /: %d %q %v", head, text, h)
	}
	if status, _, _ := ask(t, serve(t, loopback, quiet()).URL()+"/", nil); status != 404 {
		t.Errorf("a daemon that serves no page: status %d, want 404", status)
	}
}
