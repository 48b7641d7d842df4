package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"

	"github.com/beckmesh/beck/tower"
	"github.com/spf13/cobra"
)

func newTower() *cobra.Command {
	var mesh meshFlags
	var web httpFlags
	cmd := &cobra.Command{
		Use:   "tower",
		Short: "Introduce nodes to each other",
		Long: `tower takes the beacons of nodes and passes them on, so that they find each
other. Records never pass through it. When it is ready it prints one line:

  ready sub=tcp://HOST:PORT pub=tcp://HOST:PORT http=URL

--http serves a web page, its health, metrics and what is known of the mesh; the line has no
http where that is off.`,
		Example: `  beck tower
  beck tower --sub tcp://10.0.0.5:5556 --pub tcp://10.0.0.5:5557`,
		Args: cobra.NoArgs,
		RunE: runs(func(cmd *cobra.Command, _ []string) error { return runTower(cmd, &mesh, &web) }),
	}
	mesh.addTower(cmd)
	web.addTo(cmd, towerHTTP)
	cmd.Flags().StringVar(&mesh.host, "host", "", "`HOST` in the printed endpoints, when it binds every interface; may be a go-sockaddr template")
	return cmd
}

func runTower(cmd *cobra.Command, mesh *meshFlags, web *httpFlags) error {
	host, err := expandHost(mesh.host)
	if err != nil {
		return err
	}
	if err := errors.Join(mesh.logFlags.check(), web.check()); err != nil {
		return err
	}
	log := mesh.logger(cmd.ErrOrStderr())
	ctx, stop := untilSignal(cmd.Context())
	defer stop()
	defer mesh.followHangups(cmd, log)()
	t, err := startTower(mesh, log)
	if err != nil {
		return err
	}
	d := towerDaemon(t, mesh, log)
	d.LogLevel = mesh.overHTTP(log)
	h, err := web.serve(cmd, d)
	if err != nil {
		return errors.Join(err, t.Close())
	}
	defer h.Close()
	ready(cmd, fmt.Sprintf("ready sub=%s pub=%s%s", withHost(t.Sub(), host), withHost(t.Pub(), host), field(h)))
	<-ctx.Done()
	stopping(cmd)
	return t.Close()
}

func startTower(mesh *meshFlags, log *slog.Logger) (*tower.Tower, error) {
	c := tower.DefaultConfig()
	c.Sub, c.Pub = mesh.sub.list[0], mesh.pub.list[0]
	c.Version = versionText()
	c.Logger = log
	t, err := tower.Start(c)
	if err != nil {
		return nil, fmt.Errorf("tower: %w", err)
	}
	return t, nil
}

// withHost returns the endpoint with another host, unless that is "".
func withHost(endpoint, host string) string {
	addr := strings.TrimPrefix(endpoint, "tcp://")
	_, port, err := net.SplitHostPort(addr)
	if host == "" || err != nil {
		return endpoint
	}
	return "tcp://" + net.JoinHostPort(host, port)
}
