package httpd

import (
	"net/http"

	"github.com/beckmesh/beck/internal/web"
)

// pageRoutes are those of the page for browsers. It is open: it has to be there to
// ask for the token, and says nothing of the mesh by itself.
func pageRoutes() map[string]route {
	page := web.New()
	serve := func(w http.ResponseWriter, r *request) error {
		if !page.Serve(w, r.Request, r.rest) {
			return failf(http.StatusNotFound, "no such path: %q", r.URL.Path)
		}
		return nil
	}
	return map[string]route{
		"/":    {serve: serve, open: true, exact: true},
		"/ui/": {serve: serve, open: true},
	}
}
