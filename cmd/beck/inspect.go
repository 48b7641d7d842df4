package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/beckmesh/beck/internal/survey"
	"github.com/spf13/cobra"
)

// inspectFlags are the flags of the commands that look at a mesh.
type inspectFlags struct {
	meshFlags
	out      *choice
	patience time.Duration
	sample   time.Duration // between two rounds, for rates
}

const (
	defaultPatience = 5 * time.Second
	defaultSample   = time.Second
)

func (f *inspectFlags) addTo(cmd *cobra.Command) {
	f.meshFlags.addTo(cmd)
	f.out = newChoice("table", "json")
	fl := cmd.Flags()
	fl.VarP(f.out, "output", "o", "`FORMAT`: a table to read, or json with exact numbers")
	f.addPatience(cmd)
}

func (f *inspectFlags) addPatience(cmd *cobra.Command) {
	cmd.Flags().DurationVar(&f.patience, "patience", defaultPatience, "how long a node may be silent until it is given up")
}

// addSample adds the flag of the commands that measure rates.
func (f *inspectFlags) addSample(cmd *cobra.Command) {
	cmd.Flags().DurationVar(&f.sample, "sample", defaultSample, "how long to measure rates; 0 for none")
}

// config returns the settings of a survey, or what is wrong with the flags.
func (f *inspectFlags) config(cmd *cobra.Command) (survey.Config, error) {
	node, err := f.node(cmd.ErrOrStderr())
	if err != nil {
		return survey.Config{}, err
	}
	if f.patience < 100*time.Millisecond || f.patience > time.Hour {
		return survey.Config{}, usagef("--patience: %v: want 100ms to 1h", f.patience)
	}
	if f.sample < 0 || f.sample > time.Hour {
		return survey.Config{}, usagef("--sample: %v: want 0 to 1h", f.sample)
	}
	return survey.Config{NodeConfig: node, Patience: f.patience}, nil
}

// survey asks every node once, or with --sample twice, and returns what is known
// then. edit says what to ask for. That no tower answers is an error.
func (f *inspectFlags) survey(cmd *cobra.Command, edit func(*survey.Config)) (*survey.Snapshot, error) {
	var towers []string
	snap, err := f.look(cmd, func(c *survey.Config) {
		edit(c)
		towers = c.Pub
	})
	if errors.Is(err, survey.ErrNoTower) {
		return nil, fmt.Errorf("no tower answers at %s: nothing is known of the mesh", strings.Join(towers, ", "))
	}
	return snap, err
}

// look is survey that gives what is known also where no tower answers, besides
// survey.ErrNoTower.
func (f *inspectFlags) look(cmd *cobra.Command, edit func(*survey.Config)) (*survey.Snapshot, error) {
	c, err := f.config(cmd)
	if err != nil {
		return nil, err
	}
	edit(&c)
	ctx, stop := untilSignal(cmd.Context())
	defer stop()
	s, err := survey.Start(c)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	switch err := f.rounds(ctx, s); {
	case errors.Is(err, context.Canceled):
		return nil, errors.New("interrupted")
	case err != nil && !errors.Is(err, survey.ErrNoTower):
		return nil, err
	default:
		return s.Snapshot(true), err
	}
}

func (f *inspectFlags) rounds(ctx context.Context, s *survey.Survey) error {
	if err := s.Wait(ctx); err != nil || f.sample == 0 {
		return err
	}
	select {
	case <-time.After(f.sample):
	case <-ctx.Done():
		return ctx.Err()
	}
	return s.Round(ctx)
}

// print writes a table, or with -o json what the table is made of; then it says
// what is missing from it.
func (f *inspectFlags) print(cmd *cobra.Command, snap *survey.Snapshot, what any, tables ...*table) error {
	out := cmd.OutOrStdout()
	if f.out.value == "json" {
		if err := writeJSON(out, what); err != nil {
			return err
		}
	} else if err := printTables(out, tables); err != nil {
		return err
	}
	return partial(snap)
}

func writeJSON(out io.Writer, what any) error {
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(what); err != nil {
		return fmt.Errorf("writing standard output: %w", err)
	}
	return nil
}

func printTables(out io.Writer, tables []*table) error {
	var b strings.Builder
	for i, t := range tables {
		if i > 0 {
			b.WriteByte('\n')
		}
		t.write(&b)
	}
	if _, err := io.WriteString(out, b.String()); err != nil {
		return fmt.Errorf("writing standard output: %w", err)
	}
	return nil
}

// partial returns an error that says what did not answer, nil if all did. What was
// printed is right as far as it goes.
func partial(snap *survey.Snapshot) error {
	if snap.Part().Complete {
		return nil
	}
	var missing []string
	for _, pub := range snap.TowersDown() {
		missing = append(missing, "tower "+pub)
	}
	roles := make(map[string]string)
	for i := range snap.Nodes {
		roles[snap.Nodes[i].Address] = snap.Nodes[i].Role
	}
	for _, id := range snap.Silent {
		missing = append(missing, strings.TrimSpace(roles[id]+" "+id))
	}
	if n := snap.Overflow; n > 0 {
		return fmt.Errorf("this is a part: %d partitions are left out, there are too many", n)
	}
	if len(missing) == 0 {
		return errors.New("this is a part: not all saved positions could be read")
	}
	const most = 5
	if n := len(missing); n > most {
		missing = append(missing[:most], fmt.Sprintf("and %d more", n-most))
	}
	return fmt.Errorf("this is a part: no answer from %s", strings.Join(missing, ", "))
}
