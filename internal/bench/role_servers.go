package bench

import (
	"github.com/beckmesh/beck/internal/procs"
	"github.com/beckmesh/beck/store"
	"github.com/beckmesh/beck/tower"
)

// endpoints is what a tower says when it is ready.
type endpoints struct {
	Sub string `json:"sub"`
	Pub string `json:"pub"`
}

func (r Role) tower(w *procs.Worker) error {
	c := tower.DefaultConfig()
	c.Sub, c.Pub = "tcp://127.0.0.1:0", "tcp://127.0.0.1:0"
	t, err := tower.Start(c)
	if err != nil {
		return err
	}
	defer t.Close()
	if err := w.Ready(endpoints{Sub: t.Sub(), Pub: t.Pub()}); err != nil {
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
