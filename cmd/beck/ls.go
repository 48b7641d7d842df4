package main

import (
	"slices"
	"strconv"
	"strings"

	"github.com/beckmesh/beck/internal/survey"
	"github.com/beckmesh/beck/protocol"
	"github.com/spf13/cobra"
)

func newLs() *cobra.Command {
	var f inspectFlags
	var all bool
	cmd := &cobra.Command{
		Use:   "ls [TOPIC...]",
		Short: "List topics: partitions, records, bytes, rate",
		Long: `ls lists the topics of the mesh, a line each: how many partitions there are, and
of how many the producer is alive; the records that can be had and the bytes of
their values; how many came a second while it looked; and how long ago the last one
came. Topics of beck's own are left out without --all.

If there is no record of a TOPIC, or if a tower or a store does not answer, what is
known is printed, and the exit status is 1.`,
		Example: `  beck ls
  beck ls hello --sample 10s -o json`,
		Args: topicArgs,
		RunE: runs(func(cmd *cobra.Command, args []string) error { return runLs(cmd, &f, all, args) }),
	}
	f.addTo(cmd)
	f.addSample(cmd)
	cmd.Flags().BoolVarP(&all, "all", "a", false, "list beck's own topics as well")
	return cmd
}

// topicArgs checks that every argument is the name of a topic.
func topicArgs(_ *cobra.Command, args []string) error {
	for _, a := range args {
		if err := protocol.ValidTopic(a); err != nil {
			return usagef("topic %q: want 1 to %d bytes without NUL", a, protocol.MaxTopic)
		}
	}
	return nil
}

func runLs(cmd *cobra.Command, f *inspectFlags, all bool, names []string) error {
	snap, err := f.survey(cmd, func(c *survey.Config) {
		c.Partitions = true
		if len(names) == 1 {
			c.Topic = names[0]
		}
	})
	if err != nil {
		return err
	}
	topics := slices.DeleteFunc(snap.Topics, func(t survey.Topic) bool {
		if len(names) > 0 {
			return !slices.Contains(names, t.Name)
		}
		return !all && strings.HasPrefix(t.Name, protocol.ReservedTopics)
	})
	for i := range topics {
		topics[i].List = nil
	}
	what := struct {
		survey.Part
		Topics []survey.Topic `json:"topics"`
	}{snap.Part(), topics}
	if len(names) == 0 || len(topics) > 0 {
		if err := f.print(cmd, snap, what, topicTable(snap, topics)); err != nil {
			return err
		}
	}
	for _, name := range names {
		if _, err := topicOf(snap, name); err != nil {
			return err
		}
	}
	return nil
}

func topicTable(snap *survey.Snapshot, topics []survey.Topic) *table {
	t := newTable("TOPIC", ">PARTITIONS", ">ALIVE", ">RECORDS", ">BYTES", ">RATE", ">LAST")
	for _, topic := range topics {
		t.add(humanName(topic.Name), strconv.Itoa(topic.Partitions), strconv.Itoa(topic.Alive),
			humanCount(topic.Records), humanBytes(topic.Bytes), humanRate(topic.Rate), humanAge(topic.Last, snap.Time))
	}
	return t
}
