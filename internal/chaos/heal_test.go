//go:build unix

package chaos

import "time"

const (
	equalWithin = 10 * time.Second // after the last fault and the last record
	patience    = time.Minute      // for what has no time of its own
	awaitLate   = 20 * time.Second // to see by how much something is late
	awaitEvery  = 5 * time.Millisecond
)

// healing is something that has to come after the faults.
type healing struct {
	what   string
	within time.Duration
	since  time.Time // zero: it waits for something else
	is     func(since time.Time) bool
	took   time.Duration // how long it took; until then zero
}

// heal waits, after the faults, until everything has recovered, or is late.
func (r *trial) heal() {
	time.Sleep(time.Until(r.load.Began.Add(r.plan.over))) // the rest of the load
	now, l := time.Now(), r.ledger
	r.healing = []healing{
		{what: "everything published", within: patience, since: now, is: func(time.Time) bool { return l.allPublished() }},
		{what: "everything acknowledged", within: patience, since: now, is: func(time.Time) bool { return l.allAcknowledged() }},
		{what: "everything saved", within: patience, since: now, is: func(time.Time) bool { return l.allPublished() && l.allSaved() }},
		{what: "everything consumed", within: patience, since: now, is: func(time.Time) bool { return l.allPublished() && l.allConsumed() }},
		{what: "all stores equal", within: equalWithin, is: l.storesEqual},
	}
	published, equal := &r.healing[0], &r.healing[4]
	tick := time.NewTicker(awaitEvery)
	defer tick.Stop()
	for wait := true; wait; <-tick.C {
		wait = false
		for i := range r.healing {
			wait = r.healing[i].look() || wait
		}
		if equal.since.IsZero() && published.took > 0 {
			equal.since = time.Now() // lists from before do not count
			wait = true
		}
	}
	for _, h := range r.healing {
		r.judgeHealing(h)
	}
}

// await waits for one thing more.
func (r *trial) await(h healing) {
	tick := time.NewTicker(awaitEvery)
	defer tick.Stop()
	for h.look() {
		<-tick.C
	}
	r.healing = append(r.healing, h)
	r.judgeHealing(h)
}

func (r *trial) judgeHealing(h healing) {
	if h.took == 0 || h.took > h.within {
		r.ledger.wrong(unhealed, 1, "not within %s: %s (%s)", h.within, h.what, h)
	}
}

// look looks whether it has come. It returns whether to look again.
func (h *healing) look() bool {
	if h.since.IsZero() || h.took > 0 {
		return false
	}
	took := max(time.Since(h.since), 1)
	if h.is(h.since) {
		h.took = took
	}
	return h.took == 0 && took < h.within+awaitLate
}

// String says how long it took.
func (h healing) String() string {
	switch {
	case h.since.IsZero():
		return "not waited for"
	case h.took == 0:
		return "not seen"
	}
	return h.took.Round(100 * time.Millisecond).String()
}
