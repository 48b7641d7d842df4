//go:build unix

package chaos

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/consumer"
)

const commitEvery = 100 * time.Millisecond

// saver commits what a consumer has reported, every so often.
type saver struct {
	consumer *consumer.Consumer
	out      *reporter

	mu    sync.Mutex
	fresh map[place]uint64 // behind what was reported, since it was taken last
}

// finish takes what was polled and reported.
func (k *saver) finish(records []beck.Record) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for i := range records {
		k.fresh[place{records[i].Topic, records[i].Partition}] = records[i].Offset + 1
	}
}

// run returns nil when ctx or the consumer ends.
func (k *saver) run(ctx context.Context) error {
	tick := time.NewTicker(commitEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := k.commit(ctx); err != nil {
			if ctx.Err() != nil || errors.Is(err, beck.ErrClosed) || errors.Is(err, beck.ErrNameInUse) {
				return nil // Poll says so
			}
			return fmt.Errorf("saver: %w", err)
		}
	}
}

// commit reports what Commit says is saved.
func (k *saver) commit(ctx context.Context) error {
	k.mu.Lock()
	places := k.fresh
	k.fresh = make(map[place]uint64)
	k.mu.Unlock()
	if len(places) == 0 {
		return nil
	}
	offsets := make([]beck.Offset, 0, len(places))
	for p, next := range places {
		offsets = append(offsets, beck.Offset{Topic: p.topic, Partition: p.partition, Offset: next - 1})
	}
	if err := k.consumer.Commit(ctx, offsets...); err != nil {
		return err
	}
	for p, next := range places {
		k.out.line("saved", p.topic, p.partition, next)
	}
	return nil
}
