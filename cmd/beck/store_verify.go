package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/beckmesh/beck/internal/blocklog"
	"github.com/spf13/cobra"
)

func newStoreVerify() *cobra.Command {
	var f storeDirFlags
	var complete bool
	cmd := &cobra.Command{
		Use:   "verify --data DIR",
		Short: "Read a whole store, and say what of it is damaged",
		Long: `verify reads every block of a store, and changes nothing. It checks

  block     the checksum, the layout and the key of each block
  file      that the files can be read which have them
  overlap   that no offset is in two blocks
  state     that a partition's head, counts and digest are those of its blocks
  sums      that the sums of each 4,096 offsets are those of their records
  commit    that no commit is gone that was on disk

and names what is not so. "missing" are records that the store never got, or that it
set aside because they were damaged: it fetches them from others when it runs, if
they have them. They are no damage, unless --complete says so.

The exit status is 0 if the store is sound, and 1 if it is not or cannot be read.
A store that runs goes on meanwhile. What is read is what it had on disk when the
command began: it makes a checkpoint, which takes the space of what is deleted until
the command ends.`,
		Example: `  beck store verify --data /var/lib/beck
  beck store verify --data /var/lib/beck --complete -o json`,
		Args: cobra.NoArgs,
		RunE: runs(func(cmd *cobra.Command, _ []string) error { return runStoreVerify(cmd, &f, complete) }),
	}
	f.addTo(cmd)
	cmd.Flags().BoolVar(&complete, "complete", false, "fail, too, if records are missing between a tail and a head")
	return cmd
}

func runStoreVerify(cmd *cobra.Command, f *storeDirFlags, complete bool) error {
	if err := f.check(); err != nil {
		return err
	}
	var a *blocklog.Audit
	if err := watchBytes(cmd, func(ctx context.Context, w blocklog.Watcher) error {
		return atRest(ctx, f.dir, func(ctx context.Context, dir string) (err error) {
			a, err = blocklog.Verify(ctx, dir, blocklog.Options{}, w)
			return err
		})
	}); err != nil {
		return err
	}
	if err := f.print(cmd, auditOf(a), faultTables(a)...); err != nil {
		return err
	}
	switch {
	case a.Faulty > 0:
		return fmt.Errorf("store %q is damaged: %s", f.dir, faultText(a))
	case complete && a.Missing > 0:
		return fmt.Errorf("store %q is not complete: %d records are missing", f.dir, a.Missing)
	}
	return nil
}

// faultText names the first fault, and how many more there are.
func faultText(a *blocklog.Audit) string {
	f, text := a.Faults[0], ""
	if f.Partition != (blocklog.Partition{}) {
		text = " of " + f.Partition.String()
	}
	if f.Next > f.First {
		text = fmt.Sprintf(" of records %s%s", humanRange(f.First, f.Next-1), text)
	}
	text = fmt.Sprintf("%s%s: %v", f.Kind, text, f.Err)
	if a.Faulty > 1 {
		text += fmt.Sprintf("; and %d more", a.Faulty-1)
	}
	return text
}

// auditJSON is what verify prints with -o json.
type auditJSON struct {
	Address    string      `json:"address"`
	Sound      bool        `json:"sound"`
	Partitions int         `json:"partitions"`
	Blocks     uint64      `json:"blocks"`
	Records    uint64      `json:"records"`
	Bytes      uint64      `json:"bytes"`
	SetAside   uint64      `json:"set_aside"`
	Missing    uint64      `json:"missing"`
	Holes      []rangeJSON `json:"holes"`
	Faulty     uint64      `json:"faulty"`
	Faults     []faultJSON `json:"faults"`
}

// rangeJSON is a range of records, both ends included.
type rangeJSON struct {
	Topic     string `json:"topic"`
	Partition string `json:"partition"`
	First     uint64 `json:"first"`
	Last      uint64 `json:"last"`
}

// faultJSON is a fault; what it is not about is left out.
type faultJSON struct {
	Kind      blocklog.FaultKind `json:"kind"`
	Topic     string             `json:"topic,omitempty"`
	Partition string             `json:"partition,omitempty"`
	First     *uint64            `json:"first,omitempty"`
	Last      *uint64            `json:"last,omitempty"`
	Error     string             `json:"error"`
}

func auditOf(a *blocklog.Audit) auditJSON {
	what := auditJSON{Address: a.UUID, Sound: a.Faulty == 0, Partitions: a.Partitions, Blocks: a.Blocks,
		Records: a.Records, Bytes: a.Bytes, SetAside: a.SetAside, Missing: a.Missing, Faulty: a.Faulty,
		Holes: []rangeJSON{}, Faults: []faultJSON{}}
	for _, h := range a.Holes {
		what.Holes = append(what.Holes, rangeJSON{h.Topic, h.Producer, h.First, h.Next - 1})
	}
	for _, f := range a.Faults {
		j := faultJSON{Kind: f.Kind, Topic: f.Partition.Topic, Partition: f.Partition.Producer, Error: f.Err.Error()}
		if f.Next > f.First {
			last := f.Next - 1
			j.First, j.Last = &f.First, &last
		}
		what.Faults = append(what.Faults, j)
	}
	return what
}

// faultTables are what was read, and if there is anything what is wrong with it.
func faultTables(a *blocklog.Audit) []*table {
	read := newTable("STORE", ">PARTITIONS", ">BLOCKS", ">RECORDS", ">BYTES", ">MISSING", ">SET ASIDE", ">FAULTS")
	read.add(a.UUID, number(uint64(a.Partitions)), humanCount(a.Blocks), humanCount(a.Records), humanBytes(a.Bytes),
		humanCount(a.Missing), humanCount(a.SetAside), humanCount(a.Faulty))
	wrong := newTable("STATE", "TOPIC", "PARTITION", "OFFSETS", "WHAT")
	for _, f := range a.Faults {
		offsets := "-"
		if f.Next > f.First {
			offsets = humanRange(f.First, f.Next-1)
		}
		topic := "-"
		if f.Partition.Topic != "" {
			topic = humanName(f.Partition.Topic)
		}
		wrong.add(string(f.Kind), topic, dash(f.Partition.Producer), offsets, strings.Join(strings.Fields(f.Err.Error()), " "))
	}
	for _, h := range a.Holes {
		wrong.add("missing", humanName(h.Topic), h.Producer, humanRange(h.First, h.Next-1), "not held, and not damaged")
	}
	if len(wrong.rows) == 0 {
		return []*table{read}
	}
	return []*table{read, wrong}
}
