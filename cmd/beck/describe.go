package main

import (
	"cmp"
	"fmt"
	"strconv"

	"github.com/beckmesh/beck/internal/survey"
	"github.com/spf13/cobra"
)

func newDescribe() *cobra.Command {
	var f inspectFlags
	cmd := &cobra.Command{
		Use:   "describe TOPIC",
		Short: "Show each partition of a topic, and who has how much of it",
		Long: `describe shows each partition of TOPIC: whether its producer is alive, the lowest
and the highest offset that somebody has, records, bytes, rate, how long ago the last
one came, how many stores have the head, and how many records lack the
acknowledgements that the producer waits for. Then, who has how much of it: MISSING
are records that a store lacks, DIFFERS ranges of which another store holds other
contents. Then, which consumers receive it, and how many records they are behind.`,
		Example: `  beck describe hello`,
		Args:    oneTopic,
		RunE:    runs(func(cmd *cobra.Command, args []string) error { return runDescribe(cmd, &f, args[0]) }),
	}
	f.addTo(cmd)
	f.addSample(cmd)
	return cmd
}

func runDescribe(cmd *cobra.Command, f *inspectFlags, name string) error {
	snap, topic, err := f.topic(cmd, name)
	if err != nil {
		return err
	}
	what := struct {
		survey.Part
		Topic *survey.Topic `json:"topic"`
	}{snap.Part(), topic}
	tables := []*table{partitionTable(snap, topic), holderTable(snap, topic)}
	if readers := readerTable(topic); len(readers.rows) > 0 {
		tables = append(tables, readers)
	}
	return f.print(cmd, snap, what, tables...)
}

// topic asks for all that is known of one topic. That nobody knows it is an error.
func (f *inspectFlags) topic(cmd *cobra.Command, name string) (*survey.Snapshot, *survey.Topic, error) {
	snap, err := f.survey(cmd, func(c *survey.Config) {
		c.Topic, c.Partitions, c.Ranges, c.Readers = name, true, true, true
	})
	if err != nil {
		return nil, nil, err
	}
	topic, err := topicOf(snap, name)
	return snap, topic, err
}

// topicOf returns a topic, or an error that says that nobody has records of it.
func topicOf(snap *survey.Snapshot, name string) (*survey.Topic, error) {
	for i := range snap.Topics {
		if snap.Topics[i].Name == name {
			return &snap.Topics[i], nil
		}
	}
	if err := partial(snap); err != nil {
		return nil, fmt.Errorf("topic %q is not known to the nodes that answer; %w", name, err)
	}
	return nil, fmt.Errorf("no node has records of topic %q", name)
}

func partitionTable(snap *survey.Snapshot, topic *survey.Topic) *table {
	t := newTable("PARTITION", "PRODUCER", ">TAIL", ">HEAD", ">RECORDS", ">BYTES", ">RATE", ">LAST", ">STORES", ">UNSTORED")
	for _, p := range topic.List {
		state := "gone"
		if p.Alive {
			state = "alive"
		}
		t.add(p.Producer, state, number(p.Tail), number(p.Head), humanCount(p.Records), humanBytes(p.Bytes),
			humanRate(p.Rate), humanAge(p.Last, snap.Time), strconv.Itoa(p.Stores), humanCount(p.Pending))
	}
	return t
}

func holderTable(snap *survey.Snapshot, topic *survey.Topic) *table {
	t := newTable("PARTITION", "HELD BY", "ROLE", ">TAIL", ">HEAD", ">RECORDS", ">BYTES", ">LAST", ">MISSING", ">DIFFERS")
	for _, p := range topic.List {
		for _, h := range p.Holders {
			t.add(p.Producer, h.Node, cmp.Or(h.Role, "?"), number(h.Tail), number(h.Head), humanCount(h.Records), humanBytes(h.Bytes),
				humanAge(h.Last, snap.Time), humanCount(h.Missing), humanCount(h.Conflicts))
		}
	}
	return t
}

func readerTable(topic *survey.Topic) *table {
	t := newTable("PARTITION", "RECEIVED BY", ">NEXT", ">LAG", "WAITS FOR")
	for _, p := range topic.List {
		for _, r := range p.Readers {
			waits := "-"
			if len(r.Stalled) > 0 {
				waits = humanRange(r.Stalled[0].First, r.Stalled[0].Last)
			}
			t.add(p.Producer, r.Node, number(r.Next), humanCount(r.Lag), waits)
		}
	}
	return t
}

func number(n uint64) string { return strconv.FormatUint(n, 10) }
