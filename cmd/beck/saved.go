package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/consumer"
	"github.com/beckmesh/beck/internal/survey"
	"github.com/spf13/cobra"
)

func newPositions() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "positions",
		Short: "List and remove the positions that consumers saved",
		Example: `  beck positions ls
  beck positions rm billing`,
		Args: cobra.NoArgs,
		RunE: runs(func(cmd *cobra.Command, _ []string) error {
			return usagef(`want "ls" or "rm"`)
		}),
	}
	cmd.AddCommand(newPositionsLs(), newPositionsRm())
	return cmd
}

func newPositionsLs() *cobra.Command {
	var f inspectFlags
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "List the names of saved positions, and how far behind each is",
		Long: `ls lists the names under which positions are saved: which topics were read, how many
partitions there are of them and how many records these have beyond the positions,
whether a consumer has the name now, and which consumer saved them last. For the
positions themselves see "beck lag".`,
		Example: `  beck positions ls`,
		Args:    cobra.NoArgs,
		RunE:    runs(func(cmd *cobra.Command, _ []string) error { return runPositionsLs(cmd, &f) }),
	}
	f.addTo(cmd)
	return cmd
}

func runPositionsLs(cmd *cobra.Command, f *inspectFlags) error {
	snap, err := f.survey(cmd, func(c *survey.Config) { c.Partitions, c.Positions = true, true })
	if err != nil {
		return err
	}
	what := struct {
		survey.Part
		Saved []survey.Saved `json:"saved"`
	}{snap.Part(), snap.Saved}
	return f.print(cmd, snap, what, savedTable(snap))
}

func savedTable(snap *survey.Snapshot) *table {
	t := newTable("NAME", ">PARTITIONS", ">LAG", "IN USE", "SAVED BY", "TOPICS")
	for i := range snap.Saved {
		v := &snap.Saved[i]
		inUse := "no"
		if v.Alive {
			inUse = "yes"
		}
		topics := make([]string, len(v.Topics))
		for j, topic := range v.Topics {
			topics[j] = humanName(topic)
		}
		t.add(humanName(v.Name), strconv.Itoa(len(v.Positions)), humanCount(v.Lag), inUse, v.Consumer, strings.Join(topics, " "))
	}
	return t
}

func newPositionsRm() *cobra.Command {
	var mesh meshFlags
	c := consumer.DefaultConfig()
	cmd := &cobra.Command{
		Use:   "rm NAME [TOPIC...]",
		Short: "Remove the positions saved under a name",
		Long: `rm removes what is saved under NAME, or of that the positions of each TOPIC, and
prints the topics. The next consumer of NAME begins with them as one of a new name
does. While a consumer has NAME, nothing is removed.`,
		Example: `  beck positions rm billing orders`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("want the NAME of saved positions")
			}
			if err := validSavedName(args[0]); err != nil {
				return err
			}
			return topicArgs(cmd, args[1:])
		},
		RunE: runs(func(cmd *cobra.Command, args []string) error { return runPositionsRm(cmd, &mesh, c, args) }),
	}
	mesh.addTo(cmd)
	cmd.Flags().DurationVar(&c.StartTimeout, "patience", c.StartTimeout, "how long to wait for the stores, and for whoever has the name")
	return cmd
}

func runPositionsRm(cmd *cobra.Command, mesh *meshFlags, c consumer.Config, args []string) error {
	node, err := mesh.node(cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	c.NodeConfig, c.SaveAs = node, args[0]
	ctx, stop := untilSignal(cmd.Context())
	defer stop()
	removed, err := consumer.RemovePositions(ctx, c, args[1:]...)
	switch {
	case errors.Is(err, beck.ErrConfig):
		return usageError{err}
	case errors.Is(err, context.Canceled):
		return errors.New("interrupted")
	case err != nil:
		return err
	case len(removed) == 0 && len(args) > 1:
		return fmt.Errorf("no positions of %s are saved under %q", strings.Join(args[1:], ", "), args[0])
	case len(removed) == 0:
		return fmt.Errorf("no positions are saved under %q", args[0])
	}
	for _, topic := range removed {
		if _, err := fmt.Fprintln(cmd.OutOrStdout(), topic); err != nil {
			return fmt.Errorf("writing standard output: %w", err)
		}
	}
	return nil
}
