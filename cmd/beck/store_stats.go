package main

import (
	"context"
	"fmt"
	"time"

	"github.com/beckmesh/beck/internal/blocklog"
	"github.com/spf13/cobra"
)

func newStoreStats() *cobra.Command {
	var f storeDirFlags
	var partitions bool
	cmd := &cobra.Command{
		Use:   "stats --data DIR",
		Short: "Show what a store holds, and what it takes",
		Long: `stats shows of a store its address, the version of its format and what it takes on
disk, and of each topic how many partitions, records and bytes (of
values, as they were sent) there are. MISSING are records between tail and head that
the store lacks, DIFFERS ranges of which another store holds other contents, SET
ASIDE blocks that were damaged. Nothing is changed.

Of a store that runs it is what was on disk when the command began. "beck ls" and
"beck describe" show what all stores of a mesh hold, from anywhere.`,
		Example: `  beck store stats --data /var/lib/beck
  beck store stats --data /var/lib/beck --partitions`,
		Args: cobra.NoArgs,
		RunE: runs(func(cmd *cobra.Command, _ []string) error { return runStoreStats(cmd, &f, partitions) }),
	}
	f.addTo(cmd)
	cmd.Flags().BoolVar(&partitions, "partitions", false, "show each partition, too: its tail, head, records and holes")
	return cmd
}

func runStoreStats(cmd *cobra.Command, f *storeDirFlags, partitions bool) error {
	if err := f.check(); err != nil {
		return err
	}
	var s *blocklog.Summary
	if err := atRest(cmd.Context(), f.dir, func(_ context.Context, dir string) (err error) {
		s, err = blocklog.Summarize(dir, blocklog.Options{})
		return err
	}); err != nil {
		return err
	}
	what := statsOf(s)
	tables := []*table{what.total(), what.topics()}
	if partitions {
		tables = append(tables, what.partitions())
	}
	if err := f.print(cmd, what, tables...); err != nil {
		return err
	}
	if s.Missing != "" {
		return fmt.Errorf("store %q is damaged: commits are gone: %s", f.dir, s.Missing)
	}
	return nil
}

// counts are what stats adds up.
type counts struct {
	Partitions int    `json:"partitions"`
	Records    uint64 `json:"records"`
	Bytes      uint64 `json:"bytes"`
	Missing    uint64 `json:"missing"`
	Differs    int    `json:"differs"`
	SetAside   int    `json:"set_aside"`
}

func (c *counts) add(p *partitionStats) {
	c.Partitions++
	c.Records += p.Records
	c.Bytes += p.Bytes
	c.Missing += p.Missing
	c.Differs += p.Differs
	c.SetAside += p.SetAside
}

// storeStats is what stats prints with -o json.
type storeStats struct {
	Address   string `json:"address"`
	Format    int    `json:"format"`
	DiskBytes uint64 `json:"disk_bytes"`
	counts
	Topics []*topicStats `json:"topics"`
}

type topicStats struct {
	Topic string `json:"topic"`
	counts
	Last time.Time        `json:"last"` // when a record was written last
	List []partitionStats `json:"list"`
}

type partitionStats struct {
	Partition string      `json:"partition"`
	Tail      uint64      `json:"tail"`
	Head      uint64      `json:"head"` // the highest offset; 0 if there was none
	Records   uint64      `json:"records"`
	Bytes     uint64      `json:"bytes"`
	Blocks    uint64      `json:"blocks"`
	Missing   uint64      `json:"missing"`
	Holes     []rangeJSON `json:"holes,omitempty"`
	Differs   int         `json:"differs"`
	SetAside  int         `json:"set_aside"`
	Last      time.Time   `json:"last"`
}

// statsOf sums up by topic; partitions come sorted by it.
func statsOf(s *blocklog.Summary) *storeStats {
	what := &storeStats{Address: s.UUID, Format: s.Format, DiskBytes: s.DiskBytes, Topics: []*topicStats{}}
	for i := range s.Partitions {
		q := &s.Partitions[i]
		if n := len(what.Topics); n == 0 || what.Topics[n-1].Topic != q.Topic {
			what.Topics = append(what.Topics, &topicStats{Topic: q.Topic})
		}
		topic, p := what.Topics[len(what.Topics)-1], partitionOf(q)
		topic.List = append(topic.List, p)
		topic.add(&p)
		what.add(&p)
		if p.Last.After(topic.Last) {
			topic.Last = p.Last
		}
	}
	return what
}

func partitionOf(q *blocklog.PartitionSummary) partitionStats {
	p := partitionStats{Partition: q.Producer, Tail: q.Tail, Head: max(q.Next, 1) - 1, Records: q.Records, Bytes: q.Content,
		Blocks: q.Blocks, Missing: q.Next - q.Tail - q.Records, Differs: q.Conflicts, SetAside: q.SetAside,
		Last: time.UnixMilli(q.Updated).UTC()}
	for _, h := range q.Holes {
		p.Holes = append(p.Holes, rangeJSON{q.Topic, q.Producer, h.First, h.Next - 1})
	}
	return p
}

func (s *storeStats) total() *table {
	t := newTable("STORE", ">FORMAT", ">ON DISK", ">TOPICS", ">PARTITIONS", ">RECORDS", ">BYTES", ">MISSING", ">DIFFERS", ">SET ASIDE")
	t.add(s.Address, number(uint64(s.Format)), humanBytes(s.DiskBytes), number(uint64(len(s.Topics))), number(uint64(s.Partitions)),
		humanCount(s.Records), humanBytes(s.Bytes), humanCount(s.Missing), number(uint64(s.Differs)), number(uint64(s.SetAside)))
	return t
}

func (s *storeStats) topics() *table {
	t, now := newTable("TOPIC", ">PARTITIONS", ">RECORDS", ">BYTES", ">MISSING", ">DIFFERS", ">SET ASIDE", ">LAST"), time.Now()
	for _, v := range s.Topics {
		t.add(humanName(v.Topic), number(uint64(v.Partitions)), humanCount(v.Records), humanBytes(v.Bytes),
			humanCount(v.Missing), number(uint64(v.Differs)), number(uint64(v.SetAside)), humanAge(&v.Last, now))
	}
	return t
}

func (s *storeStats) partitions() *table {
	t := newTable("TOPIC", "PARTITION", ">TAIL", ">HEAD", ">RECORDS", ">BYTES", ">MISSING", "HOLES")
	for _, v := range s.Topics {
		for _, p := range v.List {
			holes := "-"
			if n := len(p.Holes); n > 0 {
				holes = humanRange(p.Holes[0].First, p.Holes[0].Last)
				if n > 1 {
					holes += fmt.Sprintf(" and %d more", n-1)
				}
			}
			t.add(humanName(v.Topic), p.Partition, number(p.Tail), number(p.Head), humanCount(p.Records), humanBytes(p.Bytes),
				humanCount(p.Missing), holes)
		}
	}
	return t
}
