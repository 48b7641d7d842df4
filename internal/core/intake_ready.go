package core

import "time"

// Listed reports whether a source has told all it has of every wanted topic. A
// foreign one marks no end: it has when it was silent for a while.
func (in *Intake) Listed(id string, now time.Time) bool {
	s := in.sources[id]
	if s == nil {
		return false
	}
	if !s.Lists && !s.All {
		return true
	}
	for _, name := range in.lists {
		a := s.asks[name]
		if a == nil || (!a.done && !(s.Foreign && now.Sub(a.last) >= in.cfg.ListSilence)) {
			return false
		}
	}
	return true
}

// SetReady notes that everything known at the start was asked and has answered.
// From here on a partition that was never heard of is new, and a range that
// nobody has is missing.
func (in *Intake) SetReady(now time.Time) {
	in.ready = true
	in.settleLate(now)
	in.reportAhead()
	for _, q := range in.sortedActive(anyPart) {
		in.pursue(q, now)
	}
	in.grant(now)
}
