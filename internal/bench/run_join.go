package bench

import (
	"time"

	"github.com/beckmesh/beck/internal/procs"
	"github.com/beckmesh/beck/internal/workload"
)

// runJoin starts consumers, one after the other, beside a producer that
// publishes steadily, and measures from the start of each process to the first
// record that it has.
func (r *run) runJoin() error {
	role := r.node
	role.Rate, role.Links = r.c.Rate, 1
	producers, err := r.startProducers(role, func(int, uint64) {})
	if err != nil {
		return err
	}
	if err := r.awaitReady(producers); err != nil {
		return err
	}
	r.letGo(producers...)
	r.enter("consumers join", r.c.Count)
	var delays workload.Histogram
	var sum time.Duration
	for i := range r.c.Count {
		took, err := r.joinOnce()
		if err != nil {
			return err
		}
		delays.Add(took)
		sum += took
		r.reach(i + 1)
	}
	r.report.Seconds = sum.Seconds()
	r.report.Latency = delays.Latency()
	return r.use(producers...)
}

func (r *run) joinOnce() (time.Duration, error) {
	role := r.node
	role.Role, role.First = roleConsumer, true
	consumer, err := r.start(role, nil)
	if err != nil {
		return 0, err
	}
	defer consumer.Stop()
	got, err := awaitTimes([]*procs.Process{consumer})
	if err != nil {
		return 0, err
	}
	u, err := consumer.Usage()
	if err != nil {
		return 0, err
	}
	r.report.AddUsage(consumer.Name, u.CPUSeconds, u.PeakRSS)
	return time.Duration(got.End - consumer.Started.UnixNano()), nil
}
