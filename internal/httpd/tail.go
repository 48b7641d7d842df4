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
	tooMuch      = 1000 // records dropped in a second, from which on none are received until the next
)

// tailRoute answers with a topic's records as they are published.
func (s *Server) tailRoute() route {
	return route{serve: s.tail, stream: true, params: []string{"partition", "key", "contains", "rate", "value_limit"}}
}

// tail is what waits between a consumer and a browser. It is bounded: what there is
// no room for, or is more than the browser wants in a second, is counted and dropped.
type tail struct {
	*consumer.Consumer
	topic string // as a consumer's methods take it
	only  string // the partition; "" for all
	rate  int
	value int
	match func(*beck.Record) bool
	picks bool // it does not match all

	news chan struct{} // there is something to send

	mu      sync.Mutex
	ready   bool
	waiting []*recordJSON
	bytes   int
	gaps    []gapJSON
	dropped uint64
	second  time.Time // that sent and over are of
	sent    int
	over    int   // dropped
	err     error // why nothing more comes
}

func (s *Server) tail(w http.ResponseWriter, r *request) error {
	rate, err := r.number("rate", standardRate, 1, 1000)
	value, err2 := r.number("value_limit", valueLimit, 0, mostOfValue)
	t := &tail{rate: int(rate), value: int(value), news: make(chan struct{}, 1), picks: r.query.Has("key") || r.query.Has("contains")}
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
	t.topic = c.Topics[0]
	if t.Consumer, err = consumer.Start(c); err != nil {
		return err
	}
	defer t.Close() // it has saved nothing
	if t.only != "" {
		if err := errors.Join(t.Pause(t.topic), t.resume()); err != nil {
			return err
		}
	}
	return t.run(r.Context(), w)
}

// resume has what is wanted come.
func (t *tail) resume() error {
	if t.only != "" {
		return t.Resume(t.topic, t.only)
	}
	return t.Resume(t.topic)
}

// run sends what the consumer receives until the browser is gone, or the consumer.
func (t *tail) run(ctx context.Context, w http.ResponseWriter) error {
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	defer done.Wait()
	defer cancel()
	out, err := newStream(w)
	if err != nil {
		return nil // nobody is there
	}
	done.Go(func() { t.receive(ctx) })
	done.Go(func() {
		if t.Ready(ctx) == nil {
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
func (t *tail) receive(ctx context.Context) {
	for {
		err := t.some(ctx)
		if err == nil {
			err = t.skip(ctx)
		}
		if err != nil {
			t.tell(func() { t.err = err })
			return
		}
	}
}

// some takes records until there are too many.
func (t *tail) some(ctx context.Context) error {
	for r, err := range t.Records(ctx) {
		if err != nil && !errors.Is(err, beck.ErrValue) {
			return err
		}
		if (t.only == "" || r.Partition == t.only) && t.match(&r) && !t.record(&r, err == nil) && !t.picks {
			return nil
		}
	}
	return cmp.Or(ctx.Err(), io.EOF)
}

// skip receives nothing until the second is over, and then goes on with what is
// published from then on. So a busy topic costs the mesh little more than is shown.
func (t *tail) skip(ctx context.Context) error {
	if err := t.Pause(t.topic); err != nil {
		return err
	}
	t.mu.Lock()
	over := time.NewTimer(time.Until(t.second.Add(time.Second)))
	t.mu.Unlock()
	defer over.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-over.C:
	}
	for _, l := range t.Lag() {
		if l.Records() == 0 || t.only != "" && l.Partition != t.only {
			continue
		}
		if err := t.Seek(beck.Offset{Topic: l.Topic, Partition: l.Partition, Offset: l.Head}); err != nil {
			return err
		}
		t.tell(func() { t.dropped += l.Records() })
	}
	return t.resume()
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

// record reports whether more are wanted in this second.
func (t *tail) record(r *beck.Record, readable bool) (more bool) {
	t.tell(func() {
		if now := time.Now(); now.Sub(t.second) >= time.Second {
			t.second, t.sent, t.over = now, 0, 0
		}
		if t.sent >= t.rate || len(t.waiting) >= tailRecords || t.bytes >= tailBytes {
			t.dropped++
			t.over++
			more = t.over < tooMuch
			return
		}
		t.sent++
		j := newRecordJSON(r, readable, t.value)
		t.waiting, t.bytes, more = append(t.waiting, j), t.bytes+j.bytes(), true
	})
	return more
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
