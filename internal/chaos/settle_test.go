//go:build unix

package chaos

// allPublished reports whether every producer has published everything.
func (l *ledger) allPublished() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return trues(l.published) == producers
}

// allAcknowledged reports whether every producer has its acknowledgements.
func (l *ledger) allAcknowledged() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return trues(l.done) == producers
}

func trues(m map[string]bool) (n int) {
	for _, is := range m {
		if is {
			n++
		}
	}
	return n
}

// allConsumed reports whether every consumer has got everything.
func (l *ledger) allConsumed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for name, r := range l.readers {
		if roleOf(name) != "consumer" {
			continue
		}
		for p, of := range l.partitions {
			if r.reached[p] < of.end {
				return false
			}
		}
	}
	return true
}

// allSaved reports whether every consumer has saved that it has got everything.
func (l *ledger) allSaved() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for name, r := range l.readers {
		for p, of := range l.partitions {
			if roleOf(name) == "consumer" && r.saved[p] < of.end {
				return false
			}
		}
	}
	return true
}

// allAsked reports whether every consumer has asked for everything there is.
func (l *ledger) allAsked() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for name, r := range l.readers {
		if roleOf(name) == "consumer" && !r.asked {
			return false
		}
	}
	return true
}

// settle checks, after everything, that whoever read a topic to its end has
// what was acknowledged, and that the stores have one content.
func (l *ledger) settle() {
	l.mu.Lock()
	defer l.mu.Unlock()
	first := l.readers[replayName(0)]
	for name, r := range l.readers {
		if roleOf(name) == "replay" && !r.ended {
			l.note(unhealed, 1, "%s did not come to its end", name)
		}
		for _, p := range l.places() {
			l.settleReader(name, r, p)
			if roleOf(name) == "replay" && first != nil && r.digests[p] != first.digests[p] {
				l.note(unequal, 1, "%s has another content of %s/%s than %s", name, p.topic, p.partition, replayName(0))
			}
		}
	}
}

func (l *ledger) settleReader(name string, r *reader, p place) {
	missing, at := uint64(0), uint64(0)
	of := l.partitions[p]
	for o := range uint64(len(of.acked)) {
		if of.acked.has(o) && !r.had[p].has(o) {
			if missing == 0 {
				at = o
			}
			missing++
		}
	}
	if missing > 0 {
		l.note(lost, missing, "%s never got %d of %s/%s, which was acknowledged", name, at, p.topic, p.partition)
	}
}

// acknowledged returns how many records were, in all.
func (l *ledger) acknowledged() (n uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, of := range l.partitions {
		for _, is := range of.acked {
			if is {
				n++
			}
		}
	}
	return n
}
