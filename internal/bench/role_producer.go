package bench

import (
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/httpd"
	"github.com/beckmesh/beck/internal/procs"
	"github.com/beckmesh/beck/internal/workload"
	"github.com/beckmesh/beck/producer"
)

const (
	batchBytes = 1 << 20 // most that is handed over at once
	linkPoll   = 2 * time.Millisecond
	ackPoll    = 50 * time.Millisecond // how often a count of acknowledgements is told
)

func (r Role) produce(w *procs.Worker) error {
	c := producer.DefaultConfig()
	c.NodeConfig, c.MinStoreAcks = r.node(), r.Acks
	c.Linger = 0 // who stops us has got everything, or gives up
	p, err := producer.Start(c)
	if err != nil {
		return err
	}
	defer p.Close()
	if err := r.awaitLinks(w, p); err != nil {
		return err
	}
	h, err := r.serve(func(d *httpd.Daemon) { d.Metrics = append(d.Metrics, httpd.ProducerMetrics(p, c.WindowBytes)) })
	if err != nil {
		return err
	}
	defer h.Close()
	if err := w.Ready(served{h.URL()}); err != nil {
		return err
	}
	if err := w.AwaitGo(); err != nil {
		return err
	}
	if r.Acks > 0 {
		defer w.Follow(ackPoll, func() uint64 { return p.Stats().Stored })()
	}
	result, err := r.publishAll(w, p)
	if err != nil {
		return err
	}
	return w.Done(result)
}

// awaitLinks waits until all nodes of the run listen to this one.
func (r Role) awaitLinks(w *procs.Worker, p *producer.Producer) error {
	tick := time.NewTicker(linkPoll)
	defer tick.Stop()
	for p.Stats().Links < r.Links {
		select {
		case <-tick.C:
		case <-w.Context().Done():
			return procs.ErrParent
		}
	}
	return nil
}

// publishAll publishes the producer's share, and waits for acknowledgements
// where that was asked for.
func (r Role) publishAll(w *procs.Worker, p *producer.Producer) (times, error) {
	f := newFeed(r, w, p)
	begin := time.Now()
	for f.seq < f.end {
		if err := f.step(); err != nil {
			return times{}, err
		}
	}
	if r.Acks > 0 {
		if err := p.Flush(w.Context()); err != nil {
			return times{}, err
		}
	}
	return times{Begin: begin.UnixNano(), End: time.Now().UnixNano()}, nil
}

// feed makes and publishes the records of one producer.
type feed struct {
	role     Role
	worker   *procs.Worker
	producer *producer.Producer
	payloads *workload.Payloads
	topics   []string
	pacer    *workload.Pacer // nil without a rate
	records  []beck.Record   // of one batch: made once, filled anew for every batch
	seq, end uint64
	credit   uint64 // the first record that may not be sent yet
}

func newFeed(r Role, w *procs.Worker, p *producer.Producer) *feed {
	batch := max(1, min(r.Batch, batchBytes/r.Shape.Size))
	f := &feed{
		role: r, worker: w, producer: p, payloads: workload.NewPayloads(r.Shape), topics: r.topics(),
		end: r.Shape.Share(r.Index),
	}
	if r.Rate > 0 {
		batch = 1
		f.pacer = workload.NewPacer(r.Rate)
	}
	if !r.Credit {
		f.credit = f.end
	}
	f.records = make([]beck.Record, batch)
	values := make([]byte, batch*r.Shape.Size)
	for i := range f.records {
		f.records[i] = beck.Record{Topic: f.topics[0], Value: values[i*r.Shape.Size:][:r.Shape.Size]}
	}
	return f
}

// step publishes one batch.
func (f *feed) step() (err error) {
	if f.seq >= f.credit {
		if f.credit, err = f.worker.AwaitCredit(f.seq); err != nil {
			return err
		}
	}
	if f.pacer != nil {
		f.pacer.Wait()
		if f.worker.Context().Err() != nil {
			return procs.ErrParent
		}
	}
	records := f.fill()
	if f.pacer == nil {
		return f.producer.PublishBatch(f.worker.Context(), records)
	}
	for _, r := range records {
		if f.role.Shape.Timed {
			workload.SetTime(r.Value, time.Now())
		}
		if err := f.producer.Publish(f.worker.Context(), r); err != nil {
			return err
		}
	}
	return nil
}

// fill makes the next batch. What a record of it keeps from the batch before is
// not written again: this is measured together with the producer.
func (f *feed) fill() []beck.Record {
	end := min(f.seq+uint64(len(f.records)), f.end, f.credit)
	n := 0
	for ; f.seq < end; f.seq++ {
		if f.role.Lose != nil && *f.role.Lose == f.seq {
			continue
		}
		r := &f.records[n]
		n++
		f.payloads.Fill(r.Value, f.role.Index, f.seq)
		if len(f.topics) > 1 {
			r.Topic = f.topics[f.role.Shape.Topic(f.seq)]
		}
	}
	return f.records[:n]
}
