package main

import (
	"strconv"

	"github.com/beckmesh/beck/internal/survey"
	"github.com/spf13/cobra"
)

func newGaps() *cobra.Command {
	var f inspectFlags
	cmd := &cobra.Command{
		Use:   "gaps TOPIC",
		Short: "Show what of a topic is lost, missing in a store, or differs",
		Long: `gaps shows the ranges of TOPIC that are not as they should be:

  lost      no node that is here has the records, and they have not expired
  missing   a store lacks them, and fetches them from another node
  differs   two stores hold different records under these offsets
  stalled   a consumer waits for them, and nobody serves them

Nodes name the lowest 32 ranges of each partition. Without a gap only the titles
are printed. The exit status is 0 in either case; see "beck check".`,
		Example: `  beck gaps hello`,
		Args:    oneTopic,
		RunE:    runs(func(cmd *cobra.Command, args []string) error { return runGaps(cmd, &f, args[0]) }),
	}
	f.addTo(cmd)
	return cmd
}

func runGaps(cmd *cobra.Command, f *inspectFlags, name string) error {
	snap, topic, err := f.topic(cmd, name)
	if err != nil {
		return err
	}
	what := struct {
		survey.Part
		Gaps []survey.Gap `json:"gaps"`
	}{snap.Part(), topic.Gaps()}
	t := newTable("PARTITION", "OFFSETS", ">RECORDS", "STATE", "NODE", "OTHER")
	for _, g := range what.Gaps {
		t.add(g.Producer, humanRange(g.First, g.Last), strconv.FormatUint(g.Last-g.First+1, 10), string(g.Kind), dash(g.Node), dash(g.With))
	}
	return f.print(cmd, snap, what, t)
}

// dash stands for nothing in a table.
func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
