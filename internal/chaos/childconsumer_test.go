//go:build unix

package chaos

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/consumer"
)

const polledAtOnce = 1024

// place is a partition.
type place struct{ topic, partition string }

// run is consecutive records of a partition, as they were delivered.
type run struct {
	place
	producer   int // whose values they are
	first, end uint64
}

// runConsumer goes on under its name until ctx ends. A name that is taken, since
// its last holder was killed a moment ago, and stores that do not answer it waits
// out.
func runConsumer(ctx context.Context, s settings, out *reporter) error {
	for {
		err := consume(ctx, s, out)
		switch {
		case errors.Is(err, errNotBegun) && errors.Is(err, beck.ErrNameInUse):
			out.line("again", "in-use")
		case errors.Is(err, errNotBegun) && errors.Is(err, beck.ErrUnanswered):
			out.line("again", "unanswered")
		default:
			return err
		}
	}
}

// errNotBegun says that a consumer ended before it delivered anything.
var errNotBegun = errors.New("consumer ended before it began")

// consume is a life of a consumer. It reports what it is given, in the order in
// which it is, which values are wrong, and what it has saved.
func consume(ctx context.Context, s settings, out *reporter) error {
	c, err := startConsumer(s, out, false)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go logStats(ctx, s, c)
	began := sync.OnceFunc(func() { out.line("began", c.Stats().StoresRead) })
	go func() {
		if c.Ready(ctx) == nil {
			began()
			out.line("asked")
		}
	}()
	k := &saver{consumer: c, out: out, fresh: make(map[place]uint64)}
	go func() {
		if err := k.run(ctx); err != nil {
			cancel(err)
		}
	}()
	var t taster
	for delivered := false; ; delivered = true {
		records, err := c.Poll(ctx, polledAtOnce)
		if len(records) > 0 {
			began()
		}
		t.taste(records, out)
		k.finish(records)
		if err != nil {
			if !delivered {
				err = errors.Join(errNotBegun, err)
			}
			return errors.Join(unlessEnded(ctx, err), c.Close())
		}
	}
}

// logStats logs what the consumer counts, for whoever has to find out what it
// waits for.
func logStats(ctx context.Context, s settings, c *consumer.Consumer) {
	log := s.node().Logger
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		<-tick.C
		log.Debug("stats", "counted", fmt.Sprintf("%+v", c.Stats()))
	}
}

// runReplay reports everything that there is, and a digest of each partition.
func runReplay(ctx context.Context, s settings, out *reporter) error {
	c, err := startConsumer(s, out, true)
	if err != nil {
		return err
	}
	var t taster
	digests := make(map[place]hash.Hash)
	for {
		records, err := c.Poll(ctx, polledAtOnce)
		t.taste(records, out)
		digest(digests, records)
		if err == io.EOF {
			break
		}
		if err != nil {
			return errors.Join(unlessEnded(ctx, err), c.Close())
		}
	}
	for _, p := range slices.SortedFunc(maps.Keys(digests), func(a, b place) int {
		return strings.Compare(a.topic+a.partition, b.topic+b.partition)
	}) {
		out.line("digest", p.topic, p.partition, fmt.Sprintf("%x", digests[p].Sum(nil)[:8]))
	}
	out.line("end")
	return c.Close()
}

func startConsumer(s settings, out *reporter, toEnd bool) (*consumer.Consumer, error) {
	c := consumer.DefaultConfig()
	c.NodeConfig, c.Topics, c.Start, c.StopAtEnd = s.node(), s.Topics, consumer.Earliest, toEnd
	if !toEnd {
		c.SaveAs, c.MinStoreAcks = fmt.Sprint("chaos-", s.Index), storeAcks
	}
	c.OnGap = func(g consumer.Gap) { out.line("gap", g.Kind, g.Topic, g.Partition, g.First, g.Last) }
	con, err := consumer.Start(c)
	if err == nil {
		out.line("hello", con.Address())
	}
	return con, err
}

// unlessEnded is the error, or why ctx ended, if that was not as it should.
func unlessEnded(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	if cause := context.Cause(ctx); cause != context.Canceled {
		return cause
	}
	return nil
}

// taster looks at every value that was delivered.
type taster struct {
	scratch [smallestValue + valueSpread + 8]byte
}

func (t *taster) taste(records []beck.Record, out *reporter) {
	var r run
	for i := range records {
		p := place{records[i].Topic, records[i].Partition}
		producer, err := writer(records[i].Value, t.scratch[:], p.topic, records[i].Offset)
		if err != nil {
			out.line("bad", p.topic, p.partition, records[i].Offset, err)
		}
		if p == r.place && producer == r.producer && records[i].Offset == r.end {
			r.end++
			continue
		}
		r.report(out)
		r = run{p, producer, records[i].Offset, records[i].Offset + 1}
	}
	r.report(out)
}

func (r *run) report(out *reporter) {
	if r.end > r.first {
		out.line("got", r.topic, r.partition, r.producer, r.first, r.end)
	}
}

// digest takes records into the digests of their partitions.
func digest(of map[place]hash.Hash, records []beck.Record) {
	for i := range records {
		p := place{records[i].Topic, records[i].Partition}
		if of[p] == nil {
			of[p] = sha256.New()
		}
		var b [16]byte
		binary.BigEndian.PutUint64(b[:], records[i].Offset)
		binary.BigEndian.PutUint64(b[8:], uint64(len(records[i].Value)))
		of[p].Write(b[:])
		of[p].Write(records[i].Value)
	}
}
