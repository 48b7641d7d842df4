package bench

import (
	"github.com/beckmesh/beck/internal/httpd"
)

// served is what a role says of its metrics when it is ready.
type served struct {
	HTTP string `json:"http,omitempty"` // URL; "" for none
}

// serve serves the metrics of a role's node, where that was asked for. The server is
// nil where it was not.
func (r Role) serve(add func(*httpd.Daemon)) (*httpd.Server, error) {
	if !r.HTTP {
		return nil, nil
	}
	d := httpd.Daemon{Version: "bench", Alive: func() error { return nil }, Ready: func() []string { return nil }}
	d.Mesh.NodeConfig = r.node()
	add(&d)
	return httpd.Start(httpd.Config{Addr: "127.0.0.1:0"}, d)
}
