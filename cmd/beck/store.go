package main

import (
	"context"
	"fmt"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/store"
	"github.com/spf13/cobra"
)

func newStore() *cobra.Command {
	var mesh meshFlags
	var dir string
	cmd := &cobra.Command{
		Use:   "store --data DIR",
		Short: "Keep records on disk and serve them",
		Long: `store writes every record of the mesh to disk, acknowledges it once it is
synced, and serves it to consumers that ask for it. When it is ready it prints
one line:

  ready address=ADDRESS`,
		Args: cobra.NoArgs,
		RunE: runs(func(cmd *cobra.Command, _ []string) error { return runStore(cmd, &mesh, dir) }),
	}
	mesh.addTo(cmd)
	cmd.Flags().StringVar(&dir, "data", "", "`DIR` of the records; made if it is not there")
	_ = cmd.MarkFlagRequired("data")
	return cmd
}

func runStore(cmd *cobra.Command, mesh *meshFlags, dir string) error {
	node, err := mesh.node(cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	if dir == "" {
		return usagef("--data: no directory given")
	}
	ctx, stop := untilSignal(cmd.Context())
	defer stop()
	s, err := startStore(node, dir)
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "ready address=%s\n", s.Address())
	return serve(ctx, cmd, s, node)
}

// serve runs the store until ctx ends, or it stops by itself and says why.
func serve(ctx context.Context, cmd *cobra.Command, s *store.Store, node beck.NodeConfig) error {
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
	if err := s.Close(); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return nil
}

func startStore(node beck.NodeConfig, dir string) (*store.Store, error) {
	c := store.DefaultConfig()
	c.NodeConfig = node
	c.Dir = dir
	return store.Start(c)
}
