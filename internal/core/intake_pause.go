package core

import (
	"slices"
	"time"
)

// Selection names partitions: those of what is wanted, or of them that of one
// producer.
type Selection struct {
	Want     Want
	Producer string // "" for all
}

// Covers reports whether a partition is selected.
func (s Selection) Covers(p Partition) bool {
	return (s.Producer == "" || s.Producer == p.Producer) && s.Want.Match(p.Topic)
}

// within reports whether all that s selects is surely selected by t too.
func (s Selection) within(t Selection) bool {
	return (t.Producer == "" || t.Producer == s.Producer) && (s.Want == t.Want || !s.Want.Pattern && t.Want.Match(s.Want.Name))
}

// pause is a call of Pause or Unpause. Of those that concern a partition the last
// one counts.
type pause struct {
	Selection
	on bool
}

// Pause has nothing of a selection delivered, now and of partitions that are still
// to come, until Unpause. What is held of it is let go, to be fetched again; its
// heads are still heard.
func (in *Intake) Pause(s Selection, now time.Time) { in.pause(pause{s, true}, now) }

// Unpause undoes Pause for a selection.
func (in *Intake) Unpause(s Selection, now time.Time) { in.pause(pause{s, false}, now) }

func (in *Intake) pause(p pause, now time.Time) {
	in.pauses = slices.DeleteFunc(in.pauses, func(old pause) bool { return old.within(p.Selection) })
	in.pauses = append(in.pauses, p)
	if !slices.ContainsFunc(in.pauses, func(p pause) bool { return p.on }) {
		in.pauses = nil
	}
	for _, q := range in.selected(p.Selection) {
		in.setPaused(q, p.on, now)
	}
	in.grant(now)
}

// pausedNow returns whether a partition is paused.
func (in *Intake) pausedNow(q Partition) bool {
	for _, p := range slices.Backward(in.pauses) {
		if p.Covers(q) {
			return p.on
		}
	}
	return false
}

func (in *Intake) setPaused(q *part, on bool, now time.Time) {
	if q.paused == on {
		return
	}
	if q.paused = on; on {
		in.ahead -= q.heldBytes()
		q.held = nil
		q.stalled = false
		in.shine(q, false)
	}
	in.pursue(q, now)
}

// selected returns the known partitions of a selection, sorted.
func (in *Intake) selected(s Selection) (parts []*part) {
	if s.Producer != "" && !s.Want.Pattern && s.Want.Name != "" {
		if q := in.parts[Partition{s.Want.Name, s.Producer}]; q != nil {
			parts = append(parts, q)
		}
		return parts
	}
	for _, q := range in.parts {
		if s.Covers(q.Partition) {
			parts = append(parts, q)
		}
	}
	slices.SortFunc(parts, func(a, b *part) int { return a.Compare(b.Partition) })
	return parts
}

// Standing is how far a partition has come.
type Standing struct {
	Partition
	Next    uint64 // to be delivered next
	Head    uint64 // behind the last record that is known of
	Lowest  uint64 // that a source says it has
	Named   bool   // somebody said how far it goes; else Head is where it began
	Paused  bool
	Stalled Range // what nobody serves now; empty: nothing
}

// Standings returns how far each partition of a selection has come, sorted. Those
// of which it is not decided where they begin are left out.
func (in *Intake) Standings(s Selection) (all []Standing) {
	for _, q := range in.selected(s) {
		if q.settled && !q.ignored {
			all = append(all, Standing{q.Partition, q.next, max(q.head, q.next), q.lowest(), q.named, q.paused, q.stalledAt()})
		}
	}
	return all
}
