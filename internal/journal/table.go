package journal

import (
	"errors"
	"math"
	"slices"
)

// topic is the state of one topic. Those held are trimmed to next-1.
type topic struct {
	name          string
	id            int
	next, trimmed uint64

	touched bool // records of it wait to be written
	dirty   bool // its trim waits to be written

	// What the files say; only whoever has [Journal.io] looks at these.
	writtenNext, writtenTrimmed uint64
}

// table is all topics, by id and by name.
type table struct {
	topics []*topic
	byName map[string]*topic
}

func newTable(states []topicState) *table {
	t := &table{byName: make(map[string]*topic, len(states))}
	for _, s := range states {
		p := t.add(s.name, s.next)
		p.trimmed, p.writtenTrimmed = s.trimmed, s.trimmed
	}
	return t
}

// add makes a topic that begins at first.
func (t *table) add(name string, first uint64) *topic {
	p := &topic{name: name, id: len(t.topics), next: first, trimmed: first}
	p.writtenNext, p.writtenTrimmed = first, first
	t.topics = append(t.topics, p)
	t.byName[name] = p
	return p
}

// states returns the table as a header takes it.
func (t *table) states() []topicState {
	states := make([]topicState, len(t.topics))
	for i, p := range t.topics {
		states[i] = topicState{p.name, p.next, p.trimmed}
	}
	return states
}

// What is wrong with an intact entry: the file is not the one that followed.
var (
	errEntry     = errors.New("an entry makes no sense")
	errUnknownID = errors.New("an entry is for a topic that is not there")
	errTwice     = errors.New("a topic is there twice")
	errOrder     = errors.New("a record is not its topic's next one")
	errAhead     = errors.New("a trim is beyond its topic's end")
)

// apply follows an entry that was read.
func (t *table) apply(e entry) error {
	switch e.kind {
	case kindEnd:
		return nil
	case kindTopic:
		if t.byName[string(e.name)] != nil || len(t.topics) == MaxTopics {
			return errTwice
		}
		t.add(string(e.name), e.seq)
		return nil
	}
	if e.id >= uint64(len(t.topics)) {
		return errUnknownID
	}
	p := t.topics[e.id]
	if e.kind == kindTrim {
		if e.seq > p.next {
			return errAhead
		}
		p.trimmed = max(p.trimmed, e.seq)
		return nil
	}
	if e.seq != p.next || e.seq == math.MaxUint64 {
		return errOrder
	}
	p.next++
	return nil
}

// continues checks that a segment which begins with states follows what was
// read into the table so far, and takes over its trims.
func (t *table) continues(states []topicState) error {
	same := slices.EqualFunc(t.topics, states, func(p *topic, s topicState) bool {
		return p.name == s.name && p.next == s.next && p.trimmed <= s.trimmed
	})
	if !same {
		return errors.New("its topics are not those at the end of the segment before")
	}
	for i, s := range states {
		t.topics[i].trimmed = s.trimmed
	}
	return nil
}

// trims reports whether everything below the heads is trimmed.
func (t *table) trims(heads []head) bool {
	return !slices.ContainsFunc(heads, func(h head) bool { return t.topics[h.id].trimmed < h.next })
}
