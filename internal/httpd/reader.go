package httpd

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/consumer"
	"github.com/beckmesh/beck/protocol"
)

// ReaderName is what the consumers call themselves that are in the mesh while
// somebody looks at records over HTTP.
const ReaderName = "beck http"

const (
	readerQueue  = 2 << 20         // bytes received and not looked at
	joinPatience = 6 * time.Second // for what there is of a topic: longer than a consumer waits for a store
	missingTime  = time.Second     // so long nobody has a range until it is left out
)

// reader reads ranges of a topic's partitions. It is a consumer all of whose
// partitions are paused, but for those of which a range is being read.
type reader struct {
	*consumer.Consumer
	name  string // of the topic
	topic string // the same, as a consumer's methods take it

	flowing string // the partition that was not paused when its window, the last of a read, was done; or ""
	at      uint64 // what comes next of it

	mu      sync.Mutex
	skipped bool               // something was, since the read under way began to wait
	wake    context.CancelFunc // of that read
}

// readerConfig returns the settings of a consumer for a browser.
func (s *Server) readerConfig(topic string) (consumer.Config, error) {
	if err := protocol.ValidTopic(topic); err != nil {
		return consumer.Config{}, failf(http.StatusBadRequest, "topic: %v", err)
	}
	c := consumer.DefaultConfig()
	c.NodeConfig = s.daemon.Mesh.NodeConfig
	c.Name, c.Logger = ReaderName, slog.New(slog.DiscardHandler)
	c.Topics, c.QueueBytes, c.SkipMissingAfter = []string{consumer.Literal(topic)}, readerQueue, missingTime
	return c, nil
}

// openReader joins the mesh, and waits until it is known what there is of the topic.
// complete is false if a node has not said in time.
func (s *Server) openReader(ctx context.Context, topic string) (r *reader, complete bool, err error) {
	c, err := s.readerConfig(topic)
	if err != nil {
		return nil, false, err
	}
	r = &reader{name: topic, topic: c.Topics[0]}
	c.Start, c.ReuseValues, c.OnGap = consumer.Earliest, true, r.gap
	if r.Consumer, err = consumer.Start(c); err != nil {
		return nil, false, err
	}
	if err = r.Pause(r.topic); err == nil {
		complete, err = r.join(ctx)
	}
	if err != nil {
		return nil, false, errors.Join(err, r.Close())
	}
	return r, complete, nil
}

// join waits until everybody has said what he has of the topic, or is late.
func (r *reader) join(ctx context.Context) (complete bool, err error) {
	soon, cancel := context.WithTimeout(ctx, joinPatience)
	defer cancel()
	switch err := r.Ready(soon); {
	case ctx.Err() != nil:
		return false, ctx.Err()
	case err == nil:
		return true, nil
	case r.Stats().Towers == 0 && r.Stats().Links == 0:
		return false, errNoTower
	default: // somebody does not answer
		return false, nil
	}
}

// gap is the consumer's hook. A range that is skipped brings no record behind which to
// see that.
func (r *reader) gap(g consumer.Gap) {
	if g.Kind != consumer.Expired && g.Kind != consumer.Skipped {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.skipped = true
	if r.wake != nil {
		r.wake()
	}
}

// window is a range of a partition to be read: offsets next to end.
type window struct {
	partition string
	next, end uint64
	most      uint64 // up to which next may go where nothing is: at least end
	// take is given each record, and whether its value could be read; it returns
	// whether more are wanted. The record is not to be kept.
	take func(*beck.Record, bool) bool
	// gap is told of what is not there.
	gap func(first, end uint64)
}

// read reads windows, each of another partition, until all that there is of them
// was taken. It fails only with the error of ctx, or if the consumer has stopped.
func (r *reader) read(ctx context.Context, windows []*window) error {
	open := make(map[string]*window, len(windows))
	for _, w := range windows {
		open[w.partition] = w
	}
	if err := r.begin(open); err != nil {
		return err
	}
	for len(open) > 0 {
		if err := r.some(ctx, open); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.pass(open); err != nil {
			return err
		}
	}
	return nil
}

// begin has what windows are of flow, and nothing else.
func (r *reader) begin(open map[string]*window) error {
	flowing := r.flowing
	r.flowing = ""
	if w := open[flowing]; w != nil && w.next == r.at && len(open) == 1 {
		return nil // what was received behind the window before is of use
	}
	if flowing != "" {
		if err := r.Pause(r.topic, flowing); err != nil {
			return err
		}
	}
	for id, w := range open {
		err := r.Seek(beck.Offset{Topic: r.name, Partition: id, Offset: w.next})
		if err = cmp.Or(err, r.Resume(r.topic, id)); err != nil {
			return err
		}
	}
	return nil
}

// end notes that a window was read, and what comes next of its partition.
func (r *reader) end(open map[string]*window, id string, next uint64) error {
	delete(open, id)
	if len(open) == 0 {
		r.flowing, r.at = id, next
		return nil
	}
	return r.Pause(r.topic, id)
}

// some takes records until all windows are done, or something was skipped.
func (r *reader) some(ctx context.Context, open map[string]*window) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r.mu.Lock()
	r.wake = cancel
	if r.skipped {
		r.skipped = false
		cancel()
	}
	r.mu.Unlock()
	for rec, err := range r.Records(ctx) {
		if err != nil && !errors.Is(err, beck.ErrValue) {
			return err
		}
		w := open[rec.Partition]
		if w == nil || rec.Offset < w.next || w.record(&rec, err == nil) {
			continue
		}
		if err := r.end(open, rec.Partition, rec.Offset+1); err != nil {
			return err
		}
		if len(open) == 0 {
			break
		}
	}
	return nil
}

// record reports whether more are wanted.
func (w *window) record(rec *beck.Record, readable bool) bool {
	w.pass(rec.Offset)
	if w.next >= w.end || !w.take(rec, readable) {
		return false
	}
	w.next++
	return w.next < w.end
}

// pass notes that there is nothing before an offset.
func (w *window) pass(to uint64) {
	if to = min(to, w.most); to > w.next {
		w.gap(w.next, to)
		w.next = to
	}
}

// pass takes note of what was skipped.
func (r *reader) pass(open map[string]*window) error {
	for _, l := range r.Lag() {
		w := open[l.Partition]
		if w == nil {
			continue
		}
		if w.pass(l.Next); w.next < w.end {
			continue
		}
		if err := r.end(open, l.Partition, l.Next); err != nil {
			return err
		}
	}
	return nil
}
