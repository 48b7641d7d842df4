package httpd

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/beckmesh/beck"
)

// recordsRoute answers with a page of a topic's records.
func (s *Server) recordsRoute() route {
	return route{serve: s.records, params: []string{
		"partition", "from", "before", "after", "limit", "key", "contains", "value_limit",
	}}
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
	End       uint64 `json:"end"` // behind the last record
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
	answer, err := s.page(r.Context(), q, reader)
	_ = reader.Close() // it has saved nothing
	if err != nil {
		return err
	}
	answer.Complete = answer.Complete && complete
	writeJSON(w, http.StatusOK, answer)
	return nil
}

// page reads a page.
func (s *Server) page(ctx context.Context, q *question, r *reader) (*recordsJSON, error) {
	soon, cancel := context.WithTimeout(ctx, pageTime)
	defer cancel()
	p := &page{back: q.back(), limit: q.limit, value: q.value, match: q.match}
	if err := q.strands(soon, r, p); err != nil {
		return nil, late(ctx, err)
	}
	left := s.leaveOut(soon, q, p)
	err := p.fill(soon, r)
	if err != nil && (ctx.Err() != nil || soon.Err() == nil) {
		return nil, err
	}
	return newRecordsJSON(q.topic, p, left, err == nil), nil
}

// late says of an error that a node did not answer in time, if it is that.
func late(ctx context.Context, err error) error {
	if ctx.Err() == nil && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, beck.ErrUnanswered)) {
		return failf(http.StatusServiceUnavailable, "%v", err)
	}
	return err
}

// leaveOut leaves the partitions out that are too many, and returns how many. Those
// stay that were on the page before, or were written to last, as far as nodes say.
func (s *Server) leaveOut(ctx context.Context, q *question, p *page) int {
	left := len(p.strands) - s.cfg.MaxPartitions
	if left <= 0 {
		return 0
	}
	last := make(map[string]time.Time)
	if snap, err := s.mesh.snapshot(ctx); err == nil {
		if t, err := topicOf(snap, q.topic); err == nil {
			for i := range t.List {
				if at := t.List[i].Last; at != nil {
					last[t.List[i].Producer] = *at
				}
			}
		}
	}
	for id := range q.after {
		last[id] = time.Now()
	}
	slices.SortStableFunc(p.strands, func(a, b *strand) int { return last[b.id].Compare(last[a.id]) })
	p.strands = p.strands[:s.cfg.MaxPartitions]
	slices.SortFunc(p.strands, func(a, b *strand) int { return cmp.Compare(a.id, b.id) })
	return left
}

func newRecordsJSON(topic string, p *page, left int, complete bool) *recordsJSON {
	a := &recordsJSON{
		Topic: topic, Complete: complete, Records: p.records, Gaps: p.gaps, LeftOut: left, Scanned: p.scanned,
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
	return a
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
