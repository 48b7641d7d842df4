//go:build unix

package chaos

import "time"

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
			if r.next[p] < of.end {
				return false
			}
		}
	}
	return true
}

// storesEqual reports whether all stores, asked since a time, said that they
// have everything that was published, and the same.
func (l *ledger) storesEqual(since time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, s := range l.stores {
		if s.at.Before(since) || len(s.heads) != len(l.partitions) {
			return false
		}
		for p, of := range l.partitions {
			if (s.heads[p] != span{0, of.end}) {
				return false
			}
		}
		n++
	}
	return n == stores
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
	for o := r.next[p]; o < uint64(len(of.acked)); o++ {
		if of.acked[o] {
			if missing == 0 {
				at = o
			}
			missing++
		}
	}
	if missing > 0 {
		l.note(lost, missing, "%s has all below %d of %s/%s; %d was acknowledged", name, r.next[p], p.topic, p.partition, at)
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
