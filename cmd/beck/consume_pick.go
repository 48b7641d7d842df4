package main

import (
	"time"

	"github.com/beckmesh/beck"
)

// picker returns what chooses the records to print; nil if all are.
func (f *consumeFlags) picker() func(*beck.Record) verdict {
	if f.partition.text == "" && f.grep.re == nil && f.span.Until.IsZero() {
		return nil
	}
	until := ending{at: f.span.Until}
	return func(r *beck.Record) verdict {
		switch {
		case f.partition.text != "" && r.Partition != f.partition.text, until.passed(r):
			return leaveIt
		case f.grep.re != nil && !f.grep.re.Match(r.Value):
			return passOver
		}
		return printIt
	}
}

// ending ends each partition with its first record of a time or later. Times need
// not ascend; what is behind that record is no longer asked.
type ending struct {
	at    time.Time // zero: there is none
	ended map[beck.Offset]bool
}

func (e *ending) passed(r *beck.Record) bool {
	if e.at.IsZero() {
		return false
	}
	p := beck.Offset{Topic: r.Topic, Partition: r.Partition}
	if !e.ended[p] && (r.Time.IsZero() || r.Time.Before(e.at)) {
		return false
	}
	if e.ended == nil {
		e.ended = make(map[beck.Offset]bool)
	}
	e.ended[p] = true
	return true
}
