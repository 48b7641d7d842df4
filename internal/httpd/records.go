package httpd

import (
	"bytes"
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/span"
	"github.com/beckmesh/beck/protocol"
)

// recordsRoute answers with a page of a topic's records.
func (s *Server) recordsRoute() route {
	return route{serve: s.records, params: []string{
		"partition", "from", "before", "after", "limit", "key", "contains", "value_limit",
	}}
}

// question is what is asked of a topic's records.
type question struct {
	topic, partition string // "": of all
	from             span.Span
	before, after    cursor
	limit, value     int
	match            func(*beck.Record) bool
}

// recordsJSON is a page of records, the oldest first.
type recordsJSON struct {
	Topic      string        `json:"topic"`
	Complete   bool          `json:"complete"` // everybody said what he has, and what was asked for was read
	Records    []*recordJSON `json:"records"`
	Gaps       []gapJSON     `json:"gaps"`
	Partitions []strandJSON  `json:"partitions"`         // that were read
	LeftOut    int           `json:"left_out,omitempty"` // partitions that were not, as there are too many
	Scanned    uint64        `json:"scanned"`            // records that were looked at
	Older      bool          `json:"older"`              // there are records before these
	Newer      bool          `json:"newer"`              // there are records behind these
	Before     string        `json:"before"`             // the parameter of that name, for older ones
	After      string        `json:"after"`              // the same for newer ones
}

// strandJSON is what there is of a partition, and what of it the page covers:
// offsets From to before Next.
type strandJSON struct {
	Partition string `json:"partition"`
	Tail      uint64 `json:"tail"`
	Head      uint64 `json:"head"` // behind the last record
	From      uint64 `json:"from"`
	Next      uint64 `json:"next"`
}

func (s *Server) records(w http.ResponseWriter, r *request) error {
	q, err := newQuestion(r)
	if err != nil {
		return err
	}
	select {
	case s.pages <- struct{}{}:
		defer func() { <-s.pages }()
	case <-r.Context().Done():
		return r.Context().Err()
	}
	reader, complete, err := s.openReader(r.Context(), q.topic)
	if err != nil {
		return err
	}
	answer, err := q.answer(r.Context(), reader)
	_ = reader.Close() // it has saved nothing
	if err != nil {
		return err
	}
	answer.Complete = answer.Complete && complete
	writeJSON(w, http.StatusOK, answer)
	return nil
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

// parseFrom reads where a page begins: as span.Set has it, or a time alone. None is
// the end.
func parseFrom(text string) (s span.Span, err error) {
	now := time.Now()
	if at, timeErr := span.ParseTime(text, now); timeErr == nil && !isNumber(text) {
		return span.Span{From: span.Time, Begin: at}, nil
	}
	if err := s.Set(text, now); err != nil || s.From == span.Unset || s.From == span.Stored {
		return s, failf(http.StatusBadRequest, "%.60q: want beginning, end, N, -N, or a time: RFC 3339, an age such as 1h or 7d, or s@ and ms since 1970", text)
	}
	return s, nil
}

func isNumber(text string) bool {
	return text != "" && !slices.ContainsFunc([]byte(text), func(c byte) bool { return c < '0' || c > '9' })
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

// answer reads a page.
func (q *question) answer(ctx context.Context, r *reader) (*recordsJSON, error) {
	ctx, cancel := context.WithTimeout(ctx, pageTime)
	defer cancel()
	p := &page{back: q.back(), limit: q.limit, value: q.value, match: q.match}
	left, err := q.strands(ctx, r, p)
	if err != nil {
		return nil, err
	}
	err = p.fill(ctx, r)
	if err != nil && context.Cause(ctx) != context.DeadlineExceeded {
		return nil, err
	}
	a := &recordsJSON{
		Topic: q.topic, Complete: err == nil, Records: p.records, Gaps: p.gaps, LeftOut: left, Scanned: p.scanned,
		Partitions: []strandJSON{},
	}
	if a.Records == nil {
		a.Records = []*recordJSON{}
	}
	if a.Gaps == nil {
		a.Gaps = []gapJSON{}
	}
	if p.back {
		slices.Reverse(a.Records)
	}
	a.ends(p)
	return a, nil
}

// ends fills in where the page begins and ends.
func (a *recordsJSON) ends(p *page) {
	first, behind := p.cursors()
	a.Before, a.After = first.String(), behind.String()
	for _, s := range p.strands {
		a.Partitions = append(a.Partitions, strandJSON{s.id, s.tail, s.head, first[s.id], behind[s.id]})
		a.Older = a.Older || first[s.id] > s.tail
		a.Newer = a.Newer || behind[s.id] < s.head
	}
}

// back reports whether the page ends where it is asked for, and does not begin there.
func (q *question) back() bool {
	return q.before != nil || q.after == nil && (q.from.From == span.End || q.from.From == span.Unset)
}

// strands finds the partitions that the page is of, and where it begins in them. It
// returns how many are left out.
func (q *question) strands(ctx context.Context, r *reader, p *page) (left int, err error) {
	starts := make(map[string]uint64)
	if q.from.From == span.Time {
		places, err := r.OffsetsAt(ctx, q.from.Begin)
		if err != nil {
			return 0, err
		}
		for _, at := range places {
			starts[at.Partition] = at.Offset
		}
	}
	known := false
	for _, l := range r.Lag() {
		known = true
		if q.partition != "" && l.Partition != q.partition {
			continue
		}
		s := &strand{id: l.Partition, tail: min(l.Tail, l.Head), head: l.Head}
		if at, there := q.start(s, starts); there {
			s.lo, s.hi = at, at
			p.strands = append(p.strands, s)
		}
	}
	switch {
	case !known:
		return 0, failf(http.StatusNotFound, "no node that answers has records of topic %q", q.topic)
	case q.partition != "" && len(p.strands) == 0:
		return 0, failf(http.StatusNotFound, "no node that answers has records of topic %q by producer %s", q.topic, q.partition)
	}
	if left = len(p.strands) - mostMerged; left > 0 {
		p.strands = p.strands[:mostMerged]
	}
	return max(left, 0), nil
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
