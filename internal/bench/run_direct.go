package bench

import (
	"slices"
	"sync"

	"github.com/beckmesh/beck/internal/procs"
)

// Records that no store keeps must not get further ahead of the slowest
// consumer than the producer's window reaches back, so that what a consumer had
// no room for can still be fetched: aheadBytes is less than the default window
// of 64 MiB, counting each record with its header.
const (
	aheadBytes   = 48 << 20
	headerAround = 256
)

// runDirect measures from the first Publish until every consumer has checked
// its last record.
func (r *run) runDirect() error {
	credit := newCredit(r.c)
	consumers, err := r.startConsumers(credit)
	if err != nil {
		return err
	}
	role := r.node
	role.Credit, role.Links = true, r.c.Consumers
	if r.c.Mode == Latency {
		role.Rate = r.c.Rate
	}
	producers, err := r.startProducers(role, func(int, uint64) {})
	if err != nil {
		return err
	}
	all := slices.Concat(consumers, producers)
	if err := awaitReady(all); err != nil {
		return err
	}
	r.enter("records arrive", r.c.Count)
	r.letGo(all...)
	credit.begin(producers)
	sent, err := awaitTimes(producers)
	if err != nil {
		return err
	}
	got, err := awaitTimes(consumers)
	if err != nil {
		return err
	}
	r.report.Took(float64(got.End-sent.Begin)/1e9, r.c.Count*uint64(r.c.Consumers))
	r.report.Latency = got.Latency
	return r.use(all...)
}

func (r *run) startConsumers(credit *credit) (list []*procs.Process, err error) {
	role := r.node
	role.Role = roleConsumer
	for i := range r.c.Consumers {
		p, err := r.start(role, func(n uint64) { r.reach(credit.arrived(i, n)) })
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, nil
}

// credit tells producers how many records they may send: each an equal part of
// what the slowest consumer has, and of what may be on its way. So no producer
// can be further ahead of what the consumers have of it than all of that.
type credit struct {
	ahead uint64 // records that may be on their way

	mu        sync.Mutex
	counts    []uint64 // what each consumer has
	producers []*procs.Process
}

func newCredit(c Config) *credit {
	return &credit{
		ahead:  max(uint64(c.Producers), uint64(aheadBytes/(c.Size+headerAround))),
		counts: make([]uint64, c.Consumers),
	}
}

// begin gives the first credit.
func (c *credit) begin(producers []*procs.Process) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.producers = producers
	c.give()
}

// arrived notes what a consumer has, and returns what all have.
func (c *credit) arrived(consumer int, n uint64) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := slices.Min(c.counts)
	c.counts[consumer] = n
	after := slices.Min(c.counts)
	if after > before {
		c.give()
	}
	return after
}

// give needs the lock.
func (c *credit) give() {
	if len(c.producers) == 0 {
		return
	}
	each := (slices.Min(c.counts) + c.ahead) / uint64(len(c.producers))
	for _, p := range c.producers {
		p.Credit(max(each, 1))
	}
}
