package sim

import "time"

// event is something that happens at a time, to the whole world or to a host.
type event struct {
	at   time.Duration // since the world began
	turn uint64        // ties go by the order in which they were planned
	host *host         // nil: the world
	do   func()
}

func (e *event) before(f *event) bool { return e.at < f.at || e.at == f.at && e.turn < f.turn }

// events is a heap with the next event on top. Each has up to four below it: a
// history plans and takes some hundred thousand, most of them soon after now.
type events []event

func (e *events) push(ev event) {
	h := append(*e, event{})
	*e = h
	i := len(h) - 1
	for i > 0 {
		up := (i - 1) / 4
		if !ev.before(&h[up]) {
			break
		}
		h[i] = h[up]
		i = up
	}
	h[i] = ev
}

func (e *events) pop() event {
	h := *e
	top, last := h[0], h[len(h)-1]
	h[len(h)-1] = event{}
	h = h[:len(h)-1]
	*e = h
	if len(h) > 0 {
		h.sink(last)
	}
	return top
}

// sink puts ev where the top was, or below.
func (e events) sink(ev event) {
	i := 0
	for {
		least, end := 4*i+1, min(4*i+5, len(e))
		if least >= len(e) {
			break
		}
		for j := least + 1; j < end; j++ {
			if e[j].before(&e[least]) {
				least = j
			}
		}
		if ev.before(&e[least]) {
			break
		}
		e[i] = e[least]
		i = least
	}
	e[i] = ev
}

// after plans something that happens to the world.
func (w *World) after(d time.Duration, do func()) { w.plan(nil, d, do) }

// after plans something that the process does: not when it is gone, and not
// before it goes on when it is stopped.
func (h *host) after(d time.Duration, do func()) { h.world.plan(h, d, do) }

func (w *World) plan(h *host, d time.Duration, do func()) {
	w.count++
	w.events.push(event{at: w.elapsed + max(d, 0), turn: w.count, host: h, do: do})
}

// happen lets an event happen.
func (w *World) happen(e event) {
	switch h := e.host; {
	case h == nil:
		e.do()
	case h.gone:
	case h.stopped:
		h.waiting = append(h.waiting, e.do)
	default:
		e.do()
		h.settle()
	}
}

// run lets d pass, or less when something fails.
func (w *World) run(d time.Duration) { w.until(d, 0, func() bool { return false }) }

// runUntil lets time pass until done, at most d, and says whether it was done.
// It looks after every event.
func (w *World) runUntil(d time.Duration, done func() bool) bool { return w.until(d, 0, done) }

// lookEvery is how often await looks.
const lookEvery = 5 * time.Millisecond

// await is runUntil for what takes long to look at: it looks now and then.
func (w *World) await(d time.Duration, done func() bool) bool { return w.until(d, lookEvery, done) }

// until looks whether it is done after every event that comes later than every
// after the last look.
func (w *World) until(d, every time.Duration, done func() bool) bool {
	end, look := w.elapsed+d, w.elapsed
	for w.failed == nil {
		if w.elapsed >= look {
			if done() {
				return true
			}
			look = w.elapsed + every
		}
		if len(w.events) == 0 || w.events[0].at > end {
			w.pass(end)
			return done()
		}
		e := w.events.pop()
		w.pass(e.at)
		w.happen(e)
		if w.happened++; w.happened > maxEvents {
			w.failf("%d events: something goes round in circles", w.happened)
		}
	}
	return false
}

// pass lets the time be so long after the beginning.
func (w *World) pass(at time.Duration) { w.elapsed, w.now = at, epoch.Add(at) }
