package bench

import (
	"github.com/beckmesh/beck/internal/httpd"
	"github.com/beckmesh/beck/internal/procs"
	"github.com/beckmesh/beck/store"
	"github.com/beckmesh/beck/tower"
)

// endpoints is what a tower says when it is ready.
type endpoints struct {
	Sub string `json:"sub"`
	Pub string `json:"pub"`
	served
}

func (r Role) tower(w *procs.Worker) error {
	c := tower.DefaultConfig()
	c.Sub, c.Pub = "tcp://127.0.0.1:0", "tcp://127.0.0.1:0"
	t, err := tower.Start(c)
	if err != nil {
		return err
	}
	defer t.Close()
	h, err := r.serve(func(d *httpd.Daemon) {
		d.Mesh.Sub, d.Mesh.Pub, d.Mesh.Listen = []string{t.Sub()}, []string{t.Pub()}, "127.0.0.1:0"
		d.Metrics = append(d.Metrics, httpd.TowerMetrics(t))
	})
	if err != nil {
		return err
	}
	defer h.Close()
	if err := w.Ready(endpoints{t.Sub(), t.Pub(), served{h.URL()}}); err != nil {
		return err
	}
	<-w.Context().Done()
	return t.Close()
}

func (r Role) store(w *procs.Worker) error {
	c := store.DefaultConfig()
	c.NodeConfig, c.Dir = r.node(), r.Dir
	s, err := store.Start(c)
	if err != nil {
		return err
	}
	if err := w.Ready(nil); err != nil {
		return err
	}
	select {
	case <-w.Context().Done():
	case <-s.Failed():
	}
	return s.Close()
}
