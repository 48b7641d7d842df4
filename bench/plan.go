package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/beckmesh/beck/internal/procs"
	"github.com/beckmesh/beck/internal/workload"
)

// patience is how long a run may make no progress.
const patience = 60 * time.Second

// plan is how a system does its work: which processes there are.
type plan struct {
	server  *role  // what senders and receivers speak to; may be nil
	send    role   // fills
	receive role   // empties
	label   string // of the server in reports; default "server"
}

// errStalled says that a system stopped working.
var errStalled = errors.New("nothing happened any more")

// carry runs a plan.
func (p plan) carry(ctx context.Context, w work) (*workload.Report, error) {
	g := procs.NewGroup(ctx)
	defer g.Close()
	defer g.Watch(patience, func() error { return errStalled })()
	p.send.Shape, p.receive.Shape = w.shape(), w.shape()
	p.send.Rate = 0
	if w.mode == latency {
		p.send.Rate = w.rate
	}
	r := &running{plan: p, work: w, group: g, report: &workload.Report{
		Mode: w.mode, Count: w.count, Size: w.size, Consumers: w.consumers, Producers: 1, Topics: 1,
	}}
	if w.mode == latency {
		r.report.Rate = w.rate
	}
	if err := r.startServer(); err != nil {
		return nil, err
	}
	if w.mode == store || w.mode == replay {
		return r.report, r.viaStore()
	}
	return r.report, r.live()
}

// running is a plan that is carried out.
type running struct {
	plan   plan
	work   work
	group  *procs.Group
	server *procs.Process
	report *workload.Report
}

// start starts a process of this program.
func start(g *procs.Group, name string, r role, progress func(uint64)) (*procs.Process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	return g.Start(name, progress, self, roleCommand, string(text))
}

func (r *running) startServer() (err error) {
	if r.plan.server == nil {
		return nil
	}
	label := r.plan.label
	if label == "" {
		label = "server"
	}
	s := *r.plan.server
	s.Dir = r.work.dir
	if r.server, err = start(r.group, label, s, nil); err != nil {
		return err
	}
	var at ready
	if err := r.server.AwaitReady(&at); err != nil {
		return err
	}
	r.plan.send.Addrs, r.plan.receive.Addrs = []string{at.Addr}, []string{at.Addr}
	return nil
}

// live measures from the first record sent until every receiver has checked
// its last one.
func (r *running) live() error {
	credit := workload.NewCredit(r.work.shape(), r.work.consumers)
	var receivers []*procs.Process
	var addrs []string
	for i := range r.work.consumers {
		p, err := start(r.group, "consumer", r.plan.receive, func(n uint64) { credit.Arrived(i, n) })
		if err != nil {
			return err
		}
		receivers = append(receivers, p)
	}
	for _, p := range receivers {
		var at ready
		if err := p.AwaitReady(&at); err != nil {
			return err
		}
		if at.Addr != "" {
			addrs = append(addrs, at.Addr)
		}
	}
	if len(addrs) > 0 {
		r.plan.send.Addrs = addrs
	}
	sender, err := start(r.group, "producer", r.plan.send, nil)
	if err != nil {
		return err
	}
	if err := sender.AwaitReady(nil); err != nil {
		return err
	}
	all := append(receivers, sender)
	r.letGo(all...)
	credit.Begin(sender.Credit)
	var sent times
	if err := sender.AwaitDone(&sent); err != nil {
		return err
	}
	got, err := awaitAll(receivers)
	if err != nil {
		return err
	}
	r.report.Took(float64(got.End-sent.Begin)/1e9, r.work.count*uint64(r.work.consumers))
	r.report.Latency = got.Latency
	return r.use(all...)
}

// viaStore fills and reads back: mode store measures the first, from the first
// record to the last acknowledgement, mode replay the second, from the first
// record to the last.
func (r *running) viaStore() error {
	r.plan.send.Free, r.plan.send.Dir, r.plan.receive.Dir = true, r.work.dir, r.work.dir
	sender, err := start(r.group, "producer", r.plan.send, nil)
	if err != nil {
		return err
	}
	if err := sender.AwaitReady(nil); err != nil {
		return err
	}
	r.letGo(sender)
	sent, err := awaitAll([]*procs.Process{sender})
	if err != nil {
		return err
	}
	if r.work.mode == store {
		r.report.Took(float64(sent.End-sent.Begin)/1e9, r.work.count)
		if err := r.use(sender); err != nil {
			return err
		}
	}
	sender.Stop()
	r.letGo()
	reader, err := start(r.group, "consumer", r.plan.receive, nil)
	if err != nil {
		return err
	}
	got, err := awaitAll([]*procs.Process{reader})
	if err != nil {
		return err
	}
	if r.work.mode == store {
		return nil
	}
	r.report.Took(float64(got.End-got.Begin)/1e9, r.work.count)
	r.report.SecondsFromStart = float64(got.End-reader.Started.UnixNano()) / 1e9
	return r.use(reader)
}

// letGo starts the measurement for the server and the given processes.
func (r *running) letGo(list ...*procs.Process) {
	if r.server != nil {
		r.server.Go()
	}
	for _, p := range list {
		p.Go()
	}
}

// use adds what the server and the given processes used.
func (r *running) use(list ...*procs.Process) error {
	if r.server != nil {
		list = append(list, r.server)
	}
	for _, p := range list {
		u, err := p.Usage()
		if err != nil {
			return err
		}
		r.report.AddUsage(p.Name, u.CPUSeconds, u.PeakRSS)
	}
	return nil
}

// awaitAll returns when the first of the processes began and the last ended.
func awaitAll(list []*procs.Process) (all times, err error) {
	for i, p := range list {
		var t times
		if err := p.AwaitDone(&t); err != nil {
			return all, fmt.Errorf("%s: %w", p.Name, err)
		}
		if i == 0 {
			all = t
		}
		all.Begin, all.End = min(all.Begin, t.Begin), max(all.End, t.End)
	}
	return all, nil
}
