package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/beckmesh/beck/internal/blocklog"
	"github.com/beckmesh/beck/internal/control"
	"github.com/spf13/cobra"
)

// storeDirFlags are the flags of the commands that look at the directory of a store,
// whether it runs or not.
type storeDirFlags struct {
	dir string
	out *choice
}

func (f *storeDirFlags) addTo(cmd *cobra.Command) {
	f.out = newChoice("table", "json")
	fl := cmd.Flags()
	fl.StringVar(&f.dir, "data", "", "`DIR` of the store")
	fl.VarP(f.out, "output", "o", "`FORMAT`: a table to read, or json with exact numbers")
	_ = cmd.MarkFlagRequired("data")
}

func (f *storeDirFlags) check() error {
	if f.dir == "" {
		return usagef("--data: no directory given")
	}
	return nil
}

// print writes tables, or with -o json what they are made of.
func (f *storeDirFlags) print(cmd *cobra.Command, what any, tables ...*table) error {
	if f.out.value == "json" {
		return writeJSON(cmd.OutOrStdout(), what)
	}
	return printTables(cmd.OutOrStdout(), tables)
}

// atRest runs f on the directory of a store that does not run; on that of one that
// does, on a checkpoint that the store makes and holds meanwhile. The context that f is
// given ends if the store takes it away.
func atRest(ctx context.Context, dir string, f func(ctx context.Context, dir string) error) error {
	err := f(ctx, dir)
	if !errors.Is(err, blocklog.ErrInUse) {
		return err
	}
	lease, failed := control.NewClient(dir).Checkpoint(ctx)
	if failed != nil {
		return inUse(dir, err, failed)
	}
	defer lease.Close()
	err = f(lease.Context, lease.Dir)
	if errors.Is(err, fs.ErrNotExist) { // perhaps it was taken away, and that is not known yet
		select {
		case <-lease.Context.Done():
		case <-time.After(time.Second):
		}
	}
	if cause := context.Cause(lease.Context); err != nil && errors.Is(cause, control.ErrGone) {
		return fmt.Errorf("store %q: %w", dir, cause)
	}
	return err
}

// inUse returns what to say of a directory that is in use when its store could not be
// asked.
func inUse(dir string, err, failed error) error {
	if errors.Is(failed, control.ErrNobody) {
		return fmt.Errorf("%w; and it cannot be asked: %w", err, failed)
	}
	return fmt.Errorf("store %q: %w", dir, failed)
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
