//go:build unix

package chaos

// reader is a consumer over all its lives, which go on under one name; a replay
// has one life.
type reader struct {
	had     map[place]marks  // what was delivered in any life
	reached map[place]uint64 // behind the last of it
	saved   map[place]uint64 // behind what a commit that came back had saved
	digests map[place]string
	ended   bool // has replayed everything

	next  map[place]uint64 // in this life, by the partitions that it has begun
	asked bool             // this life has asked for everything there is
}

// marks says of each offset whether something happened to it.
type marks []bool

func (m marks) set(first, end uint64) marks {
	for uint64(len(m)) < end {
		m = append(m, false)
	}
	for o := first; o < end; o++ {
		m[o] = true
	}
	return m
}

func (m marks) has(o uint64) bool { return o < uint64(len(m)) && m[o] }

func newReader() *reader {
	return &reader{
		had: make(map[place]marks), reached: make(map[place]uint64), saved: make(map[place]uint64),
		digests: make(map[place]string), next: make(map[place]uint64),
	}
}

// tally counts what happens to consumers.
type tally struct {
	lives      int
	fewStores  int // lives that began when too few stores were there to know every position
	inUse      int // beginnings that found the name taken
	unanswered int // ... and those that the stores did not answer
	commits    int // positions that were saved, each partition counted
}

// reads begins a life of a consumer or a replay.
func (l *ledger) reads(node string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.readers[node]
	r.next, r.asked = make(map[place]uint64), false
}

// again takes why a life ended before it began.
func (l *ledger) again(why string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if why == "in-use" {
		l.names.inUse++
	} else {
		l.names.unanswered++
	}
}

// began takes how many stores a life has read the positions of. Each position is
// in storeAcks of them: if so few answered that the newest may be in none of
// these, the life may go on at an older one, and what was saved counts no more.
func (l *ledger) began(node string, answered int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	need := stores - storeAcks + 1
	if l.refill != nil {
		need++ // the store that was wiped may be among them
	}
	l.names.lives++
	if l.resting && answered != stores {
		l.note(unhealed, 1, "%s began with what %d stores know, and %d are there", node, answered, stores)
	}
	if answered < need {
		l.names.fewStores++
		clear(l.readers[node].saved)
	}
}

// saved takes what a consumer was told is saved.
func (l *ledger) saved(node string, p place, next uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.readers[node]
	r.saved[p] = max(r.saved[p], next)
	l.names.commits++
}

// rest ends the faults: all stores are there, and equal.
func (l *ledger) rest() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.resting = true
}

// asked notes that a life has asked for everything there is.
func (l *ledger) asked(node string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.readers[node].asked = true
}

// gap takes what a consumer says about records that do not come. While stores
// are away a position may lie beyond what the others have; when all are there
// and equal it may not.
func (l *ledger) gap(node, kind, what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case kind == "skipped" || kind == "expired":
		l.note(skipped, 1, "%s: %s", node, what)
	case kind == "ahead" && l.resting:
		l.note(resumed, 1, "%s: %s", node, what)
	}
}

// got takes what a consumer delivered.
func (l *ledger) got(node string, d run) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.written(d.partition, d.producer)
	l.delivered += d.end - d.first
	of := l.at(d.place)
	of.seen = max(of.seen, d.end)
	r := l.readers[node]
	next, begun := r.next[d.place]
	switch {
	case !begun:
		l.resumes(node, r, d)
	case d.first < next:
		l.note(duplicated, min(next, d.end)-d.first, "%s got %s/%s %d–%d when it had all below %d", node, d.topic, d.partition, d.first, d.end-1, next)
	case d.first > next:
		l.note(outOfOrder, d.first-next, "%s got %s/%s %d–%d when %d was due", node, d.topic, d.partition, d.first, d.end-1, next)
	}
	r.next[d.place] = max(next, d.end)
	r.reached[d.place] = max(r.reached[d.place], d.end)
	r.had[d.place] = r.had[d.place].set(d.first, d.end)
}

// resumes checks where a life begins: not below what the name has saved, and not
// behind what it was given, since no more than that can have been saved.
func (l *ledger) resumes(node string, r *reader, d run) {
	saved, reached := r.saved[d.place], r.reached[d.place]
	if d.first < saved {
		l.note(below, min(saved, d.end)-d.first, "%s began %s/%s at %d and had saved %d", node, d.topic, d.partition, d.first, saved)
	}
	if d.first > reached {
		l.note(resumed, d.first-reached, "%s began %s/%s at %d and was given what is below %d", node, d.topic, d.partition, d.first, reached)
	}
}
