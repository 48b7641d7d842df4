package main

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/beckmesh/beck/internal/survey"
	"github.com/spf13/cobra"
)

func newNodes() *cobra.Command {
	var f inspectFlags
	cmd := &cobra.Command{
		Use:   "nodes",
		Short: "List towers and nodes: role, name, version, address, age, links",
		Long: `nodes lists the towers that it was told of, and the nodes that these name: role,
address, where it listens, how long it runs, to how many nodes it is linked
(dialled by it + dialled by others), name and version. STATE is "up"; or "silent", if
it does not answer; "gone", if it has just left; or "foreign", if it is no node of
beck's: then only what towers say is known.`,
		Example: `  beck nodes
  beck nodes -o json`,
		Args: cobra.NoArgs,
		RunE: runs(func(cmd *cobra.Command, _ []string) error { return runNodes(cmd, &f) }),
	}
	f.addTo(cmd)
	return cmd
}

func runNodes(cmd *cobra.Command, f *inspectFlags) error {
	snap, err := f.survey(cmd, func(*survey.Config) {})
	if err != nil {
		return err
	}
	what := struct {
		survey.Part
		Towers []survey.Tower `json:"towers"`
		Nodes  []survey.Node  `json:"nodes"`
	}{snap.Part(), snap.Towers, snap.Nodes}
	return f.print(cmd, snap, what, nodeTable(snap))
}

func nodeTable(snap *survey.Snapshot) *table {
	t := newTable("ROLE", "STATE", "ADDRESS", "ENDPOINT", ">AGE", ">LINKS", "NAME", "VERSION")
	for _, w := range snap.Towers {
		state := "up"
		if !w.Up {
			state = "silent"
		}
		t.add("tower", state, "-", w.Pub, humanAge(w.Started, snap.Time), "-", orDash(w.Name), orDash(w.Version))
	}
	for i := range snap.Nodes {
		n := &snap.Nodes[i]
		t.add(cmp.Or(n.Role, "?"), nodeState(snap, n), n.Address, n.Endpoint, humanAge(n.Started, snap.Time), nodeLinks(n), orDash(n.Name), orDash(n.Version))
	}
	return t
}

func nodeState(snap *survey.Snapshot, n *survey.Node) string {
	switch {
	case slices.Contains(snap.Silent, n.Address):
		return "silent"
	case n.Foreign:
		return "foreign"
	case !n.Linked:
		return "gone"
	case !n.Answered:
		return "?"
	case n.Disk != nil && n.Disk.State != "well":
		return "disk " + n.Disk.State
	}
	return "up"
}

func nodeLinks(n *survey.Node) string {
	if n.Counts == nil {
		return "-"
	}
	return fmt.Sprintf("%d+%d", n.Counts["dialled"], n.Counts["accepted"])
}

// orDash returns a name as it can be printed, "-" for none.
func orDash(name string) string {
	if name == "" {
		return "-"
	}
	return humanName(name)
}
