package bench

import (
	"slices"

	"github.com/beckmesh/beck/internal/procs"
	"github.com/beckmesh/beck/internal/workload"
)

// runDirect measures from the first Publish until every consumer has checked
// its last record.
func (r *run) runDirect() error {
	x, err := r.exchange()
	if err != nil {
		return err
	}
	r.report.Took(float64(x.got.End-x.sent.Begin)/1e9, r.c.Count*uint64(r.c.Consumers))
	r.report.Latency = x.got.Latency
	if r.report.Scrapes, r.report.Exports, err = r.watch.end(); err != nil {
		return err
	}
	return r.use(x.all...)
}

// exchange is producers that have sent everything to consumers that have checked
// it, and are all still there.
type exchange struct {
	all       []*procs.Process
	sent, got times
}

func (r *run) exchange() (x exchange, err error) {
	credit := workload.NewCredit(r.c.shape(), r.c.Consumers)
	consumers, err := r.startConsumers(credit)
	if err != nil {
		return x, err
	}
	role := r.node
	role.Credit, role.Links = true, r.c.Consumers
	if r.c.Mode == Latency {
		role.Rate = r.c.Rate
	}
	producers, err := r.startProducers(role, func(int, uint64) {})
	if err != nil {
		return x, err
	}
	x.all = slices.Concat(consumers, producers)
	if err := r.awaitReady(x.all); err != nil {
		return x, err
	}
	r.enter("records arrive", r.c.Count)
	r.letGo(x.all...)
	r.watch.begin()
	credit.Begin(func(each uint64) {
		for _, p := range producers {
			p.Credit(each)
		}
	})
	if x.sent, err = awaitTimes(producers); err != nil {
		return x, err
	}
	x.got, err = awaitTimes(consumers)
	return x, err
}

func (r *run) startConsumers(credit *workload.Credit) (list []*procs.Process, err error) {
	role := r.node
	role.Role = roleConsumer
	for i := range r.c.Consumers {
		p, err := r.start(role, func(n uint64) { r.reach(credit.Arrived(i, n)) })
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, nil
}
