package core

import (
	"slices"
	"strings"
	"time"

	"github.com/beckmesh/beck/protocol"
)

// Want is what an intake was asked to take: one topic, the topics of a pattern,
// or all.
type Want struct {
	Name    string // the topic's, or the pattern's text; "" for all topics
	Pattern bool
}

// WantOf returns what a pattern asks for.
func WantOf(p Pattern) Want {
	if topic, exact := p.Topic(); exact {
		return Want{Name: topic}
	}
	return Want{string(p), true}
}

// Subscription returns what to subscribe to for messages of one kind: that of the
// topic and no other; or, for a pattern, what all its topics begin with, and
// others may.
func (w Want) Subscription(k protocol.Kind) string {
	if w.Pattern {
		return string(rune(k)) + Pattern(w.Name).Prefix()
	}
	return protocol.Subscription(k, w.Name)
}

// Match reports whether a topic is among what is wanted.
func (w Want) Match(topic string) bool {
	if w.Pattern {
		return Pattern(w.Name).Match(topic)
	}
	return w.Name == topic || w.Name == ""
}

// list returns the list of heads that tells of what is wanted: the topic's, or
// "", that of all topics.
func (w Want) list() string {
	if w.Pattern {
		return ""
	}
	return w.Name
}

// Compare orders wants: topics, then patterns.
func (w Want) Compare(v Want) int {
	if w.Pattern != v.Pattern {
		if v.Pattern {
			return -1
		}
		return 1
	}
	return strings.Compare(w.Name, v.Name)
}

// want is what an intake knows of a Want.
type want struct {
	Want
	since time.Time
	start Start
	empty map[string]bool  // producers whose lists have ended: what they did not name is new
	links map[string]tally // a pattern's: by producer
}

// tally counts what a pattern takes of one producer.
type tally struct {
	parts, dark int // partitions; those of them whose live records are not wanted
}

// lit reports whether live records are wanted of what is counted.
func (t tally) lit() bool { return t.parts == 0 || t.dark < t.parts }

// WantAll makes the intake take every topic. Sources are then asked for the
// heads of all at once.
func (in *Intake) WantAll(now time.Time) {
	in.all = true
	in.WantFrom(Want{}, Start{}, now)
}

// Want adds a topic and asks every source for its heads.
func (in *Intake) Want(topic string, now time.Time) {
	in.WantFrom(Want{Name: topic}, Start{}, now)
}

// WantFrom adds a topic, or those of a pattern, whose partitions begin at start,
// and asks every source for their heads. What is wanted already stays as it is; a
// partition that several wants take is received once, and begins as its topic's
// own want says, or else the first pattern's.
func (in *Intake) WantFrom(w Want, start Start, now time.Time) {
	i, known := in.wantIndex(w)
	if known {
		return
	}
	t := &want{Want: w, since: now, start: start}
	in.wants = slices.Insert(in.wants, i, t)
	if w.Pattern {
		t.links = make(map[string]tally)
		in.cover(t)
	} else {
		in.topics[w.Name] = t
	}
	list := w.list()
	if at, listed := slices.BinarySearch(in.lists, list); !listed {
		in.lists = slices.Insert(in.lists, at, list)
	}
	for _, s := range in.sorted {
		if a := s.asks[list]; a == nil || a.at.Before(now) { // what the list named before was not wanted
			in.ask(s, list, now)
		}
	}
}

// cover has a pattern take the partitions that are known by other wants.
func (in *Intake) cover(t *want) {
	for _, q := range in.parts {
		if t.Match(q.Topic) {
			q.wants = append(q.wants, t)
			slices.SortFunc(q.wants, func(a, b *want) int { return a.Compare(b.Want) })
			t.count(q, 1)
		}
	}
}

// count adds a partition to the tally of a pattern, or takes it away.
func (t *want) count(q *part, n int) {
	c := t.links[q.Producer]
	c.parts += n
	if !q.live {
		c.dark += n
	}
	if t.links[q.Producer] = c; c.parts == 0 {
		delete(t.links, q.Producer)
	}
}

// greet counts a new partition, whose live records are wanted: they come again if
// those of the producer's others were not.
func (in *Intake) greet(t *want, q *part) {
	dark := !t.links[q.Producer].lit()
	if t.count(q, 1); dark {
		in.out.Live = append(in.out.Live, LiveOrder{Want: t.Want, Producer: q.Producer, On: true})
	}
}

func (in *Intake) wantIndex(w Want) (int, bool) {
	return slices.BinarySearchFunc(in.wants, w, func(t *want, w Want) int { return t.Compare(w) })
}

// Unwant removes a topic and forgets its partitions, unless a pattern takes them
// too. What was delivered stays delivered.
func (in *Intake) Unwant(topic string) { in.Drop(Want{Name: topic}) }

// Drop is Unwant for anything that is wanted.
func (in *Intake) Drop(w Want) {
	i, known := in.wantIndex(w)
	if !known {
		return
	}
	t := in.wants[i]
	in.wants = slices.Delete(in.wants, i, i+1)
	if !w.Pattern {
		delete(in.topics, w.Name)
	}
	for _, q := range in.parts {
		at := slices.Index(q.wants, t)
		if at < 0 {
			continue
		}
		if q.wants = slices.Delete(q.wants, at, at+1); len(q.wants) == 0 {
			in.forget(q)
		}
	}
	in.dropList(w.list())
}

// dropList forgets a list that no want needs any more.
func (in *Intake) dropList(list string) {
	if slices.ContainsFunc(in.wants, func(t *want) bool { return t.list() == list }) {
		return
	}
	in.lists = slices.DeleteFunc(in.lists, func(l string) bool { return l == list })
	for _, s := range in.sorted {
		if a := s.asks[list]; a != nil {
			s.close(a)
			delete(s.asks, list)
		}
	}
}

// Takes reports whether a partition is wanted. It is for those who subscribed to
// what a pattern's topics begin with, and get others too.
func (in *Intake) Takes(p Partition) bool {
	if n := len(in.wants); n == 0 || !in.wants[n-1].Pattern || in.parts[p] != nil {
		return true
	}
	return in.all || len(in.covering(p.Topic)) > 0
}

// covering returns the wants that take a topic, its own first. Of what is taken
// because all is wanted there is none.
func (in *Intake) covering(topic string) (over []*want) {
	for i := len(in.wants) - 1; i >= 0 && in.wants[i].Pattern; i-- {
		if in.wants[i].Match(topic) {
			over = append(over, in.wants[i])
		}
	}
	if t := in.topics[topic]; t != nil && topic != "" {
		over = append(over, t)
	}
	slices.Reverse(over)
	return over
}

// listing returns the wants whose heads a list names.
func (in *Intake) listing(list string) (named []*want) {
	if t := in.topics[list]; t != nil {
		named = append(named, t)
	}
	for i := len(in.wants) - 1; list == "" && i >= 0 && in.wants[i].Pattern; i-- {
		named = append(named, in.wants[i])
	}
	return named
}

// Wants returns what is wanted, topics first.
func (in *Intake) Wants() []Want {
	wants := make([]Want, len(in.wants))
	for i, t := range in.wants {
		wants[i] = t.Want
	}
	return wants
}

// LiveOf reports whether a producer's live records of what is wanted are wanted
// now.
func (in *Intake) LiveOf(w Want, producer string) bool {
	if !w.Pattern {
		q := in.parts[Partition{w.Name, producer}]
		return q == nil || q.live
	}
	i, known := in.wantIndex(w)
	return !known || in.wants[i].links[producer].lit()
}

// shine sets whether live records of a partition are wanted, and orders what that
// changes: a pattern's subscription ends when none of what it takes of the
// producer is wanted live, for it cannot leave out one topic.
func (in *Intake) shine(q *part, live bool) {
	if q.live == live {
		return
	}
	q.live = live
	for _, t := range q.wants {
		was := !live
		if t.Pattern {
			c := t.links[q.Producer]
			was = c.lit()
			if c.dark++; live {
				c.dark -= 2
			}
			t.links[q.Producer] = c
			if c.lit() == was {
				continue
			}
		}
		in.out.Live = append(in.out.Live, LiveOrder{Want: t.Want, Producer: q.Producer, On: live})
	}
}
