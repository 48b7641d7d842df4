package producer

import (
	"fmt"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/mesh"
	"github.com/beckmesh/beck/internal/tracing"
	"github.com/beckmesh/beck/protocol"
)

// content is a record's value as it is sent.
type content struct {
	bytes []byte
	as    protocol.Compression
	span  *tracing.Publishing // of the call that publishes it; nil without
	trace bool                // the record takes along which span that is
}

// encoding makes trailers, in memory that is used again. The node's lock guards
// it.
type encoding struct {
	micros  int64  // since 1970: when the call began
	now     int64  // ms since 1970: the time of records that have none of their own
	plain   []byte // the trailer of a record of now without key and headers, but for its sum
	trailer []byte
	headers []byte
}

// readClock takes the time for the records of one call. It needs the lock.
func (p *Producer) readClock() {
	if !p.cfg.Timestamps && p.cfg.MinStoreAcks == 0 {
		return
	}
	p.enc.micros = p.node.Micros()
	if now := p.enc.micros / 1000; now != p.enc.now {
		p.setClock(now)
	}
}

func (p *Producer) setClock(now int64) {
	p.enc.now = now
	t := protocol.RecordTrailer{HasTime: p.cfg.Timestamps, Time: now, HasCRC: p.cfg.Checksums}
	p.enc.plain = t.Append(p.enc.plain[:0])
}

// encode returns the trailer of a record, valid until the lock is given up. It
// needs the lock.
func (p *Producer) encode(r *beck.Record, c *content) []byte {
	e := &p.enc
	if r.Key == nil && len(r.Headers) == 0 && !c.trace && c.as == protocol.Plain && r.Time.IsZero() {
		if p.cfg.Checksums {
			protocol.SetSum(e.plain, c.bytes)
		}
		return e.plain
	}
	t := protocol.RecordTrailer{
		Key: r.Key, Compression: c.as, HasTime: p.cfg.Timestamps, Time: e.now, HasCRC: p.cfg.Checksums,
	}
	if !r.Time.IsZero() {
		t.Time, t.HasTime = r.Time.UnixMilli(), true
	}
	if len(r.Headers) > 0 || c.trace {
		e.headers = e.headers[:0]
		for i := range r.Headers {
			e.headers = protocol.AppendHeader(e.headers, r.Headers[i].Name, r.Headers[i].Value)
		}
		t.HeaderCount = len(r.Headers)
		if c.trace {
			e.headers = append(e.headers, c.span.Headers...)
			t.HeaderCount += c.span.Count
		}
		t.Headers = e.headers
	}
	if t.HasCRC {
		t.CRC = t.Sum(c.bytes)
	}
	e.trailer = t.Append(e.trailer[:0])
	return e.trailer
}

// recordHeader is what a RECORD has besides its topic, twice, its trailer and its
// content.
const recordHeader = 1 + 1 + 1 + 1 + protocol.AddressLen + 1 + 8

// trailerBytes is what a trailer has at most besides key and headers: time, sum,
// compression, and the lengths.
const trailerBytes = 40

// checkRecord returns why a record cannot be published, whatever its topic, and
// settles whether it takes its trace along: not where there is no room for that.
func (p *Producer) checkRecord(r *beck.Record, c *content) error {
	size := max(len(r.Value), len(c.bytes)) + recordHeader + 2*len(r.Topic) + trailerBytes
	if r.Key != nil || len(r.Headers) > 0 || !r.Time.IsZero() {
		n, err := checkExtras(r)
		if err != nil {
			return fmt.Errorf("publish to %q: %w", r.Topic, err)
		}
		size += n
	}
	if size > p.cfg.MessageBytes {
		return fmt.Errorf("publish to %q: %w: %d bytes of %d", r.Topic, beck.ErrTooLarge, size, p.cfg.MessageBytes)
	}
	if c.span != nil {
		c.trace = c.span.For(r) && size+len(c.span.Headers) <= p.cfg.MessageBytes
	}
	return nil
}

// headerBytes is what a header takes at most besides its name and its value.
const headerBytes = 1 + 5 + 5

// checkExtras checks key, headers and time against their bounds, and returns how
// many bytes they take at most.
func checkExtras(r *beck.Record) (size int, err error) {
	bytes := 0
	for i := range r.Headers {
		bytes += len(r.Headers[i].Name) + len(r.Headers[i].Value)
	}
	switch {
	case len(r.Key) > protocol.MaxKey:
		return 0, fmt.Errorf("%w: key of %d bytes, at most %d", beck.ErrTooLarge, len(r.Key), protocol.MaxKey)
	case len(r.Headers) > protocol.MaxHeaders:
		return 0, fmt.Errorf("%w: %d headers, at most %d", beck.ErrTooLarge, len(r.Headers), protocol.MaxHeaders)
	case bytes > protocol.MaxHeaderBytes:
		return 0, fmt.Errorf("%w: headers of %d bytes, at most %d", beck.ErrTooLarge, bytes, protocol.MaxHeaderBytes)
	case !r.Time.IsZero() && uint64(r.Time.Unix()) > protocol.MaxTime/1000: // a negative one is, too
		return 0, fmt.Errorf("%w: %v", beck.ErrTime, r.Time.Format(time.RFC3339))
	}
	return len(r.Key) + bytes + len(r.Headers)*headerBytes, nil
}

// put appends a record with its trailer. ok is false while there is no room. It
// needs the lock.
func (p *Producer) put(t *mesh.Topic, r *beck.Record, c *content) (seq uint64, ok bool) {
	trailer := p.encode(r, c)
	if seq, ok = p.node.Append(t, c.bytes, trailer); !ok {
		return 0, false
	}
	p.stats.Published++
	if c.span != nil {
		c.span.Placed(seq)
	}
	if p.cfg.MinStoreAcks > 0 && t.Log.Waits.Due(p.enc.micros) {
		t.Log.Waits.Mark(seq, p.enc.micros)
	}
	if p.journal != nil {
		p.record(t, seq, c.bytes, trailer)
	}
	return seq, true
}
