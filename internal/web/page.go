// Package web is the page that a tower serves to a browser: what there is of a mesh,
// its records, and what is wrong with it. The page is plain HTML, CSS and ES modules
// below ui/, which are embedded as they are: nothing is built from them, and nothing
// is loaded from elsewhere. What it shows it asks /api/v1 for; see internal/httpd.
package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"time"
)

//go:embed ui
var files embed.FS

// policy has the browser run and load nothing but these files, and show the page in
// no frame of another. What a record says can so be no script even where the page
// would mistake it for one.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// types are the content types of what is below ui/. The machine's own table could
// say something else.
var types = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

// Page serves the page's files by their path below ui/. It holds nothing secret, and
// may be given to everybody.
type Page struct{ files map[string]*file }

// file is one file of the page.
type file struct {
	content []byte
	kind    string // of content
	etag    string
}

// New reads the embedded files.
func New() *Page {
	p := &Page{files: make(map[string]*file)}
	ui, err := fs.Sub(files, "ui")
	if err == nil {
		err = fs.WalkDir(ui, ".", func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			content, err := fs.ReadFile(ui, name)
			p.files[name] = newFile(name, content)
			return err
		})
	}
	if err != nil {
		panic("web: embedded files: " + err.Error())
	}
	return p
}

func newFile(name string, content []byte) *file {
	kind := types[path.Ext(name)]
	if kind == "" {
		kind = mime.TypeByExtension(path.Ext(name))
	}
	sum := sha256.Sum256(content)
	return &file{content: content, kind: kind, etag: `"` + hex.EncodeToString(sum[:12]) + `"`}
}

// Serve answers a request with the file of a name such as "js/main.js", "" for the
// page itself. It reports whether there is such a file; if not, nothing is answered.
//
// A browser keeps a file and asks each time whether it is still the same: so a page
// is never put together from those of two versions of the program.
func (p *Page) Serve(w http.ResponseWriter, r *http.Request, name string) bool {
	if name == "" {
		name = "index.html"
	}
	f := p.files[name]
	if f == nil {
		return false
	}
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", f.etag)
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(f.content))
	return true
}
