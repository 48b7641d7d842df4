package consumer

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/internal/planted"
	"github.com/beckmesh/beck/protocol"
)

// progress is how far the application has come, by partition, and what of that
// is saved. A position is the offset behind the last finished record. The node's
// lock guards it.
//
//	finished ──Commit──▶ wanted ──begin──▶ saving ──done──▶ saved
type progress struct {
	keep     keeper
	finished map[core.Partition]uint64
	fresh    map[core.Partition]bool   // of finished: changed since Commit took them all
	wanted   map[core.Partition]uint64 // committed
	dirty    map[core.Partition]bool   // of wanted: changed since the last save began
	saving   map[core.Partition]uint64 // by the save under way; nil when there is none
	unsaved  map[core.Partition]bool   // a save failed; the next commit tries again
	saved    map[core.Partition]uint64
	batches  []*batch // that Records hands over just now
	err      error    // why the last save failed
	failures int
}

// keeper is where positions are kept.
type keeper interface {
	// load looks whether what was saved before is known by now, and then takes
	// it up; else it says what is missing.
	load(c *Consumer) (at map[core.Partition]uint64, missing string)
	// save begins to save, or goes on with it: what has changed, of all. It is a
	// worker's, called with the lock, which it may give up. It returns whether it
	// did anything, and calls finish when it is done.
	save(c *Consumer, changed, all map[core.Partition]uint64) bool
	// idle reports that there is nothing to save but what was committed.
	idle() bool
	close() error
}

func newProgress(k keeper) *progress {
	return &progress{
		keep: k, finished: make(map[core.Partition]uint64), fresh: make(map[core.Partition]bool),
		wanted: make(map[core.Partition]uint64), dirty: make(map[core.Partition]bool),
		unsaved: make(map[core.Partition]bool), saved: make(map[core.Partition]uint64),
	}
}

// take takes up what was saved before.
func (p *progress) take(at map[core.Partition]uint64) {
	p.saved, p.wanted = at, maps.Clone(at)
}

// began is the producer's address of a mark among the positions: the name has
// read the topic before. A partition of such a topic that has no position is
// newer than that, and begins at its first record.
var began = strings.Repeat("0", protocol.AddressLen)

func mark(topic string) core.Partition { return core.Partition{Topic: topic, Producer: began} }

func (p *progress) knows(topic string) bool {
	_, known := p.wanted[mark(topic)]
	return known
}

// finish notes records, in order, that the application has finished.
func (p *progress) finish(records []beck.Record) {
	for i := range records {
		r := &records[i]
		if i+1 < len(records) && records[i+1].Partition == r.Partition && records[i+1].Topic == r.Topic {
			continue
		}
		q := core.Partition{Topic: r.Topic, Producer: r.Partition}
		p.finished[q], p.fresh[q] = r.Offset+1, true
	}
}

// place is a position to be saved, or waited for.
type place struct {
	core.Partition
	next uint64
}

// all returns everything finished that is not saved.
func (p *progress) all() []place {
	var places []place
	for q := range p.fresh {
		if next := p.finished[q]; next > p.wanted[q] {
			places = append(places, place{q, next})
		}
	}
	clear(p.fresh)
	for q := range p.saving {
		places = append(places, place{q, p.wanted[q]})
	}
	for _, waiting := range []map[core.Partition]bool{p.dirty, p.unsaved} {
		for q := range waiting {
			places = append(places, place{q, p.wanted[q]})
		}
	}
	return places
}

// upTo checks the places that an application names.
func (p *progress) upTo(offsets []beck.Offset) ([]place, error) {
	places := make([]place, len(offsets))
	for i, o := range offsets {
		q := core.Partition{Topic: o.Topic, Producer: o.Partition}
		delivered := max(p.finished[q], p.current(q))
		switch next := o.Offset + 1; {
		case o.Offset >= delivered:
			return nil, fmt.Errorf("commit %v: %w: delivered were those before %d", o, beck.ErrPosition, delivered)
		case next < p.wanted[q]:
			return nil, fmt.Errorf("commit %v: %w: committed were those before %d", o, beck.ErrPosition, p.wanted[q])
		default:
			places[i] = place{q, next}
		}
	}
	return places, nil
}

// want has places saved.
func (p *progress) want(places []place) {
	for _, at := range places {
		if planted.Is(planted.CommitAhead) {
			at.next++
		}
		if have, known := p.wanted[at.Partition]; !known || at.next > have {
			p.wanted[at.Partition], p.dirty[at.Partition] = at.next, true
		}
	}
	maps.Copy(p.dirty, p.unsaved)
	clear(p.unsaved)
}

// safe reports whether places are saved.
func (p *progress) safe(places []place) bool {
	return !slices.ContainsFunc(places, func(at place) bool { return p.saved[at.Partition] < at.next })
}

// begin makes what was committed the save under way, unless there is one.
func (p *progress) begin() {
	if p.saving != nil {
		return
	}
	p.saving = make(map[core.Partition]uint64, len(p.dirty))
	for q := range p.dirty {
		p.saving[q] = p.wanted[q]
	}
	clear(p.dirty)
}

// done ends the save under way.
func (p *progress) done(err error) {
	for q, next := range p.saving {
		if err != nil {
			p.unsaved[q] = true
		} else {
			p.saved[q] = next
		}
	}
	p.saving = nil
	if p.err = err; err != nil {
		p.failures++
	}
}

// sorted returns positions as they are written.
func sorted(at map[core.Partition]uint64) []protocol.Position {
	list := make([]protocol.Position, 0, len(at))
	for _, q := range slices.SortedFunc(maps.Keys(at), core.Partition.Compare) {
		list = append(list, protocol.Position{Topic: q.Topic, Producer: q.Producer, Next: at[q]})
	}
	return list
}

func unsorted(list []protocol.Position) map[core.Partition]uint64 {
	at := make(map[core.Partition]uint64, len(list))
	for _, p := range list {
		at[core.Partition{Topic: p.Topic, Producer: p.Producer}] = p.Next
	}
	return at
}
