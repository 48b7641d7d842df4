package core

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/beckmesh/beck/protocol"
)

// InquiryConfig says what an observer asks, and how patient it is. The zero value
// of a time means its default.
type InquiryConfig struct {
	Repeat      time.Duration // after which a question without an answer is asked again. Default 1 s
	GiveUp      time.Duration // after which a node that has said nothing counts as silent. Default 5 s
	ListSilence time.Duration // after which a foreign node's list of heads counts as complete. Default 500 ms
}

func (c InquiryConfig) withDefaults() InquiryConfig {
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{{&c.Repeat, time.Second}, {&c.GiveUp, 5 * time.Second}, {&c.ListSilence, 500 * time.Millisecond}} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	return c
}

// Manner is how a node can be asked what it has.
type Manner int

// The manners of asking.
const (
	AskNothing Manner = iota // it is not linked
	AskQuery                 // it answers QUERY
	AskHeads                 // it answers GET-HEADS only: a foreign store or producer
	AskSilence               // nothing is to be expected of it: a foreign consumer, or a producer that has just left
)

// Inquiry asks every node of a mesh what it has, in rounds: each node once a
// round, page by page. It keeps no answers. It is not safe for concurrent use.
type Inquiry struct {
	cfg   InquiryConfig
	round func(id string) protocol.Query // what to ask a node, but for the place
	nodes map[string]*inquired
	asks  []Inquest
}

// Inquest is a question to send: Query, or if Heads is set a GET-HEADS of
// everything.
type Inquest struct {
	ID    string
	Heads bool
	Query protocol.Query
}

// inquired is a node, and how far it has answered.
type inquired struct {
	manner Manner
	since  time.Time // when it was to be asked, or was last heard
	asked  time.Time // zero: it was not
	query  protocol.Query
	asks   int  // how often it was, since it last said something
	done   bool // this round
	silent bool
}

// maxHeadAsks is how often a foreign node that says nothing is asked for heads: it
// may have none, or not know yet that we listen.
const maxHeadAsks = 3

// NewInquiry returns an inquiry of no nodes. round gives the first question of a
// round for a node.
func NewInquiry(cfg InquiryConfig, round func(id string) protocol.Query) *Inquiry {
	return &Inquiry{cfg: cfg.withDefaults(), round: round, nodes: make(map[string]*inquired)}
}

// Begin begins a round: every node is asked anew. What is on its way of an older
// round is no answer any more.
func (q *Inquiry) Begin(now time.Time) {
	for _, id := range q.sorted() {
		n := q.nodes[id]
		n.done, n.since, n.asked = false, now, time.Time{}
		q.ask(id, n, now)
	}
}

// Meet notes that a node is there, whether it can be asked or not.
func (q *Inquiry) Meet(id string, now time.Time) {
	if q.nodes[id] == nil {
		q.nodes[id] = &inquired{since: now}
	}
}

// Reach notes how a node can be asked now.
func (q *Inquiry) Reach(id string, m Manner, now time.Time) {
	n := q.nodes[id]
	if n == nil || n.manner == m {
		return
	}
	if n.manner == AskSilence { // it has come back, or had not subscribed to questions yet
		n.done = false
	}
	n.manner, n.asked = m, time.Time{}
	if m != AskNothing && !n.done {
		n.since = now
		q.ask(id, n, now)
	}
}

// Forget notes that a node is gone.
func (q *Inquiry) Forget(id string) { delete(q.nodes, id) }

// Page takes a node's report. It returns false if nobody asked for it; else
// whether it is the last of the round, or the next page is asked for.
func (q *Inquiry) Page(id string, r *protocol.Report, now time.Time) (fresh, last bool) {
	n := q.nodes[id]
	if n == nil || n.done || n.asked.IsZero() || r.Query != n.query {
		return false, false
	}
	n.since, n.silent = now, false
	if !r.More {
		n.done = true
		return true, true
	}
	n.query.After = r.Partitions[len(r.Partitions)-1].Place()
	n.query.Want &^= protocol.WantCounts | protocol.WantLinks // it has told these
	q.send(id, n, now)
	return true, false
}

// Heard notes a head from a node that is asked for heads.
func (q *Inquiry) Heard(id string, now time.Time) {
	if n := q.nodes[id]; n != nil {
		n.since, n.silent, n.asks = now, false, maxHeadAsks
	}
}

// Listed notes that a node's list of heads is complete.
func (q *Inquiry) Listed(id string) {
	if n := q.nodes[id]; n != nil && n.manner == AskHeads && !n.asked.IsZero() {
		n.done, n.silent = true, false
	}
}

// ask asks a node from the beginning, if it can be asked.
func (q *Inquiry) ask(id string, n *inquired, now time.Time) {
	if n.manner == AskQuery || n.manner == AskHeads {
		n.query, n.asks = q.round(id), 0
		q.send(id, n, now)
	}
}

func (q *Inquiry) send(id string, n *inquired, now time.Time) {
	n.asked, n.asks = now, n.asks+1
	q.asks = append(q.asks, Inquest{ID: id, Heads: n.manner == AskHeads, Query: n.query})
}

// due returns when something is to be done about a node; zero for never.
func (q *Inquiry) due(n *inquired) time.Time {
	switch {
	case n.done:
		return time.Time{}
	case n.manner == AskHeads, n.manner == AskSilence:
		return n.since.Add(q.cfg.ListSilence)
	case n.silent:
		return n.asked.Add(q.cfg.Repeat)
	case n.manner == AskNothing:
		return n.since.Add(q.cfg.GiveUp)
	}
	return earlier(n.asked.Add(q.cfg.Repeat), n.since.Add(q.cfg.GiveUp))
}

// Tick asks again, and gives up.
func (q *Inquiry) Tick(now time.Time) {
	for _, id := range q.sorted() {
		n := q.nodes[id]
		at := q.due(n)
		if at.IsZero() || now.Before(at) {
			continue
		}
		switch {
		case n.manner == AskHeads && n.asks < maxHeadAsks:
			n.since = now
			q.send(id, n, now)
			continue
		case n.manner == AskHeads, n.manner == AskSilence:
			n.done = true
			continue
		}
		n.silent = n.silent || !now.Before(n.since.Add(q.cfg.GiveUp))
		if n.manner == AskQuery && !now.Before(n.asked.Add(q.cfg.Repeat)) {
			q.send(id, n, now) // the same page: what was on its way is as good
		}
	}
}

// NextWake returns when Tick has something to do; zero for never.
func (q *Inquiry) NextWake() (next time.Time) {
	for _, n := range q.nodes {
		if n.silent && n.manner == AskNothing {
			continue // until it is reached
		}
		next = earlier(next, q.due(n))
	}
	return next
}

// Take returns the questions to send, and forgets them.
func (q *Inquiry) Take() []Inquest {
	asks := q.asks
	q.asks = nil
	return asks
}

// Done reports whether every node has answered this round, or counts as silent.
func (q *Inquiry) Done() bool {
	for _, n := range q.nodes {
		if !n.done && !n.silent {
			return false
		}
	}
	return true
}

// Answered reports whether a node has answered this round.
func (q *Inquiry) Answered(id string) bool {
	n := q.nodes[id]
	return n != nil && n.done
}

// Waiting returns the nodes that are waited for, sorted.
func (q *Inquiry) Waiting() []string {
	var ids []string
	for id, n := range q.nodes {
		if !n.done && !n.silent {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, strings.Compare)
	return ids
}

// Silent returns the nodes that do not answer, sorted.
func (q *Inquiry) Silent() []string {
	var ids []string
	for id, n := range q.nodes {
		if n.silent {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, strings.Compare)
	return ids
}

func (q *Inquiry) sorted() []string { return slices.Sorted(maps.Keys(q.nodes)) }
