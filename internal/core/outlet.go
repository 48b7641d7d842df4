package core

import "slices"

// OutletConfig bounds what waits on one link.
type OutletConfig struct {
	ControlBytes int // control messages not yet written; more closes the link
	Jobs         int // answers under way; more are refused
}

// DefaultOutletConfig returns the bounds a node uses.
func DefaultOutletConfig() OutletConfig {
	return OutletConfig{ControlBytes: 4 << 20, Jobs: 4096}
}

// Outlet decides what one link sends next: control messages first, then the
// cursors and jobs that have something to send, in turn.
type Outlet struct {
	cfg     OutletConfig
	Subs    Subscriptions
	cursors map[*Log]*Cursor
	jobs    map[jobKey][]*Job
	running int // jobs
	turns   []turn
	taken   int // of turns, those that have passed
	control int
	Skipped uint64 // records that the window dropped before this link sent them
	Refused uint64 // requests beyond the bound
}

// jobKey is what answers must have in common to become one.
type jobKey struct {
	kind      JobKind
	partition Partition
	requester string
	time      uint64
}

func (j *Job) key() jobKey { return jobKey{j.Kind, j.Partition, j.Requester, j.Time} }

// turn is a cursor or a job that has something to send.
type turn struct {
	cursor *Cursor
	job    *Job
}

// ItemKind tells what an Item is.
type ItemKind int

// What a link may have to send.
const (
	ItemNone    ItemKind = iota // nothing: sleep
	ItemControl                 // all control messages queued so far
	ItemSlice                   // encoded records
	ItemHead                    // a HEAD
	ItemJob                     // the next step of a job
)

// Item is what a link sends next.
type Item struct {
	Kind  ItemKind
	Slice Slice  // ItemSlice
	Log   *Log   // ItemHead: whose
	Head  uint64 // ItemHead: the sequence to announce, the last one this link has sent
	Job   *Job   // ItemJob: call Served when the step is done
}

// NewOutlet returns the outlet of a new link.
func NewOutlet(cfg OutletConfig) *Outlet {
	return &Outlet{cfg: cfg, cursors: make(map[*Log]*Cursor), jobs: make(map[jobKey][]*Job)}
}

// Control counts size bytes of control messages as queued. It returns false
// when they pass the bound: the link must then be closed, for control is never
// dropped.
func (o *Outlet) Control(size int) bool {
	o.control += size
	return o.control <= o.cfg.ControlBytes
}

// Pending reports whether Next has something.
func (o *Outlet) Pending() bool { return o.control > 0 || o.taken < len(o.turns) }

// Follow gives the log of a topic a cursor on this link if its peer subscribed
// to it, and moves the cursor as the subscriptions say. Call it when either the
// log or a subscription is new or gone. A log that is new is followed from its
// first record on, one that was there from behind its head.
func (o *Outlet) Follow(l *Log) {
	live, heads := o.Subs.MatchTopic('M', l.Topic), o.Subs.MatchTopic('H', l.Topic)
	c := o.cursors[l]
	if c == nil {
		if !live && !heads {
			return
		}
		c = &Cursor{log: l}
		o.cursors[l] = c
	}
	c.setLive(live)
	c.setHeads(heads)
	if !live && !heads {
		delete(o.cursors, l)
		return
	}
	o.wake(c)
}

// Wake notes that a log has something new. It reports whether this link has.
func (o *Outlet) Wake(l *Log) bool {
	c := o.cursors[l]
	if c == nil {
		return false
	}
	return o.wake(c)
}

func (o *Outlet) wake(c *Cursor) bool {
	if c.queued || !c.pending() {
		return c.queued
	}
	c.queued = true
	o.line(turn{cursor: c})
	return true
}

// Fetch adds the answer to a FETCH, or extends the one under way that it
// continues. It returns false when too many are under way.
func (o *Outlet) Fetch(p Partition, requester string, first, count uint64, mark bool) bool {
	r := Range{First: first, End: fetchEnd(first, count)}
	for _, j := range o.jobs[jobKey{JobRecords, p, requester, 0}] {
		if j.merge(r) {
			return true
		}
	}
	return o.add(&Job{Kind: JobRecords, Partition: p, Requester: requester, Range: r, Mark: mark})
}

// Heads adds a list of heads for topic, "" for all topics. It returns false
// when too many answers are under way.
func (o *Outlet) Heads(topic, requester string, mark bool) bool {
	return o.HeadsAt(topic, requester, mark, 0)
}

// HeadsAt is Heads that say where a time begins.
func (o *Outlet) HeadsAt(topic, requester string, mark bool, time uint64) bool {
	j := &Job{Kind: JobHeads, Partition: Partition{Topic: topic}, Requester: requester, Mark: mark, Time: time}
	if same := o.jobs[j.key()]; len(same) > 0 {
		same[0].again = true
		return true
	}
	return o.add(j)
}

func (o *Outlet) add(j *Job) bool {
	if o.running >= o.cfg.Jobs {
		o.Refused++
		return false
	}
	o.running++
	o.jobs[j.key()] = append(o.jobs[j.key()], j)
	o.line(turn{job: j})
	return true
}

// line puts a turn behind the others.
func (o *Outlet) line(t turn) { o.turns = append(o.turns, t) }

// turn takes the turn whose time has come; ok is false when there is none. The
// places of those that passed are used again.
func (o *Outlet) turn() (t turn, ok bool) {
	if o.taken == len(o.turns) {
		return turn{}, false
	}
	t = o.turns[o.taken]
	if o.taken++; 2*o.taken >= len(o.turns) {
		left := copy(o.turns, o.turns[o.taken:])
		clear(o.turns[left:])
		o.turns, o.taken = o.turns[:left], 0
	}
	return t, true
}

// Next returns what to send next and takes it as sent. A job keeps its turn to
// itself until Served.
func (o *Outlet) Next() Item {
	if o.control > 0 {
		o.control = 0
		return Item{Kind: ItemControl}
	}
	for {
		t, ok := o.turn()
		if !ok {
			return Item{}
		}
		if t.job != nil {
			return Item{Kind: ItemJob, Job: t.job}
		}
		if item := o.step(t.cursor); item.Kind != ItemNone {
			return item
		}
	}
}

func (o *Outlet) step(c *Cursor) Item {
	c.queued = false
	if c.headDue() && (c.welcome || c.atHead()) {
		head := c.announce()
		o.wake(c)
		return Item{Kind: ItemHead, Log: c.log, Head: head}
	}
	if c.atHead() {
		return Item{}
	}
	s, skipped := c.next()
	o.Skipped += skipped
	o.wake(c)
	if s.Chunk == nil {
		return Item{}
	}
	return Item{Kind: ItemSlice, Slice: s}
}

// Served notes that a step of j is done; finished is true when nothing is left.
func (o *Outlet) Served(j *Job, finished bool) {
	if finished && j.again {
		j.again, j.Started, finished = false, false, false
	}
	if !finished {
		o.line(turn{job: j})
		return
	}
	o.running--
	same := slices.DeleteFunc(o.jobs[j.key()], func(other *Job) bool { return other == j })
	if o.jobs[j.key()] = same; len(same) == 0 {
		delete(o.jobs, j.key())
	}
}

// Behind returns how many records of all followed logs this link has not sent.
func (o *Outlet) Behind() (n uint64) {
	for l, c := range o.cursors {
		if c.live {
			n += l.shown.next - c.seq
		}
	}
	return n
}
