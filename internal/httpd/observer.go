package httpd

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/beckmesh/beck/internal/survey"
)

const (
	freshTime   = time.Second      // for so long what was seen is good enough
	watchTime   = 30 * time.Second // so long after the last question the observer leaves
	patience    = 2 * time.Second  // how long a node may be silent
	mostWatched = 1 << 17          // partitions, each as often as nodes tell of it
)

// observer looks at the mesh while somebody asks: the first question has it join,
// and it leaves when nobody has asked for watchTime. Who asks while it looks is
// given what it sees then.
type observer struct {
	cfg  survey.Config
	ctx  context.Context // ends with the server
	done sync.WaitGroup

	mu     sync.Mutex
	closed bool
	survey *survey.Survey // nil while nobody asks
	seen   *survey.Snapshot
	at     time.Time     // when it was seen
	look   *glance       // the one under way
	leave  *time.Timer   // nil before the first question
	watch  time.Duration // watchTime, less in tests
}

// glance is one look at the mesh.
type glance struct {
	over chan struct{} // closed when it has ended
	snap *survey.Snapshot
	err  error
}

func newObserver(ctx context.Context, c survey.Config) *observer {
	c.Partitions, c.Ranges, c.Readers, c.Positions = true, true, true, true
	c.Patience, c.MaxPartitions = patience, mostWatched
	return &observer{cfg: c, ctx: ctx, watch: watchTime}
}

// snapshot returns what the mesh was like at most a second ago. It belongs to many:
// it must not be changed.
func (o *observer) snapshot(ctx context.Context) (*survey.Snapshot, error) {
	g, seen := o.begin()
	if seen != nil {
		return seen, nil
	}
	select {
	case <-g.over:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if errors.Is(g.err, survey.ErrNoTower) {
		return nil, errNoTower
	}
	return g.snap, g.err
}

// begin returns what was seen if it is fresh, else the look that is under way.
func (o *observer) begin() (*glance, *survey.Snapshot) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.closed:
		g := &glance{over: make(chan struct{}), err: context.Canceled}
		close(g.over)
		return g, nil
	case o.leave == nil:
		o.leave = time.AfterFunc(o.watch, o.idle)
	default:
		o.leave.Reset(o.watch)
	}
	if o.seen != nil && time.Since(o.at) < freshTime {
		return nil, o.seen
	}
	if o.look == nil {
		o.look = &glance{over: make(chan struct{})}
		o.done.Go(o.run)
	}
	return o.look, nil
}

// run is one look.
func (o *observer) run() {
	o.mu.Lock()
	g, s := o.look, o.survey
	o.mu.Unlock()
	if s == nil {
		s, g.err = survey.Start(o.cfg)
		if g.err == nil {
			g.err = s.Wait(o.ctx)
		}
	} else {
		g.err = s.Round(o.ctx)
	}
	if g.err == nil {
		g.snap = s.Snapshot(true)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.survey, o.look = s, nil
	if g.err == nil {
		o.seen, o.at = g.snap, time.Now()
	}
	close(g.over)
}

// idle leaves the mesh.
func (o *observer) idle() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.look == nil {
		o.drop()
	} else if !o.closed {
		o.leave.Reset(o.watch)
	}
}

// drop needs the lock.
func (o *observer) drop() {
	if o.survey != nil {
		_ = o.survey.Close() // it has nothing to say
	}
	o.survey, o.seen = nil, nil
}

// close leaves the mesh for good, and waits until that is done.
func (o *observer) close() {
	o.mu.Lock()
	o.closed = true
	if o.leave != nil {
		o.leave.Stop()
	}
	o.mu.Unlock()
	o.done.Wait()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.drop()
}
