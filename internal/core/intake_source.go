package core

import (
	"maps"
	"slices"
	"time"
)

// source is a linked peer, with the lists of heads it was asked for.
type source struct {
	Source
	heard   time.Time // when it last answered a FETCH
	silent  bool      // it did not answer the last one in time
	fetches int       // answers under way
	asks    map[string]*ask
	open    int       // asks that were sent, and whose list has not ended
	queue   []string  // topics to be asked for when one has
	due     time.Time // when the first ask is to be repeated
}

// ask is one topic's GET-HEADS to one source.
type ask struct {
	at     time.Time // when it was sent
	last   time.Time // when the list last brought something
	done   bool      // the list ended
	every  time.Duration
	change bool // the list brought something new
	open   bool // it is counted in source.open
	queued bool // it is in source.queue
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
	in.stores = in.stores || s.All
	for _, name := range in.lists {
		in.ask(src, name, now)
	}
	for _, q := range in.sortedActive(anyPart) {
		delete(q.refused, s.ID)
		in.pursue(q, now)
	}
	in.mendsOf(s.ID, now)
	in.grant(now)
}

func anyPart(*part) bool { return true }

// Source returns a peer that can be asked; false if it cannot.
func (in *Intake) Source(id string) (Source, bool) {
	s := in.sources[id]
	if s == nil {
		return Source{}, false
	}
	return s.Source, true
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
	if in.lookup != nil {
		delete(in.lookup.open, id)
	}
	for _, q := range in.sortedActive(anyPart) {
		delete(q.claims, id)
		delete(q.refused, id)
		if q.fetch.source == id {
			in.endFetch(q)
		}
		if q.Producer == id {
			in.dropUnstored(q)
		}
		in.pursue(q, now)
	}
	in.mendsOf(id, now)
	in.grant(now)
	if !src.All {
		in.askStores(now)
	}
}

// askStores asks the stores for all heads now, or, where that was done just
// before, soon: producers may leave by the hundred.
func (in *Intake) askStores(now time.Time) {
	for _, s := range in.sorted {
		if !s.All {
			continue
		}
		for _, name := range in.lists {
			if a := s.asks[name]; a != nil && now.Sub(a.at) < askPause {
				a.every = askPause
				in.plan(s, a)
				continue
			}
			in.ask(s, name, now)
		}
	}
}

// askPause is the least time between two asks because a producer left.
const askPause = 500 * time.Millisecond

// plan has an ask repeated at its time.
func (in *Intake) plan(s *source, a *ask) {
	s.due = earlier(s.due, a.wake())
	in.soonest = earlier(in.soonest, s.due)
}

// maxAsks bounds the lists that one source is asked for at a time: a peer refuses
// when too many answers are under way (OutletConfig.Jobs). A foreign one marks no
// end of a list, so there is no telling.
const maxAsks = 1024

// ask sends GET-HEADS, or has it wait until the source has answered others.
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
	in.plan(s, a)
	if !s.Foreign && !a.open {
		if s.open >= maxAsks {
			if !a.queued {
				a.queued = true
				s.queue = append(s.queue, name)
			}
			return
		}
		a.open = true
		s.open++
	}
	in.out.Ask = append(in.out.Ask, AskOrder{Source: s.ID, Topic: name})
}

// close notes that an ask is answered, or will not be.
func (s *source) close(a *ask) {
	if a.open {
		a.open = false
		s.open--
	}
}

// askQueued asks for what had to wait.
func (in *Intake) askQueued(s *source, now time.Time) {
	for s.open < maxAsks && len(s.queue) > 0 {
		name := s.queue[0]
		s.queue = s.queue[1:]
		if a := s.asks[name]; a != nil && a.queued {
			a.queued = false
			in.ask(s, name, now)
		}
	}
}

// tickAsks repeats the asks that are due, ever more rarely while nothing changes.
func (in *Intake) tickAsks(s *source, now time.Time) {
	if s.due.IsZero() || now.Before(s.due) {
		return
	}
	s.due = time.Time{}
	for _, name := range in.lists {
		a := s.asks[name]
		if a == nil {
			continue
		}
		if now.Before(a.wake()) {
			in.plan(s, a)
			continue
		}
		if a.change {
			a.every = in.cfg.AskEvery
		} else {
			a.every = max(in.cfg.AskEvery, min(2*a.every, in.cfg.AskMax))
		}
		in.ask(s, name, now)
	}
}

// ListEnd notes that a source has listed all its heads of a topic.
func (in *Intake) ListEnd(id, name string, now time.Time) {
	s := in.sources[id]
	if s == nil || s.asks[name] == nil {
		return
	}
	s.asks[name].done = true
	s.close(s.asks[name])
	in.askQueued(s, now)
	for _, t := range in.listing(name) {
		if s.All || len(t.empty) >= in.cfg.MaxPartitions {
			continue
		}
		if t.empty == nil {
			t.empty = make(map[string]bool)
		}
		t.empty[id] = true // what it has not named, and writes from now on, is new
	}
}

// State takes what a source stated of a partition: live, or (direct) addressed
// to us.
func (in *Intake) State(id string, direct bool, st Statement, now time.Time) {
	if st.Head == ^uint64(0) {
		return // no record can follow, and none can be there
	}
	s := in.sources[id]
	none := direct && st.refusesAll()
	if none && in.parts[st.Partition] == nil {
		return
	}
	in.listed(s, st.Partition.Topic, now)
	q := in.part(st.Partition)
	if q == nil {
		return
	}
	if st.Time > 0 && direct && s != nil {
		in.found(s, q, st)
	}
	end := st.Head + 1
	if none {
		end = 0
	}
	before := q.head
	q.head, q.named = max(q.head, end), true
	in.inStore(id, q, end)
	if q.ignored {
		q.next = q.head
	}
	if !q.settled && !none {
		in.settleByHead(q, id, end, before, st.Lowest)
	}
	if s != nil {
		if a := s.list(q.Topic); a != nil {
			a.change = a.change || end > before
		}
		in.claim(s, q, st, end, direct, now)
	}
	in.pursue(q, now)
	in.grant(now)
}

// refusesAll reports whether the sender has nothing, and does not even know
// how far the partition goes. One that had records and dropped them all names
// its head, a lowest sequence behind it, and, which tells a single record from
// none, the tail.
func (st Statement) refusesAll() bool {
	return st.HasLowest && st.Lowest > st.Head && st.Head == 0 && st.Tail == 0
}

// listed notes that a list goes on, whatever it names.
func (in *Intake) listed(s *source, topic string, now time.Time) {
	if s == nil {
		return
	}
	if a := s.list(topic); a != nil {
		a.last = now
	}
}

// list returns the ask whose list names a topic.
func (s *source) list(topic string) *ask {
	if a := s.asks[topic]; a != nil {
		return a
	}
	return s.asks[""]
}

// claim notes what a source has. A direct statement that leaves out what it was
// asked for is a refusal.
func (in *Intake) claim(s *source, q *part, st Statement, end uint64, direct bool, now time.Time) {
	if q.claims == nil {
		q.claims = make(map[string]claim)
	}
	if len(q.claims) > len(in.sources) {
		maps.DeleteFunc(q.claims, func(id string, _ claim) bool { return in.sources[id] == nil })
	}
	if direct {
		s.silent = false
	}
	c := claim{lowest: st.Lowest, end: end, tail: st.Tail}
	q.claims[s.ID] = c
	in.offer(q, s, c, direct, now)
	if c.covers(q.next) {
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
	if q.unserved.IsZero() {
		q.unserved = now
	}
	in.endFetch(q)
}
