package httpd

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/consumer"
)

const (
	standardRate = 100     // records a second that a tail shows
	tailRecords  = 1000    // that wait for the browser
	tailBytes    = 4 << 20 // that they take
	flushEvery   = 50 * time.Millisecond
)

// tailRoute answers with a topic's records as they are published.
func (s *Server) tailRoute() route {
	return route{serve: s.tail, stream: true, params: []string{"partition", "key", "contains", "rate", "value_limit"}}
}

// tail is what waits between a consumer and a browser. It is bounded: what there is
// no room for, or is more than the browser wants in a second, is counted and dropped.
type tail struct {
	rate  int
	value int
	match func(*beck.Record) bool
	only  string // the partition; "" for all

	news chan struct{} // there is something to send

	mu      sync.Mutex
	ready   bool
	waiting []*recordJSON
	bytes   int
	gaps    []gapJSON
	dropped uint64
	second  time.Time // that sent is of
	sent    int
	err     error // why nothing more comes
}

func (s *Server) tail(w http.ResponseWriter, r *request) error {
	rate, err := r.number("rate", standardRate, 1, 1000)
	value, err2 := r.number("value_limit", valueLimit, 0, mostOfValue)
	t := &tail{rate: int(rate), value: int(value), news: make(chan struct{}, 1)}
	var err3, err4 error
	t.only, err3 = r.address("partition")
	t.match, err4 = r.matcher()
	c, err5 := s.readerConfig(r.rest)
	if err := cmp.Or(err, err2, err3, err4, err5); err != nil {
		return err
	}
	if r.Method == http.MethodHead {
		return nil
	}
	c.OnGap, c.ReuseValues = t.gap, true
	con, err := consumer.Start(c)
	if err != nil {
		return err
	}
	defer con.Close() // it has saved nothing
	if t.only != "" {
		if err := errors.Join(con.Pause(c.Topics[0]), con.Resume(c.Topics[0], t.only)); err != nil {
			return err
		}
	}
	return t.run(r.Context(), w, con)
}

// run sends what the consumer receives until the browser is gone, or the consumer.
func (t *tail) run(ctx context.Context, w http.ResponseWriter, c *consumer.Consumer) error {
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	defer done.Wait()
	defer cancel()
	out, err := newStream(w)
	if err != nil {
		return nil // nobody is there
	}
	done.Go(func() { t.receive(ctx, c) })
	done.Go(func() {
		if c.Ready(ctx) == nil {
			t.tell(func() { t.ready = true })
		}
	})
	ping, rest := time.NewTicker(pingEvery), time.NewTimer(0)
	defer ping.Stop()
	defer rest.Stop()
	var news <-chan struct{} // nil for a moment after each flush
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ping.C:
			err = out.ping()
		case <-rest.C:
			news = t.news
		case <-news:
			news = nil
			rest.Reset(flushEvery)
			err = t.flush(out)
		}
		if err != nil {
			return nil // the browser does not take it, or was told why nothing more comes
		}
	}
}

// receive takes records until the consumer stops.
func (t *tail) receive(ctx context.Context, c *consumer.Consumer) {
	for r, err := range c.Records(ctx) {
		if err != nil && !errors.Is(err, beck.ErrValue) {
			t.tell(func() { t.err = err })
			return
		}
		if (t.only == "" || r.Partition == t.only) && t.match(&r) {
			t.record(&r, err == nil)
		}
	}
	t.tell(func() { t.err = io.EOF })
}

// tell changes what there is to send, and has it sent.
func (t *tail) tell(change func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change()
	select {
	case t.news <- struct{}{}:
	default:
	}
}

func (t *tail) record(r *beck.Record, readable bool) {
	t.tell(func() {
		if now := time.Now(); now.Sub(t.second) >= time.Second {
			t.second, t.sent = now, 0
		}
		if t.sent >= t.rate || len(t.waiting) >= tailRecords || t.bytes >= tailBytes {
			t.dropped++
			return
		}
		t.sent++
		j := newRecordJSON(r, readable, t.value)
		t.waiting, t.bytes = append(t.waiting, j), t.bytes+j.bytes()
	})
}

// gap is a consumer's hook.
func (t *tail) gap(g consumer.Gap) {
	t.tell(func() {
		if len(t.gaps) < tailRecords && (t.only == "" || g.Partition == t.only) {
			t.gaps = append(t.gaps, gapJSON{g.Partition, g.First, g.Last, string(g.Kind)})
		}
	})
}

// flush sends what there is.
func (t *tail) flush(out *stream) error {
	t.mu.Lock()
	ready, records, gaps, dropped, ended := t.ready, t.waiting, t.gaps, t.dropped, t.err
	t.ready, t.waiting, t.bytes, t.gaps, t.dropped = false, nil, 0, nil, 0
	t.mu.Unlock()
	var err error
	if ready {
		err = out.send("ready", struct{}{})
	}
	for i := 0; i < len(gaps) && err == nil; i++ {
		err = out.send("gap", gaps[i])
	}
	for i := 0; i < len(records) && err == nil; i++ {
		err = out.send("record", records[i])
	}
	if dropped > 0 && err == nil {
		err = out.send("dropped", struct {
			Records uint64 `json:"records"`
		}{dropped})
	}
	if ended != nil && err == nil {
		err = errors.Join(ended, out.send("error", errorJSON{ended.Error()}))
	}
	return err
}
