package consumer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/core"
)

// RemovePositions removes what is saved under c.SaveAs in the mesh: of the topics
// that are named, or of all. The next consumer of the name begins with them as one
// of a new name does. It takes the name for as long as it runs, as a consumer does:
// it fails with ErrNameInUse while another has it, and with ErrUnanswered when the
// stores do not answer within c.StartTimeout. It returns of which topics something
// was removed, sorted, when c.MinStoreAcks stores have that on disk.
func RemovePositions(ctx context.Context, c Config, topics ...string) (removed []string, err error) {
	if c.SaveAs == "" || c.PositionsFile != "" {
		return nil, fmt.Errorf("remove positions: %w: SaveAs must be set, and PositionsFile not", beck.ErrConfig)
	}
	c.Topics, c.StopAtEnd = nil, false
	con, err := Start(c)
	if err != nil {
		return nil, err
	}
	removed, err = con.remove(ctx, topics)
	return removed, errors.Join(err, con.Close())
}

func (c *Consumer) remove(ctx context.Context, topics []string) ([]string, error) {
	if err := c.Ready(ctx); err != nil {
		return nil, err
	}
	defer context.AfterFunc(ctx, c.wake)()
	c.node.Lock()
	defer c.node.Unlock()
	removed := c.pos.remove(topics)
	if len(removed) == 0 {
		return nil, nil
	}
	c.name.log.due = true // a set of all that is left takes the place of what was saved
	c.node.WakeWorkers()
	for c.pos.saving != nil || !c.name.idle() {
		if err := c.gone(); err != nil {
			return nil, err
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("remove positions: not known to be saved: %w", ctx.Err())
		}
		c.more.Wait()
	}
	return removed, nil
}

// remove forgets the positions of topics, without any of all, and returns of which
// there were some.
func (p *progress) remove(topics []string) []string {
	gone := make(map[string]bool)
	maps.DeleteFunc(p.wanted, func(q core.Partition, _ uint64) bool {
		if len(topics) > 0 && !slices.Contains(topics, q.Topic) {
			return false
		}
		gone[q.Topic] = true
		delete(p.saved, q)
		delete(p.dirty, q)
		return true
	})
	return slices.Sorted(maps.Keys(gone))
}
