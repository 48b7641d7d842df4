package consumer

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/compress"
	"github.com/beckmesh/beck/protocol"
)

// raw is in the Source of a record that was received and not yet opened: its Key
// is then its trailer, or nil, and its Value its content.
const raw beck.Source = 1 << 7

// opening is what a consumer shares for making records out of what came. That is
// done without the node's lock.
type opening struct {
	openers    sync.Pool // of *opener
	decoder    func() (*compress.Decoder, error)
	trailers   atomic.Uint64 // that could not be read
	unreadable atomic.Uint64 // values that could not be
}

func (o *opening) init(limit int) {
	o.decoder = sync.OnceValues(func() (*compress.Decoder, error) { return compress.NewDecoder(limit) })
	o.openers.New = func() any { return &opener{opening: o, millis: -1, names: make(map[string]string)} }
}

// opener makes records out of what came, for one goroutine at a time.
type opener struct {
	*opening
	millis  int64 // as time says
	time    time.Time
	headers []beck.Header     // room for those to come; what is given away is not used again
	names   map[string]string // of headers, as they came before
}

// open makes a raw record a whole one. An error, which wraps [beck.ErrValue], says
// that it has no value; the rest of it is there.
func (o *opener) open(r *beck.Record) error {
	trailer, as := r.Key, protocol.Plain
	r.Source &^= raw
	if ms, ok := protocol.PlainTime(trailer); ok {
		r.Key = nil
		if r.Headers != nil { // what is written costs more than what is read, while memory is collected
			r.Headers = nil
		}
		if t := o.at(ms); r.Time != t {
			r.Time = t
		}
	} else {
		as = o.describe(r, trailer)
	}
	if in, marked := protocol.Marked(r.Value); marked || as != protocol.Plain {
		return o.value(r, as == protocol.Plain || as == in)
	}
	return nil
}

// describe fills in what a trailer says of a record, and returns the compression
// that it names.
func (o *opener) describe(r *beck.Record, trailer []byte) protocol.Compression {
	r.Key, r.Headers, r.Time = nil, nil, time.Time{}
	if len(trailer) == 0 {
		return protocol.Plain
	}
	t, err := protocol.ParseRecordTrailer(trailer)
	if err != nil {
		o.trailers.Add(1)
		return protocol.Plain
	}
	if t.HasTime {
		r.Time = o.at(t.Time)
	}
	r.Key, r.Headers = t.Key, o.headersOf(&t)
	return t.Compression
}

// value makes the value of a content. agreed says that its trailer names no other
// compression than its mark does.
func (o *opener) value(r *beck.Record, agreed bool) error {
	d, err := o.decoder()
	if err == nil && !agreed {
		err = fmt.Errorf("%w: the trailer names another compression than the content", compress.ErrBroken)
	}
	content := r.Value
	if r.Value = nil; err == nil {
		r.Value, err = d.Value(content)
	}
	if err != nil {
		o.unreadable.Add(1)
		return fmt.Errorf("%v: %w: %w", r.Place(), beck.ErrValue, err)
	}
	return nil
}

// at returns a time, which is often that of the record before.
func (o *opener) at(ms int64) time.Time {
	if ms != o.millis {
		o.millis, o.time = ms, time.UnixMilli(ms).UTC()
	}
	return o.time
}

const (
	headersAtOnce = 256     // for how many headers memory is taken together
	maxNames      = 1 << 10 // of headers that are remembered
	maxName       = 64      // bytes of one that is
)

func (o *opener) headersOf(t *protocol.RecordTrailer) []beck.Header {
	n := t.HeaderCount
	if n == 0 {
		return nil
	}
	if len(o.headers) < n {
		o.headers = make([]beck.Header, max(n, headersAtOnce))
	}
	list := o.headers[:n:n]
	o.headers = o.headers[n:]
	rest := t.Headers
	for i := range list {
		var name, value []byte
		name, value, rest, _ = protocol.CutHeader(rest)
		if value == nil {
			value = []byte{}
		}
		list[i] = beck.Header{Name: o.name(name), Value: value}
	}
	return list
}

// name returns a header's name, without memory for one that came before.
func (o *opener) name(b []byte) string {
	if s, known := o.names[string(b)]; known {
		return s
	}
	s := string(b)
	if len(b) <= maxName && len(o.names) < maxNames {
		o.names[s] = s
	}
	return s
}

// handOver opens records that were taken after so many cuts, and returns how many of
// them the application is given now. The others are for the next call: those behind one
// whose value cannot be read, which then is the error, or beyond what may be in
// memory at a time. It takes the lock only where it must.
func (c *Consumer) handOver(records []beck.Record, cuts uint64) (n int, err error) {
	defer c.cuts.end()
	var begun time.Time
	if c.tracer != nil {
		begun = time.Now()
	}
	n, done, err := c.openAll(records)
	if c.tracer != nil {
		c.received(begun, records[:n]...)
	}
	if n < len(records) || c.pos != nil {
		c.node.Lock()
		defer c.node.Unlock()
		c.handed -= uint64(done - n)
		c.putBack(c.uncut(records[done:], cuts))
		if c.pos != nil {
			c.pos.finish(records[:done])
		}
	}
	return n, err
}

// openAll opens records until their values take as much memory as the queue may,
// or one has none; if that is the first, it is done with, and the error returned.
func (c *Consumer) openAll(records []beck.Record) (n, done int, err error) {
	o := c.opening.openers.Get().(*opener)
	defer c.opening.openers.Put(o)
	for bytes := int64(0); n < len(records) && bytes < c.cfg.QueueBytes; n++ {
		r := &records[n]
		trailer, content := r.Key, r.Value
		if err := o.open(r); err != nil {
			if n == 0 {
				return 0, 1, err
			}
			r.Key, r.Value, r.Source = trailer, content, r.Source|raw // it is opened again next time
			o.unreadable.Add(^uint64(0))
			return n, n, nil
		}
		if len(r.Value) > len(content) {
			bytes += int64(len(r.Value))
		}
	}
	return n, n, nil
}
