package consumer

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/compress"
	"github.com/beckmesh/beck/internal/mesh"
	"github.com/beckmesh/beck/protocol"
)

// What the Source of a record says besides, until it is handed over: that its
// Value is still the content, which begins with a mark; or that its trailer names
// another compression than its content does.
const (
	packed  beck.Source = 1 << 7
	twisted beck.Source = 1 << 6
)

// opener makes records out of what came: first all but the value, with the node's
// lock held, then, without it, the value where that is compressed.
type opener struct {
	packed bool // one of the last records taken is

	millis  int64 // as time says
	time    time.Time
	headers []beck.Header     // room for those to come; what is given away is not used again
	names   map[string]string // of headers, as they came before

	decoder    func() (*compress.Decoder, error)
	trailers   uint64 // that could not be read
	unreadable atomic.Uint64
}

func newOpener(limit int) opener {
	return opener{
		millis: -1, names: make(map[string]string),
		decoder: sync.OnceValues(func() (*compress.Decoder, error) { return compress.NewDecoder(limit) }),
	}
}

// fill fills in everything but what says where the record stands; the value only
// as far as that is the content.
func (o *opener) fill(r *beck.Record, raw mesh.Record, source beck.Source) {
	r.Key, r.Headers, r.Value, r.Source = nil, nil, raw.Content, source
	as, marked := protocol.Marked(raw.Content)
	if marked {
		r.Source |= packed
		o.packed = true
	}
	if ms, ok := protocol.PlainTime(raw.Trailer); ok {
		r.Time = o.at(ms)
		return
	}
	r.Time = time.Time{}
	if len(raw.Trailer) == 0 {
		return
	}
	t, err := protocol.ParseRecordTrailer(raw.Trailer)
	if err != nil {
		o.trailers++
		return
	}
	if t.HasTime {
		r.Time = o.at(t.Time)
	}
	if t.Compression != protocol.Plain && (!marked || as != t.Compression) {
		r.Source |= packed | twisted
		o.packed = true
	}
	r.Key, r.Headers = t.Key, o.headersOf(&t)
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

// value makes r.Value of its content. After an error, which wraps
// [beck.ErrValue], r is as before.
func (o *opener) value(r *beck.Record) error {
	if r.Source&packed == 0 {
		return nil
	}
	d, err := o.decoder()
	if err == nil && r.Source&twisted != 0 {
		err = fmt.Errorf("%w: the trailer names another compression than the content", compress.ErrBroken)
	}
	var value []byte
	if err == nil {
		value, err = d.Value(r.Value)
	}
	if err != nil {
		return fmt.Errorf("%v: %w: %w", r.Place(), beck.ErrValue, err)
	}
	r.Value, r.Source = value, r.Source&^packed
	return nil
}

// without makes r a record whose value cannot be read.
func (o *opener) without(r *beck.Record) {
	r.Value, r.Source = nil, r.Source&^(packed|twisted)
	o.unreadable.Add(1)
}

// handOver makes the values of records that were taken, and returns how many of
// them the application is given now. The others are for the next call: behind one
// whose value cannot be read, which then is the error, or beyond what may be in
// memory at a time. It needs the lock, and gives it up while it works.
func (c *Consumer) handOver(records []beck.Record) (n int, err error) {
	if n = len(records); c.opener.packed {
		c.node.Unlock()
		n, err = c.open(records)
		c.node.Lock()
	}
	done := n
	if n > 0 {
		err = nil // it is for the next call
	} else if err != nil {
		c.opener.without(&records[0])
		c.handed--
		done = 1 // told of
	}
	c.putBack(records[done:])
	if c.pos != nil {
		c.pos.finish(records[:done])
	}
	return n, err
}

// open makes values until one cannot be read, or they take as much memory as the
// queue may, and returns how many records are whole.
func (c *Consumer) open(records []beck.Record) (n int, err error) {
	bytes := int64(0)
	for i := range records {
		r := &records[i]
		if r.Source&packed == 0 {
			continue
		}
		if bytes >= c.cfg.QueueBytes {
			return i, nil
		}
		if err := c.opener.value(r); err != nil {
			return i, err
		}
		bytes += int64(len(r.Value))
	}
	return len(records), nil
}
