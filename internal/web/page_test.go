package web

import (
	"net/http"
	"net/http/httptest"
	"path"
	"regexp"
	"strings"
	"testing"
)

// ask returns what the page answers to a request for a file.
func ask(t *testing.T, p *Page, name string, header http.Header) (*http.Response, bool) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/ui/"+name, nil)
	r.Header = header
	w := httptest.NewRecorder()
	found := p.Serve(w, r, name)
	return w.Result(), found
}

// TestServe serves files with what browsers are to know of them, and not again to who
// has them.
func TestServe(t *testing.T) {
	p := New()
	for name, kind := range map[string]string{
		"": "text/html; charset=utf-8", "index.html": "text/html; charset=utf-8", "js/main.js": "text/javascript; charset=utf-8",
		"css/base.css": "text/css; charset=utf-8", "icon.svg": "image/svg+xml",
	} {
		answer, found := ask(t, p, name, nil)
		h := answer.Header
		if !found || answer.StatusCode != 200 || h.Get("Content-Type") != kind || h.Get("Cache-Control") != "no-cache" ||
			!strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'; script-src 'self';") {
			t.Errorf("%q: %d %v", name, answer.StatusCode, h)
		}
		if again, _ := ask(t, p, name, http.Header{"If-None-Match": {h.Get("ETag")}}); again.StatusCode != 304 {
			t.Errorf("%q with the tag that it has: status %d, want 304", name, again.StatusCode)
		}
		if other, _ := ask(t, p, name, http.Header{"If-None-Match": {`"old"`}}); other.StatusCode != 200 {
			t.Errorf("%q with an old tag: status %d", name, other.StatusCode)
		}
	}
	for _, name := range []string{"none", "../page.go", "js", "js/", "/index.html", "js/../index.html"} {
		if _, found := ask(t, p, name, nil); found {
			t.Errorf("%q is served", name)
		}
	}
}

// never is what has no place in the scripts: what would turn text into markup or code,
// and what would load something from elsewhere.
var never = regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc|https?://|setAttribute\("(on|style)`)

// namespace looks like an address and is none.
const namespace = "http://www.w3.org/2000/svg"

// TestFiles reads all of them: that they name only files that there are, and keep to
// the rules by which no text from the mesh can become more than text.
func TestFiles(t *testing.T) {
	p := New()
	used := map[string]bool{"index.html": true}
	reference := regexp.MustCompile(`(?:from|import) "(\.[^"]+)"|(?:src|href)="ui/([^"]+)"`)
	for name, f := range p.files {
		text := strings.ReplaceAll(string(f.content), namespace, "")
		if found := never.FindString(text); found != "" {
			t.Errorf("%s has %q", name, found)
		}
		if strings.Contains(text, "<script>") || strings.Contains(text, "style=") {
			t.Errorf("%s has a script or a style in it, which the policy forbids", name)
		}
		for _, m := range reference.FindAllStringSubmatch(text, -1) {
			target := m[2]
			if m[1] != "" {
				target = path.Join(path.Dir(name), m[1])
			}
			if used[target] = true; p.files[target] == nil {
				t.Errorf("%s names %s, which there is not", name, target)
			}
		}
		if lines := strings.Count(text, "\n"); strings.HasSuffix(name, ".js") && lines > 250 {
			t.Errorf("%s has %d lines: split it", name, lines)
		}
	}
	for name := range p.files {
		if !used[name] {
			t.Errorf("nothing uses %s", name)
		}
	}
}
