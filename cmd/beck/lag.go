package main

import (
	"fmt"

	"github.com/beckmesh/beck/internal/survey"
	"github.com/beckmesh/beck/protocol"
	"github.com/spf13/cobra"
)

func newLag() *cobra.Command {
	var f inspectFlags
	cmd := &cobra.Command{
		Use:   "lag NAME [TOPIC]",
		Short: "Show how far behind saved positions are",
		Long: `lag shows, for each partition of the topics that consumers of NAME have read, or of
TOPIC alone, the first offset that is not finished, the head, how many records lie
between them, and how many of what was not finished have expired. A partition of
which nothing is saved is read from its first record on.`,
		Example: `  beck lag billing
  beck lag billing orders -o json`,
		Args: lagArgs,
		RunE: runs(func(cmd *cobra.Command, args []string) error { return runLag(cmd, &f, args) }),
	}
	f.addTo(cmd)
	return cmd
}

func lagArgs(cmd *cobra.Command, args []string) error {
	if len(args) < 1 || len(args) > 2 {
		return usagef("want the NAME of saved positions, and at most one TOPIC; got %d arguments", len(args))
	}
	if err := validSavedName(args[0]); err != nil {
		return err
	}
	return topicArgs(cmd, args[1:])
}

func validSavedName(name string) error {
	if name == "" || len(name) > protocol.MaxSavedName {
		return usagef("name %q: want 1 to %d bytes", name, protocol.MaxSavedName)
	}
	return nil
}

func runLag(cmd *cobra.Command, f *inspectFlags, args []string) error {
	topic := ""
	if len(args) == 2 {
		topic = args[1]
	}
	snap, err := f.survey(cmd, func(c *survey.Config) { c.Partitions, c.Positions, c.Topic = true, true, topic })
	if err != nil {
		return err
	}
	saved, err := savedUnder(snap, args[0])
	if err != nil {
		return err
	}
	if topic != "" && len(saved.Positions) == 0 {
		return fmt.Errorf("positions %q: none of topic %q", args[0], topic)
	}
	what := struct {
		survey.Part
		Saved *survey.Saved `json:"saved"`
	}{snap.Part(), saved}
	return f.print(cmd, snap, what, lagTable(saved))
}

// savedUnder returns what is saved under a name.
func savedUnder(snap *survey.Snapshot, name string) (*survey.Saved, error) {
	for i := range snap.Saved {
		if snap.Saved[i].Name == name {
			return &snap.Saved[i], nil
		}
	}
	if err := partial(snap); err != nil {
		return nil, fmt.Errorf("no positions are known under %q; %w", name, err)
	}
	return nil, fmt.Errorf("no positions are saved under %q", name)
}

func lagTable(saved *survey.Saved) *table {
	t := newTable("TOPIC", "PARTITION", ">NEXT", ">HEAD", ">LAG", ">EXPIRED")
	for _, p := range saved.Positions {
		next := number(p.Next)
		if p.New {
			next = "-"
		}
		t.add(humanName(p.Topic), p.Producer, next, number(p.Head), humanCount(p.Lag), humanCount(p.Expired))
	}
	return t
}
