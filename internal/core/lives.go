package core

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/beckmesh/beck/protocol"
)

// Lives are the consumers that have saved positions under one name, by address.
// Each began where the one before had come to, so the positions of the last one
// count.
type Lives map[string]*Life

// Life is what one consumer has saved, as far as its records were read.
type Life struct {
	Address string
	Last    protocol.Positions   // the record read last
	Set     map[Partition]uint64 // the positions, if Whole
	Whole   bool                 // Set is complete

	again   bool                 // it was read again, from its last full set on
	staged  map[Partition]uint64 // of a set that is still to be ended
	renewed bool                 // staged replaces Set
}

// Take takes the next record of a consumer.
func (ls Lives) Take(address string, p protocol.Positions) {
	l := ls[address]
	if l == nil {
		l = &Life{Address: address}
		ls[address] = l
	}
	l.take(p)
}

func (l *Life) take(p protocol.Positions) {
	l.Last = p
	if p.Full {
		l.staged, l.renewed = make(map[Partition]uint64), true
	} else if l.staged == nil {
		l.staged, l.renewed = make(map[Partition]uint64), false
	}
	for _, at := range p.At {
		l.staged[Partition{Topic: at.Topic, Producer: at.Producer}] = at.Next
	}
	if p.More {
		return
	}
	if l.renewed {
		l.Set, l.Whole = l.staged, true
	} else if l.Whole {
		maps.Copy(l.Set, l.staged)
	}
	l.staged = nil
}

// After orders lives: of two, the positions of the greater count.
func (l *Life) After(m *Life) int {
	return cmp.Or(cmp.Compare(l.Last.Epoch, m.Last.Epoch), cmp.Compare(l.Last.Since, m.Last.Since), strings.Compare(l.Address, m.Address))
}

// Last returns the life whose positions count. If these are not known yet, it is
// nil, and again is the life to be read again from Last.Base on; nil if there is
// none. read tells up to where a consumer's records were read. A life that ended
// before its first set was whole is forgotten.
func (ls Lives) Last(read func(address string) uint64) (last, again *Life) {
	for len(ls) > 0 {
		l := slices.MaxFunc(slices.Collect(maps.Values(ls)), (*Life).After)
		if l.Whole {
			return l, nil
		}
		if l.again || l.Last.Base >= read(l.Address) {
			delete(ls, l.Address)
			continue
		}
		l.again, l.staged = true, nil
		return nil, l
	}
	return nil, nil
}
