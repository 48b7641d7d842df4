package bench

import (
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/consumer"
	"github.com/beckmesh/beck/internal/httpd"
	"github.com/beckmesh/beck/internal/procs"
	"github.com/beckmesh/beck/internal/workload"
)

const (
	pollRecords   = 1024
	progressEvery = 5 * time.Millisecond // it also is what producers get their credit from
)

// errClock says that a record arrived before it was sent.
var errClock = errors.New("the clock was set back during the run")

func (r Role) consume(w *procs.Worker) error {
	c := consumer.DefaultConfig()
	c.NodeConfig, c.Topics = r.node(), r.topics()
	// From the beginning, even of records still to be published: the topics are
	// new, and a record may be published before a link has its subscriptions.
	c.Start, c.StopAtEnd = consumer.Earliest, r.ToEnd
	c.ReuseValues = true // each is checked, and that is that
	if r.First {
		c.Start = consumer.Latest
	}
	gaps := make(chan consumer.Gap, 1)
	c.OnGap = func(g consumer.Gap) {
		if g.Kind == consumer.Skipped || g.Kind == consumer.Expired {
			select {
			case gaps <- g:
			default:
			}
		}
	}
	con, err := consumer.Start(c)
	if err != nil {
		return err
	}
	defer con.Close()
	h, err := r.serve(func(d *httpd.Daemon) { d.Metrics = append(d.Metrics, httpd.ConsumerMetrics(con)) })
	if err != nil {
		return err
	}
	defer h.Close()
	t := &taker{role: r, url: h.URL(), worker: w, consumer: con, payloads: workload.NewPayloads(r.Shape), gaps: gaps}
	t.records = make([]beck.Record, pollRecords)
	result, err := t.run()
	if err != nil {
		return err
	}
	return w.Done(result)
}

// taker takes what arrives at one consumer.
type taker struct {
	role     Role
	url      string // of its metrics; "" for none
	worker   *procs.Worker
	consumer *consumer.Consumer
	payloads *workload.Payloads
	gaps     chan consumer.Gap // records that will never come
	records  []beck.Record     // of one poll

	checker  *workload.Checker
	delays   workload.Histogram
	count    atomic.Uint64 // arrived and right
	begin    time.Time     // of the first record
	lastTook time.Time
}

func (t *taker) run() (times, error) {
	if t.role.First {
		return t.first()
	}
	t.checker = workload.NewChecker(t.payloads)
	if !t.role.ToEnd {
		if err := t.consumer.Ready(t.worker.Context()); err != nil {
			return times{}, err
		}
	}
	if err := t.worker.Ready(served{t.url}); err != nil {
		return times{}, err
	}
	defer t.worker.Follow(progressEvery, t.count.Load)()
	for t.checker.Left() > 0 {
		if err := t.step(); err != nil {
			return times{}, err
		}
	}
	if err := t.atEnd(); err != nil {
		return times{}, err
	}
	result := times{Begin: t.begin.UnixNano(), End: t.lastTook.UnixNano()}
	if t.role.Shape.Timed {
		result.Latency = t.delays.Latency()
	}
	return result, nil
}

// step takes and checks what is there.
func (t *taker) step() error {
	n, err := t.consumer.PollInto(t.worker.Context(), t.records)
	records := t.records[:n]
	if errors.Is(err, io.EOF) {
		return t.checker.Missing()
	}
	if err != nil {
		return err
	}
	if t.begin.IsZero() || t.role.Shape.Timed {
		t.lastTook = time.Now()
	}
	if t.begin.IsZero() {
		t.begin = t.lastTook
	}
	if err := t.check(records); err != nil {
		return err
	}
	t.count.Add(uint64(len(records)))
	if t.checker.Left() == 0 && !t.role.Shape.Timed {
		t.lastTook = time.Now()
	}
	select {
	case g := <-t.gaps:
		return fmt.Errorf("%w: %s", workload.ErrLost, g)
	default:
		return nil
	}
}

// check checks records that the application was given at lastTook.
func (t *taker) check(records []beck.Record) error {
	for i := range records {
		if err := t.checker.Check(records[i].Value); err != nil {
			return err
		}
		if !t.role.Shape.Timed {
			continue
		}
		delay := time.Duration(t.lastTook.UnixNano() - workload.Time(records[i].Value))
		if delay < 0 {
			return errClock
		}
		t.delays.Add(delay)
	}
	return nil
}

// atEnd sees to it that nothing comes behind the last record, where there is
// an end.
func (t *taker) atEnd() error {
	if !t.role.ToEnd {
		return nil
	}
	extra, err := t.consumer.Poll(t.worker.Context(), 1)
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return err
	}
	return fmt.Errorf("%w: %s", workload.ErrAgain, extra[0].Topic)
}

// first waits for one record.
func (t *taker) first() (times, error) {
	records, err := t.consumer.Poll(t.worker.Context(), 1)
	now := time.Now().UnixNano()
	if err != nil {
		return times{}, err
	}
	if _, _, err := t.payloads.Verify(records[0].Value); err != nil {
		return times{}, err
	}
	return times{Begin: now, End: now}, nil
}
