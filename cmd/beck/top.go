package main

import (
	"context"
	"errors"
	"os"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/spf13/cobra"
	"github.com/vbauerster/mpb/v8/cwriter"

	"github.com/beckmesh/beck/internal/survey"
)

// minInterval is the shortest time between two rounds of top.
const minInterval = 100 * time.Millisecond

func newTop() *cobra.Command {
	var f inspectFlags
	var interval time.Duration
	cmd := &cobra.Command{
		Use:   "top",
		Short: "Watch topics, nodes and saved positions live",
		Long: `top shows topics, nodes or saved positions on the terminal, and asks the nodes again
and again. Keys:

  tab, 1 2 3     topics, nodes, saved positions
  s, r           sort by the next column, the other way round
  /              show lines with what is typed only; enter ends, esc takes it back
  up, down, pgup, pgdown, home   scroll
  space          pause
  q, ctrl+c      leave`,
		Example: `  beck top --interval 5s`,
		Args:    cobra.NoArgs,
		RunE:    runs(func(cmd *cobra.Command, _ []string) error { return runTop(cmd, &f, interval) }),
	}
	f.meshFlags.addTo(cmd)
	f.addPatience(cmd)
	cmd.Flags().DurationVar(&interval, "interval", time.Second, "how often to ask the nodes")
	return cmd
}

func runTop(cmd *cobra.Command, f *inspectFlags, interval time.Duration) error {
	if interval < minInterval || interval > time.Hour {
		return usagef("--interval: %v: want %v to 1h", interval, minInterval)
	}
	c, err := f.config(cmd)
	if err != nil {
		return err
	}
	if !isTerminal(cmd.InOrStdin()) || !isTerminal(cmd.OutOrStdout()) {
		return errors.New(`top needs a terminal; without one, use "beck ls", "beck nodes" or "beck check"`)
	}
	c.Partitions, c.Positions = true, true
	ctx, stop := untilSignal(cmd.Context())
	defer stop()
	s, err := survey.Start(c)
	if err != nil {
		return err
	}
	defer s.Close()
	w := &watcher{ctx: ctx, survey: s, interval: interval}
	_, err = tea.NewProgram(newTopModel(w.first, w.next),
		tea.WithContext(ctx), tea.WithInput(cmd.InOrStdin()), tea.WithOutput(cmd.OutOrStdout()), tea.WithoutSignalHandler()).Run()
	if ctx.Err() != nil { // a signal is a way to leave
		return nil
	}
	return err
}

// isTerminal reports whether a file is a terminal.
func isTerminal(file any) bool {
	f, ok := file.(*os.File)
	return ok && cwriter.IsTerminal(int(f.Fd()))
}

// watcher asks the mesh for a topModel, outside of its goroutine.
type watcher struct {
	ctx      context.Context
	survey   *survey.Survey
	interval time.Duration
}

// first waits for the round that the survey began with.
func (w *watcher) first() tea.Msg { return w.told(w.survey.Wait(w.ctx)) }

// next waits for the interval, and then for another round.
func (w *watcher) next() tea.Msg {
	select {
	case <-time.After(w.interval):
	case <-w.ctx.Done():
	}
	return w.told(w.survey.Round(w.ctx))
}

func (w *watcher) told(err error) tea.Msg {
	return roundMsg{snap: w.survey.Snapshot(false), err: err}
}
