package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/beckmesh/beck"
	"github.com/spf13/cobra"
)

func newStore() *cobra.Command {
	var mesh meshFlags
	var keep storeFlags
	var web httpFlags
	var spans traceFlags
	cmd := &cobra.Command{
		Use:   "store --data DIR",
		Short: "Keep records on disk and serve them",
		Long: `store writes every record of the mesh to disk, acknowledges it once it is
synced, and serves it to consumers that ask for it. When it is ready it prints
one line:

  ready address=ADDRESS http=URL

--http serves its health, metrics and what is known of the mesh; the line has no
http where that is off.

It keeps everything, unless --retain says otherwise:

  --retain 'logs.*=records:1000'              the last 1000 of each partition
  --retain 'audit.>=age:30d,bytes:10GiB'      no older, and no more, than that
  --retain '>=age:7d'                         all other topics

In a pattern * stands for one level of a topic, > for the rest. The first rule
that matches a topic counts.`,
		Example: `  beck store --data /var/lib/beck
  beck store --data ./data --retain 'logs.*=records:1000' --retain '>=age:7d'
  BECK_STORE_DATA=/var/lib/beck beck store`,
		Args: cobra.NoArgs,
		RunE: runs(func(cmd *cobra.Command, _ []string) error { return runStore(cmd, &mesh, &keep, &web, &spans) }),
	}
	mesh.addTo(cmd)
	keep.addTo(cmd, "")
	web.addTo(cmd, storeHTTP)
	spans.addTo(cmd)
	_ = cmd.MarkFlagRequired("data")
	cmd.AddCommand(newStoreVerify(), newStoreStats())
	return cmd
}

// storeFlags say what a store keeps, and where.
type storeFlags struct {
	dir    string
	retain []string
}

func (f *storeFlags) addTo(cmd *cobra.Command, dir string) {
	fl := cmd.Flags()
	fl.StringVar(&f.dir, "data", dir, "`DIR` of the records; made if it is not there")
	fl.StringArrayVar(&f.retain, "retain", nil, "keep no more of the topics of a pattern: `PATTERN=LIMITS`, of records:N, age:TIME, bytes:SIZE; may be repeated")
}

func runStore(cmd *cobra.Command, mesh *meshFlags, keep *storeFlags, web *httpFlags, spans *traceFlags) error {
	node, err := mesh.node(cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	if keep.dir == "" {
		return usagef("--data: no directory given")
	}
	if err := web.check(); err != nil {
		return err
	}
	provider, flush, err := spans.start(cmd, node.Logger)
	if err != nil {
		return err
	}
	defer flush()
	use(&node, provider)
	ctx, stop := untilSignal(cmd.Context())
	defer stop()
	defer mesh.followHangups(cmd, node.Logger)()
	s, err := startStore(cmd.ErrOrStderr(), node, keep)
	if err != nil {
		return err
	}
	d := storeDaemon(s.Store, node)
	d.LogLevel = mesh.overHTTP(node.Logger)
	h, err := web.serve(cmd, d)
	if err != nil {
		return errors.Join(err, s.Close())
	}
	defer h.Close()
	ready(cmd, fmt.Sprintf("ready address=%s%s", s.Address(), field(h)))
	return serve(ctx, cmd, s, node)
}

// serve runs the store until ctx ends, or it stops by itself and says why.
func serve(ctx context.Context, cmd *cobra.Command, s runningStore, node beck.NodeConfig) error {
	joined := false
	stop := notify(cmd.ErrOrStderr(), func() waiting {
		joined = joined || s.Stats().Towers > 0
		if joined {
			return waiting{}
		}
		return noTower(node)
	})
	select {
	case <-ctx.Done():
	case <-s.Failed():
	}
	stop()
	stopping(cmd)
	if err := s.Close(); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return nil
}
