package httpd

import (
	"bytes"
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/consumer"
	"github.com/beckmesh/beck/internal/span"
	"github.com/beckmesh/beck/protocol"
)

// question is what is asked of a topic's records.
type question struct {
	topic, partition string // "": of all
	from             span.Span
	before, after    cursor
	limit, value     int
	match            func(*beck.Record) bool
}

// newQuestion reads the parameters.
func newQuestion(r *request) (*question, error) {
	q := &question{topic: r.rest}
	limit, err := r.number("limit", 100, 1, mostRecords)
	value, err2 := r.number("value_limit", valueLimit, 0, mostOfValue)
	var err3, err4 error
	q.partition, err3 = r.address("partition")
	if q.match, err4 = r.matcher(); cmp.Or(err, err2, err3, err4) != nil {
		return nil, cmp.Or(err, err2, err3, err4)
	}
	q.limit, q.value = int(limit), int(value)
	return q, q.place(r)
}

// place reads where the page is.
func (q *question) place(r *request) (err error) {
	given := 0
	for _, name := range []string{"from", "before", "after"} {
		if !r.query.Has(name) {
			continue
		}
		text := r.query.Get(name)
		switch given++; name {
		case "from":
			q.from, err = parseFrom(text)
		case "before":
			q.before, err = parseCursor(text)
		case "after":
			q.after, err = parseCursor(text)
		}
		if err != nil {
			return failf(http.StatusBadRequest, "%s: %v", name, err)
		}
	}
	if given > 1 {
		return failf(http.StatusBadRequest, "from, before and after: want one of them")
	}
	return nil
}

// parseFrom reads where a page begins: as span.Set has it, or a time alone.
func parseFrom(text string) (s span.Span, err error) {
	now := time.Now()
	err = s.Set(text, now)
	if err != nil && !strings.HasPrefix(text, "-") {
		if at, timeErr := span.ParseTime(text, now); timeErr == nil {
			return span.Span{From: span.Time, Begin: at}, nil
		}
	}
	if err != nil || s.From == span.Unset || s.From == span.Stored {
		return s, failf(http.StatusBadRequest, "%.60q: want beginning, end, N, -N, or a time: RFC 3339, an age such as 1h or 7d, or s@ and ms since 1970", text)
	}
	return s, nil
}

// address returns a parameter that is an address; "" if it is not given.
func (r *request) address(name string) (string, error) {
	text := r.query.Get(name)
	if r.query.Has(name) && protocol.ValidAddress(text) != nil {
		return "", failf(http.StatusBadRequest, "%s: %.60q: want a producer's address, 32 hexadecimal characters in upper case", name, text)
	}
	return text, nil
}

// matcher returns what picks records by the parameters key and contains.
func (r *request) matcher() (func(*beck.Record) bool, error) {
	key, part := []byte(r.query.Get("key")), []byte(r.query.Get("contains"))
	byKey := r.query.Has("key")
	if r.query.Has("contains") && len(part) == 0 {
		return nil, failf(http.StatusBadRequest, "contains: want what values are to contain")
	}
	return func(rec *beck.Record) bool {
		return (!byKey || rec.Key != nil && bytes.Equal(rec.Key, key)) && (len(part) == 0 || bytes.Contains(rec.Value, part))
	}, nil
}

// back reports whether the page ends where it is asked for, and does not begin there.
func (q *question) back() bool {
	return q.before != nil || q.after == nil && (q.from.From == span.End || q.from.From == span.Unset)
}

// strands finds the partitions that the page is of, and where it begins in them.
func (q *question) strands(ctx context.Context, r *reader, p *page) error {
	starts := make(map[string]uint64)
	if q.from.From == span.Time {
		places, err := r.OffsetsAt(ctx, q.from.Begin)
		if err != nil {
			return err
		}
		for _, at := range places {
			starts[at.Partition] = at.Offset
		}
	}
	all := r.Lag()
	if len(all) == 0 {
		return failf(http.StatusNotFound, "no node that answers has records of topic %q", q.topic)
	}
	of := slices.DeleteFunc(all, func(l consumer.Lag) bool { return q.partition != "" && l.Partition != q.partition })
	if len(of) == 0 {
		return failf(http.StatusNotFound, "no node that answers has records of topic %q by producer %s", q.topic, q.partition)
	}
	for _, l := range of {
		s := &strand{id: l.Partition, tail: min(l.Tail, l.Head), head: l.Head}
		if at, there := q.start(s, starts); there {
			s.lo, s.hi = at, at
			p.strands = append(p.strands, s)
		}
	}
	return nil
}

// start returns where the page begins in a partition, or, if it goes back, ends.
func (q *question) start(s *strand, times map[string]uint64) (at uint64, there bool) {
	switch {
	case q.before != nil:
		at, there = q.before[s.id] // what it does not name is newer
		return min(at, s.head), there
	case q.after != nil:
		if at, there = q.after[s.id]; !there {
			at = s.tail
		}
		return at, true
	}
	switch q.from.From {
	case span.Beginning:
		return s.tail, true
	case span.Offset:
		return q.from.Offset, true
	case span.Last:
		return s.head - min(q.from.Count, s.head-s.tail), true
	case span.Time:
		s.since = q.from.Begin
		return max(times[s.id], s.tail), true
	}
	return s.head, true
}
