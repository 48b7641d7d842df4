package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/beckmesh/beck/internal/blocklog"
	"github.com/beckmesh/beck/internal/control"
)

// purging deletes records in the directory of a store, or has the store do it that has
// it open.
type purging struct {
	dir, topic, partition string
	before                uint64
	log                   *slog.Logger

	running *control.Client // nil: the store does not run
	plan    []control.Purged
	stores  []control.Holder
}

// look finds out what goes.
func (p *purging) look(ctx context.Context) error {
	order := blocklog.PurgeOrder{Topic: p.topic, Producer: p.partition, Before: p.before}
	plan, err := blocklog.PlanPurge(p.dir, order, blocklog.Options{})
	for _, q := range plan {
		p.plan = append(p.plan, control.Purged{Partition: q.Producer, Below: q.Below, Records: q.Records})
	}
	if !errors.Is(err, blocklog.ErrInUse) {
		return err
	}
	p.running = control.NewClient(p.dir)
	var failed error
	if p.plan, failed = p.running.Plan(ctx, control.Order{Topic: p.topic, Partition: p.partition, Before: p.before}); failed != nil {
		return inUse(p.dir, err, failed)
	}
	return nil
}

// purge deletes what was shown.
func (p *purging) purge(ctx context.Context) error {
	if p.running != nil {
		err := p.running.Purge(ctx, p.deletion())
		if errors.Is(err, context.Canceled) {
			return fmt.Errorf("interrupted: store %q goes on with it", p.dir)
		}
		if err != nil {
			return fmt.Errorf("store %q: %w", p.dir, err)
		}
		return nil
	}
	plan := make([]blocklog.Purged, len(p.plan))
	for i, q := range p.plan {
		plan[i] = blocklog.Purged{Partition: blocklog.Partition{Topic: p.topic, Producer: q.Partition}, Below: q.Below}
	}
	return blocklog.PurgeDir(p.dir, plan, blocklog.Options{Logger: p.log})
}

func (p *purging) deletion() control.Deletion {
	return control.Deletion{Topic: p.topic, Partitions: p.plan}
}

// lookEvery is the time between two looks at the stores of a mesh.
const lookEvery = 300 * time.Millisecond

// spread looks how far the stores of the mesh are until all are, or it took so long.
func (p *purging) spread(ctx context.Context, wait time.Duration) (err error) {
	over := time.After(wait)
	for {
		if p.stores, err = p.running.Stores(ctx, p.deletion()); err != nil || !slices.ContainsFunc(p.stores, func(s control.Holder) bool { return s.Left > 0 || s.Silent }) {
			return err
		}
		select {
		case <-over:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lookEvery):
		}
	}
}

// purgeReport is what purge prints with -o json.
type purgeReport struct {
	Topic  string           `json:"topic"`
	Purged []control.Purged `json:"purged"`
	Stores []control.Holder `json:"stores,omitempty"` // of the mesh of a store that runs
}

func (p *purging) report() purgeReport { return purgeReport{p.topic, p.plan, p.stores} }

func (p *purging) table() *table {
	t := newTable("PARTITION", ">BELOW", ">RECORDS")
	for _, q := range p.plan {
		t.add(q.Partition, number(q.Below), humanCount(q.Records))
	}
	return t
}
