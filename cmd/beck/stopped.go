package main

import (
	"context"
	"errors"
	"io"

	"github.com/beckmesh/beck/internal/blocklog"
	"github.com/spf13/cobra"
)

// stoppedFlags are the flags of the commands that look at the directory of a store
// that does not run.
type stoppedFlags struct {
	dir string
	out *choice
}

func (f *stoppedFlags) addTo(cmd *cobra.Command) {
	f.out = newChoice("table", "json")
	fl := cmd.Flags()
	fl.StringVar(&f.dir, "data", "", "`DIR` of a store that does not run")
	fl.VarP(f.out, "output", "o", "`FORMAT`: a table to read, or json with exact numbers")
	_ = cmd.MarkFlagRequired("data")
}

func (f *stoppedFlags) check() error {
	if f.dir == "" {
		return usagef("--data: no directory given")
	}
	return nil
}

// print writes tables, or with -o json what they are made of.
func (f *stoppedFlags) print(cmd *cobra.Command, what any, tables ...*table) error {
	if f.out.value == "json" {
		return writeJSON(cmd.OutOrStdout(), what)
	}
	return printTables(cmd.OutOrStdout(), tables)
}

// watchBytes shows a bar on a terminal while f runs, until a signal ends it.
func watchBytes(cmd *cobra.Command, f func(context.Context, blocklog.Watcher) error) error {
	ctx, stop := untilSignal(cmd.Context())
	defer stop()
	err := withBar(ctx, cmd.ErrOrStderr(), f)
	if errors.Is(err, context.Canceled) {
		return errors.New("interrupted")
	}
	return err
}

func withBar(ctx context.Context, w io.Writer, f func(context.Context, blocklog.Watcher) error) error {
	bar := newProgressBar(w)
	if bar == nil {
		return f(ctx, nil)
	}
	bar.bytes = true
	defer bar.close()
	return f(ctx, bar)
}
