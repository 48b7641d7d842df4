package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/beckmesh/beck/internal/procs"
	"github.com/beckmesh/beck/internal/workload"
)

// dafkaReplay is the most that is replayed: a C consumer stops soon behind it.
const dafkaReplay = 100_000

// dafka is the C implementation of the protocol, measured by the tools that
// come with it.
func dafka() system {
	return system{
		name: "C Dafka", modes: []string{direct, store, replay},
		note: "its own dafka_perf_store and dafka_perf_consumer, which check nothing and time themselves; acknowledged before it is synced; replay of at most 100,000 records, beyond which it stops",
		missing: func() string {
			for _, p := range []string{"dafka_towerd", "dafka_stored", "dafka_perf_store", "dafka_perf_consumer"} {
				if _, err := exec.LookPath(p); err != nil {
					return p + " is not on PATH"
				}
			}
			return ""
		},
		run: runDafkaMesh,
	}
}

// dafkaMesh is the processes of one run.
type dafkaMesh struct {
	group  *procs.Group
	work   work
	config string // file
	report *workload.Report
}

func runDafkaMesh(ctx context.Context, w work) (*workload.Report, error) {
	if w.mode == replay {
		w.count = min(w.count, dafkaReplay)
	}
	g := procs.NewGroup(ctx)
	defer g.Close()
	defer g.Watch(patience, func() error { return errStalled })()
	m := &dafkaMesh{group: g, work: w, report: &workload.Report{
		Mode: w.mode, Count: w.count, Size: w.size, Producers: 1, Consumers: 1, Topics: 1,
	}}
	servers, err := m.startServers()
	if err != nil {
		return nil, err
	}
	switch w.mode {
	case direct:
		return m.report, m.direct(servers)
	default:
		return m.report, m.stored(servers)
	}
}

// startServers starts a tower, and a store where one is needed.
func (m *dafkaMesh) startServers() (list []*procs.Process, err error) {
	sub, err := freeAddr()
	if err != nil {
		return nil, err
	}
	pub, err := freeAddr()
	if err != nil {
		return nil, err
	}
	m.config = filepath.Join(m.work.dir, "dafka.zpl")
	begin := "earliest"
	if m.work.mode == direct {
		begin = "latest"
	}
	text := fmt.Sprintf(dafkaConfig, sub, pub, sub, pub, filepath.Join(m.work.dir, "storedb"), begin)
	if err := os.WriteFile(m.config, []byte(text), 0o666); err != nil {
		return nil, err
	}
	programs := []role{{Kind: "program", Await: sub, Other: []string{"dafka_towerd", "-c", m.config}}}
	if m.work.mode != direct {
		programs = append(programs, role{Kind: "program", Await: sub, Other: []string{"dafka_stored", "-c", m.config}})
	}
	for i, r := range programs {
		r.Dir = m.work.dir
		p, err := start(m.group, []string{"tower", "store"}[i], r, nil)
		if err != nil {
			return nil, err
		}
		if err := p.AwaitReady(nil); err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	time.Sleep(dafkaSettle)
	return list, nil
}

// dafkaSettle is how long C nodes are given to find each other. They cannot be
// asked, and give themselves as much.
const dafkaSettle = 1500 * time.Millisecond

// dafkaConfig keeps all nodes on loopback, and says where consumers begin.
const dafkaConfig = `beacon
    address = "127.0.0.1"
    sub_address = "tcp://%s"
    pub_address = "tcp://%s"
tower
    sub_address = "tcp://%s"
    pub_address = "tcp://%s"
store
    db = "%s"
consumer
    offset
        reset = "%s"
`

// tool starts one of the tools.
func (m *dafkaMesh) tool(name, program string) (*procs.Process, error) {
	p, err := start(m.group, name, role{
		Kind: "dafka", Dir: m.work.dir,
		Other: []string{program, "-c", m.config, strconv.FormatUint(m.work.count, 10), strconv.Itoa(m.work.size)},
	}, nil)
	if err != nil {
		return nil, err
	}
	return p, p.AwaitReady(nil)
}

// direct measures what the consumer says.
func (m *dafkaMesh) direct(servers []*procs.Process) error {
	consumer, err := m.tool("consumer", "dafka_perf_consumer")
	if err != nil {
		return err
	}
	time.Sleep(dafkaSettle)
	producer, err := m.tool("producer", "dafka_perf_store")
	if err != nil {
		return err
	}
	return m.take(consumer, append(servers, producer, consumer)...)
}

// stored measures what the producer says, or what a consumer says that comes
// when the producer has gone.
func (m *dafkaMesh) stored(servers []*procs.Process) error {
	producer, err := m.tool("producer", "dafka_perf_store")
	if err != nil {
		return err
	}
	if m.work.mode == store {
		return m.take(producer, append(servers, producer)...)
	}
	if err := producer.AwaitDone(nil); err != nil {
		return err
	}
	producer.Stop()
	consumer, err := m.tool("consumer", "dafka_perf_consumer")
	if err != nil {
		return err
	}
	return m.take(consumer, append(servers, consumer)...)
}

// take waits for the rate that a tool says, and adds what all have used since
// they started.
func (m *dafkaMesh) take(tool *procs.Process, all ...*procs.Process) error {
	var perSecond float64
	if err := tool.AwaitDone(&perSecond); err != nil {
		return err
	}
	m.report.Took(float64(m.work.count)/perSecond, m.work.count)
	for _, p := range all {
		u, err := p.Usage()
		if err != nil {
			return err
		}
		m.report.AddUsage(p.Name, u.CPUSeconds, u.PeakRSS)
	}
	return nil
}

// runDafka looks after one tool, whose result is the rate that it prints when
// it ends.
func runDafka(r role, w *procs.Worker) error {
	p := newProgram(r.Other, r.Dir)
	var out bytes.Buffer // read when the tool has ended
	p.cmd.Stdout = &out
	if err := p.start(); err != nil {
		return err
	}
	defer p.stop()
	w.Measure(p.usage)
	if err := w.Ready(ready{}); err != nil {
		return err
	}
	select {
	case <-p.exited:
	case <-w.Context().Done():
		return procs.ErrParent
	}
	perSecond := dafkaRate(out.String())
	if p.err != nil || perSecond <= 0 {
		return errors.Join(fmt.Errorf("%s printed no rate", p.name), p.err)
	}
	return w.Done(perSecond)
}

// dafkaRate returns the records per second that a tool printed; 0 for none.
func dafkaRate(text string) (perSecond float64) {
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(line, "mean throughput: ")
		if number, unit, _ := strings.Cut(strings.TrimSpace(rest), " "); ok && unit == "[msg/s]" {
			perSecond, _ = strconv.ParseFloat(number, 64)
		}
	}
	return perSecond
}
