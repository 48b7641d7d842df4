package bench

import (
	"slices"
	"sync"

	"github.com/beckmesh/beck/internal/procs"
)

// runStore measures from the first Publish to the last acknowledgement, and
// then reads everything back.
func (r *run) runStore() error {
	producers, err := r.readyProducers()
	if err != nil {
		return err
	}
	took, err := r.publish(producers)
	if err != nil {
		return err
	}
	r.report.Took(float64(took.End-took.Begin)/1e9, r.c.Count)
	if err := r.use(producers...); err != nil {
		return err
	}
	stop(producers)
	_, _, err = r.readBack("reading back")
	return err
}

// runReplay measures from the first record that a new consumer gets to its
// last.
func (r *run) runReplay() error {
	producers, err := r.readyProducers()
	if err != nil {
		return err
	}
	if _, err := r.publish(producers); err != nil {
		return err
	}
	stop(producers)
	r.letGo()
	consumer, got, err := r.readBack("records arrive")
	if err != nil {
		return err
	}
	r.report.Took(float64(got.End-got.Begin)/1e9, r.c.Count)
	r.report.SecondsFromStart = float64(got.End-consumer.Started.UnixNano()) / 1e9
	return r.use(consumer)
}

// readyProducers starts the producers that fill the store.
func (r *run) readyProducers() ([]*procs.Process, error) {
	role := r.node
	role.Acks, role.Links = 1, 1
	counts := make([]uint64, r.c.Producers)
	var mu sync.Mutex
	producers, err := r.startProducers(role, func(i int, n uint64) {
		mu.Lock()
		defer mu.Unlock()
		counts[i] = n
		var sum uint64
		for _, n := range counts {
			sum += n
		}
		r.reach(sum)
	})
	if err != nil {
		return nil, err
	}
	return producers, r.awaitReady(producers)
}

// publish lets the producers go and waits until everything is acknowledged.
func (r *run) publish(producers []*procs.Process) (times, error) {
	r.enter("records are stored", r.c.Count)
	r.letGo(producers...)
	return awaitTimes(producers)
}

// readBack lets a new consumer read and check everything.
func (r *run) readBack(phase string) (*procs.Process, times, error) {
	r.enter(phase, r.c.Count)
	role := r.node
	role.Role, role.ToEnd = roleConsumer, true
	consumer, err := r.start(role, r.reach)
	if err != nil {
		return nil, times{}, err
	}
	got, err := awaitTimes([]*procs.Process{consumer})
	return consumer, got, err
}

func stop(list []*procs.Process) {
	for _, p := range slices.Backward(list) {
		p.Stop()
	}
}
