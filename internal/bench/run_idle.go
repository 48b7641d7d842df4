package bench

import (
	"time"

	"github.com/beckmesh/beck/internal/procs"
)

// settling is how long a mesh is left alone before it counts as idle, unless it is
// looked at for less: until then its nodes still tell each other what is new.
const settling = 15 * time.Second

// runIdle has every producer publish one record to every consumer, lets the mesh
// come to rest, and measures the processor time of all nodes while nothing
// happens.
func (r *run) runIdle() error {
	x, err := r.exchange()
	if err != nil {
		return err
	}
	all := r.with(x.all...)
	r.report.Count = uint64(len(all))
	if err := r.pass("the mesh comes to rest", min(settling, r.c.Over)); err != nil {
		return err
	}
	before, err := usages(all)
	if err != nil {
		return err
	}
	began := time.Now()
	if err := r.pass("nothing happens", r.c.Over); err != nil {
		return err
	}
	after, err := usages(all)
	if err != nil {
		return err
	}
	r.report.Seconds = time.Since(began).Seconds()
	for i, p := range all {
		r.report.AddUsage(p.Name, after[i].CPUSeconds-before[i].CPUSeconds, after[i].PeakRSS)
	}
	return nil
}

func usages(list []*procs.Process) (all []procs.Usage, err error) {
	for _, p := range list {
		u, err := p.Usage()
		if err != nil {
			return nil, err
		}
		all = append(all, u)
	}
	return all, nil
}

// pass lets time pass. Now and then a process is asked whether it is there, since
// none says anything by itself.
func (r *run) pass(phase string, d time.Duration) error {
	end := time.Now().Add(d)
	r.enter(phase, uint64(d.Seconds()))
	tick := time.NewTicker(min(time.Second, r.c.Patience/2))
	defer tick.Stop()
	for now := time.Now(); now.Before(end); now = time.Now() {
		select {
		case <-tick.C:
		case <-time.After(end.Sub(now)):
		case <-r.group.Context().Done():
		}
		if _, err := r.with()[0].Usage(); err != nil {
			return err
		}
		r.reach(uint64(max(0, (d - time.Until(end)).Seconds())))
	}
	return nil
}
