package core

import (
	"slices"
	"time"
)

// source is a linked peer, with the lists of heads it was asked for.
type source struct {
	Source
	heard   time.Time // when it last answered a FETCH
	fetches int       // answers under way
	asks    map[string]*ask
}

// ask is one topic's GET-HEADS to one source.
type ask struct {
	at     time.Time // when it was sent
	last   time.Time // when the list last brought something
	done   bool      // the list ended
	every  time.Duration
	change bool // the list brought something new
}

// wake returns when the ask is to be repeated.
func (a *ask) wake() time.Time { return a.at.Add(a.every) }

// SourceUp notes that a peer can be asked and heard.
func (in *Intake) SourceUp(s Source, now time.Time) {
	i, known := in.sourceIndex(s.ID)
	if known {
		in.SourceDown(s.ID, now)
	}
	src := &source{Source: s, asks: make(map[string]*ask)}
	in.sources[s.ID] = src
	in.sorted = slices.Insert(in.sorted, i, src)
	for _, name := range in.Topics() {
		in.ask(src, name, now)
	}
	for _, q := range in.sortedActive() {
		delete(q.refused, s.ID)
		in.pursue(q, now)
	}
}

// SourceDown notes that a peer's link ended. What it was answering is asked of
// others; when it was a producer, the stores are asked at once how far they got.
func (in *Intake) SourceDown(id string, now time.Time) {
	i, known := in.sourceIndex(id)
	if !known {
		return
	}
	src := in.sorted[i]
	in.sorted = slices.Delete(in.sorted, i, i+1)
	delete(in.sources, id)
	for _, q := range in.sortedActive() {
		delete(q.claims, id)
		delete(q.refused, id)
		if q.fetch.source == id {
			q.fetch = fetch{}
		}
		in.pursue(q, now)
	}
	if src.All {
		return
	}
	for _, s := range in.sorted {
		for _, name := range in.Topics() {
			in.ask(s, name, now)
		}
	}
}

// ask sends GET-HEADS, unless a list is under way.
func (in *Intake) ask(s *source, name string, now time.Time) {
	if !s.Lists && !s.All {
		return
	}
	a := s.asks[name]
	if a == nil {
		a = &ask{every: in.cfg.AskEvery}
		s.asks[name] = a
	}
	a.at, a.last, a.change = now, now, false
	in.soonest = earlier(in.soonest, a.wake())
	in.out.Ask = append(in.out.Ask, AskOrder{Source: s.ID, Topic: name})
}

// tickAsks repeats the asks that are due, ever more rarely while nothing changes.
func (in *Intake) tickAsks(s *source, now time.Time) {
	for _, name := range in.Topics() {
		a := s.asks[name]
		if a == nil || now.Before(a.wake()) {
			continue
		}
		if a.change {
			a.every = in.cfg.AskEvery
		} else {
			a.every = min(2*a.every, in.cfg.AskMax)
		}
		in.ask(s, name, now)
	}
}

// ListEnd notes that a source has listed all its heads of a topic.
func (in *Intake) ListEnd(id, name string) {
	s := in.sources[id]
	if s == nil || s.asks[name] == nil {
		return
	}
	s.asks[name].done = true
	if t := in.topics[name]; t != nil && !s.All && in.parts[Partition{name, id}] == nil {
		if t.empty == nil {
			t.empty = make(map[string]bool)
		}
		t.empty[id] = true // whatever it writes from now on is new
	}
}

// State takes what a source stated of a partition: live, or (direct) addressed
// to us.
func (in *Intake) State(id string, direct bool, st Statement, now time.Time) {
	if st.Head == ^uint64(0) {
		return // no record can follow, and none can be there
	}
	s := in.sources[id]
	empty := st.HasLowest && st.Lowest > st.Head
	if empty && in.parts[st.Partition] == nil {
		return
	}
	q := in.part(st.Partition)
	if q == nil {
		return
	}
	end := st.Head + 1
	if empty {
		end = 0
	}
	before := q.head
	q.head = max(q.head, end)
	if !q.settled && !empty {
		in.settleByHead(q, id, end, before)
	}
	if s != nil {
		in.noteList(s, st, end > before, now)
		in.claim(s, q, st, end, direct, now)
	}
	in.pursue(q, now)
}

func (in *Intake) noteList(s *source, st Statement, news bool, now time.Time) {
	if a := s.asks[st.Partition.Topic]; a != nil {
		a.last = now
		a.change = a.change || news
	}
}

// claim notes what a source has. A direct statement that leaves out what it was
// asked for is a refusal.
func (in *Intake) claim(s *source, q *part, st Statement, end uint64, direct bool, now time.Time) {
	if q.claims == nil {
		q.claims = make(map[string]claim)
	}
	c := claim{lowest: st.Lowest, end: end, tail: st.Tail}
	q.claims[s.ID] = c
	covers := c.lowest <= q.next && q.next < c.end
	if covers {
		delete(q.refused, s.ID)
		return
	}
	if direct && q.fetch.source == s.ID {
		in.Stats.Refusals++
		in.refuse(q, s.ID, now)
	}
}

// refuse takes a source out of the choice for a while.
func (in *Intake) refuse(q *part, id string, now time.Time) {
	if q.refused == nil {
		q.refused = make(map[string]time.Time)
	}
	q.refused[id] = now.Add(in.cfg.Retry)
	q.fetch = fetch{}
}
