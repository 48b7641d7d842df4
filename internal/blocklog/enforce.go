package blocklog

import (
	"container/heap"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Trimmed says what [Log.Enforce] did.
type Trimmed struct {
	Trims     []Trim
	Forgotten []Partition // whose tombstones were dropped
	More      bool        // there is more to do at once: call again
}

// Trim is a tail that was raised.
type Trim struct {
	Partition
	From, Tail uint64 // where the tail was and is
	Records    uint64 // records that went
	Content    uint64 // bytes of their contents
	Emptied    bool   // none is left
}

// A call of Enforce plans at most enforceParts partitions and reads about
// enforceBytes, so that it is done in a second or so.
const (
	enforceParts = 10_000
	enforceBytes = 64 << 20
)

// retention is what Enforce knows between two calls.
type retention struct {
	sync.Mutex        // one call at a time
	rules      Rules  // of the last call
	begun      bool   // there was one
	aging      agings // when to look at partitions that did not change
}

// Enforce raises the tail of each partition to what its topic's policy allows,
// and drops tombstones older than [Options.TombstoneAge]. Tails are on disk when
// it returns; Read and State show nothing below them from then on, and the space
// is given back in the background. now is compared with the times in blocks,
// which are those of [Options.Now].
//
// It looks only at partitions that were written to since the last call or may
// have aged, and at all of them when rules change; it may be called every second.
// What went wrong with some partitions does not keep it from the others: both
// results count.
func (l *Log) Enforce(rules Rules, now time.Time) (Trimmed, error) {
	if err := l.enter(); err != nil {
		return Trimmed{}, err
	}
	defer l.leave()
	l.retention.Lock()
	defer l.retention.Unlock()
	e := enforcement{log: l, rules: rules, now: now}
	e.plan(l.due(rules, now))
	e.apply()
	if l.writing.TryLock() { // for commits that nothing followed
		l.keepWatermark(l.opts.Now())
		l.writing.Unlock()
	}
	for _, p := range e.looked {
		l.schedule(p, rules.Policy(p.Topic), now)
	}
	if len(e.errs) > 0 {
		return e.report, fmt.Errorf("blocklog: enforce retention: %w", errors.Join(e.errs...))
	}
	return e.report, nil
}

// enforcement is one call of Enforce.
type enforcement struct {
	log    *Log
	rules  Rules
	now    time.Time
	looked []Partition
	trims  []*trim
	forget []tombstone
	errs   []error
	report Trimmed
}

// tombstone is a partition to be forgotten, as it was seen.
type tombstone struct {
	Partition
	changes, next uint64
}

// plan finds out what to do with each of ps, until it is enough for one call.
func (e *enforcement) plan(ps []Partition) {
	read := 0
	for i, p := range ps {
		if len(e.trims) >= enforceParts || read >= enforceBytes {
			e.log.again(ps[i:])
			e.report.More = true
			return
		}
		e.looked = append(e.looked, p)
		t, err := e.inspect(p)
		if err != nil {
			e.errs = append(e.errs, fmt.Errorf("%v: %w", p, err))
		}
		if t != nil && err == nil {
			read += t.read
			e.trims = append(e.trims, t)
		}
	}
}

// inspect plans the trimming of one partition, nil if nothing is to be done.
func (e *enforcement) inspect(p Partition) (*trim, error) {
	s, changes, known := e.log.look(p)
	if !known {
		return nil, nil
	}
	if s.Records == 0 && s.Tail == s.Next {
		if s.forgetAt(e.log.opts.TombstoneAge) <= e.now.UnixMilli() {
			e.forget = append(e.forget, tombstone{p, changes, s.Next})
		}
		return nil, nil
	}
	d, wanted := e.rules.Policy(p.Topic).demand(&s, e.now)
	if !wanted {
		return nil, nil
	}
	t, err := e.log.planTrim(p, s, changes, d)
	if err == nil && t.tail == t.from {
		e.log.learn(t)
		return nil, nil
	}
	return t, err
}

// forgetAt returns when the tombstone s is to be dropped, ms.
func (s *state) forgetAt(age time.Duration) int64 {
	return max(s.Emptied, s.PurgedAt) + age.Milliseconds()
}

// apply writes all that was planned at once.
func (e *enforcement) apply() {
	if len(e.trims) == 0 && len(e.forget) == 0 {
		return
	}
	l := e.log
	l.writing.Lock()
	defer l.writing.Unlock()
	c := l.newChange()
	report, swept, err := e.change(c)
	switch {
	case err != nil:
		err = c.abort(err)
	case len(c.entries) == 0:
		err = c.batch.Close()
	default:
		err = c.commit()
	}
	if err != nil {
		e.errs = append(e.errs, err)
		l.again(e.looked)
		return
	}
	report.More = report.More || e.report.More
	e.report = report
	l.reclaim(swept)
}

func (e *enforcement) change(c *change) (report Trimmed, swept uint64, err error) {
	for _, t := range e.trims {
		at, err := c.trim(t)
		if err != nil {
			return report, 0, fmt.Errorf("%v: %w", t.Partition, err)
		}
		if at == nil { // it changed meanwhile, which has it looked at again
			report.More = true
			continue
		}
		if at.swept {
			swept += at.dead + c.log.deadBytes(t.Partition)
		}
		report.Trims = append(report.Trims, Trim{Partition: t.Partition, From: t.from, Tail: t.tail,
			Records: t.dropped.records, Content: t.dropped.content, Emptied: at.after.Tail == at.after.Next})
	}
	for _, gone := range e.forget {
		s, changes, known := c.log.look(gone.Partition)
		if !known || changes != gone.changes || s.Next != gone.next {
			continue
		}
		c.entry(gone.Partition, s).dropped = true
		if err := c.sweepQuarantine(gone.Partition, s.Next); err != nil {
			return report, 0, err
		}
		report.Forgotten = append(report.Forgotten, gone.Partition)
	}
	return report, swept, nil
}

// due returns the partitions to look at: all if the rules changed, otherwise
// those that were touched and those whose time has come.
func (l *Log) due(rules Rules, now time.Time) []Partition {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := &l.retention
	var out []Partition
	if !r.begun || !slices.Equal(r.rules, rules) {
		r.begun, r.rules = true, slices.Clone(rules)
		out = slices.Clone(l.order)
	} else {
		out = l.touched
		for len(r.aging) > 0 && r.aging[0].due <= now.UnixMilli() {
			a := heap.Pop(&r.aging).(aging)
			q := l.parts[a.Partition]
			if q == nil || q.due != a.due {
				continue
			}
			if q.due = 0; !q.touched {
				out = append(out, a.Partition)
			}
		}
	}
	for _, p := range l.touched {
		if q := l.parts[p]; q != nil {
			q.touched = false
		}
	}
	l.touched = nil
	return out
}

// again has Enforce look at ps in the next call.
func (l *Log) again(ps []Partition) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range ps {
		if q := l.parts[p]; q != nil && !q.touched {
			q.touched = true
			l.touched = append(l.touched, p)
		}
	}
}

// learn notes how old a partition really is.
func (l *Log) learn(t *trim) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if q := l.parts[t.Partition]; q != nil && q.changes == t.changes && t.oldest != 0 {
		q.oldest = t.oldest
	}
}

// unknownAge is when Enforce looks again at a partition whose age cannot be read.
const unknownAge = time.Minute

// schedule sees to it that Enforce looks at p when it may have aged.
func (l *Log) schedule(p Partition, policy Policy, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	q := l.parts[p]
	if q == nil {
		return
	}
	var due int64
	switch {
	case q.Records == 0 && q.Tail == q.Next:
		due = q.forgetAt(l.opts.TombstoneAge)
	case policy.Age == 0:
		return
	case q.oldest == 0:
		due = now.Add(unknownAge).UnixMilli()
	default:
		due = max(q.oldest+policy.Age.Milliseconds(), now.UnixMilli()+1)
	}
	// One entry a partition: what is due later is found when that one is.
	if q.due == 0 || due < q.due {
		q.due = due
		heap.Push(&l.retention.aging, aging{due, p})
	}
}

// aging is when a partition may have aged.
type aging struct {
	due int64
	Partition
}

// agings is a [heap.Interface].
type agings []aging

func (a agings) Len() int           { return len(a) }
func (a agings) Less(i, j int) bool { return a[i].due < a[j].due }
func (a agings) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }
func (a *agings) Push(x any)        { *a = append(*a, x.(aging)) }
func (a *agings) Pop() any {
	last := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return last
}
