package store

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/beckmesh/beck/internal/blocklog"
	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/protocol"
)

// Saved is how far the consumer that saves its positions under a name is, seen from
// one store.
type Saved struct {
	Name       string
	Partitions int    // of the topics that it reads, those that the store keeps
	Lag        uint64 // records that the store has behind the positions
}

// savedNames are the positions that consumers have saved, as far as they were read:
// of each consumer the newest record, and what came since. They are read when
// somebody asks, and so cost nothing else.
type savedNames struct {
	*sync.Mutex
	lives map[string]core.Lives
	read  map[string]uint64 // up to where, by the consumer's address
}

func newSavedNames() savedNames {
	return savedNames{Mutex: new(sync.Mutex), lives: make(map[string]core.Lives), read: make(map[string]uint64)}
}

// Saved returns the lag of each name under which positions are saved, sorted, of at
// most so many names from the first on; further says how many more there are. What
// the store does not keep, by its topics, is left out. It fails if positions cannot
// be read from disk.
func (s *Store) Saved(most int) (list []Saved, further int, err error) {
	s.names.Lock()
	defer s.names.Unlock()
	if err := s.readSaved(); err != nil {
		return nil, 0, fmt.Errorf("read saved positions: %w", err)
	}
	var ends map[string][]end
	for _, name := range slices.Sorted(maps.Keys(s.names.lives)) {
		last, _ := s.names.lives[name].Last(s.names.upTo)
		switch {
		case last == nil || len(last.Set) == 0:
		case len(list) == most:
			further++
		default:
			if ends == nil {
				ends = s.ends()
			}
			list = append(list, lag(name, last.Set, ends))
		}
	}
	return list, further, nil
}

// upTo returns up to where the positions of a consumer were read.
func (n *savedNames) upTo(address string) uint64 { return n.read[address] }

// readSaved reads what was saved since it was called last.
func (s *Store) readSaved() error {
	for p, state := range s.log.PartitionsAfter(blocklog.Partition{Topic: protocol.PositionsTopic}) {
		if p.Topic != protocol.PositionsTopic {
			break // they are sorted by topic
		}
		from, known := s.names.read[p.Producer]
		if !known && state.Next > 0 {
			from = state.Next - 1 // it says from where on it takes to know all
		}
		if err := s.readLife(p, from, state.Next); err != nil {
			return err
		}
	}
	for name, lives := range s.names.lives {
		if err := s.newest(lives); err != nil {
			return err
		}
		if len(lives) == 0 {
			delete(s.names.lives, name)
		}
	}
	return nil
}

// newest leaves only the consumer whose positions count, of which it reads what it
// takes to know them all.
func (s *Store) newest(lives core.Lives) error {
	for {
		last, again := lives.Last(s.names.upTo)
		if again == nil {
			maps.DeleteFunc(lives, func(_ string, l *core.Life) bool { return l != last })
			return nil
		}
		p := blocklog.Partition{Topic: protocol.PositionsTopic, Producer: again.Address}
		if err := s.readLife(p, again.Last.Base, s.names.read[again.Address]); err != nil {
			return err
		}
	}
}

// readLife reads the records of one consumer from an offset on. What is no record of
// positions is left out.
func (s *Store) readLife(p blocklog.Partition, from, next uint64) error {
	if from >= next {
		return nil
	}
	s.names.read[p.Producer] = next
	err := s.log.Read(p, from, 0, func(r blocklog.Record) bool {
		if r.Seq >= next {
			return false
		}
		set, err := protocol.ParsePositions(r.Content)
		if err != nil {
			return true
		}
		if s.names.lives[set.Name] == nil {
			s.names.lives[set.Name] = make(core.Lives)
		}
		s.names.lives[set.Name].Take(p.Producer, set)
		return true
	})
	var damage *blocklog.CorruptError
	if errors.As(err, &damage) {
		return nil // it is fetched from another store; newer positions follow
	}
	return err
}

// end is what there is of a partition.
type end struct {
	producer   string
	from, next uint64
}

// ends returns what there is of all partitions, by topic.
func (s *Store) ends() map[string][]end {
	ends := make(map[string][]end)
	for p, state := range s.log.Partitions() {
		ends[p.Topic] = append(ends[p.Topic], end{p.Producer, max(state.Tail, state.Expired), state.Next})
	}
	return ends
}

// lag holds positions against what there is. A partition without one, of a topic that
// is read, is read from its first record on.
func lag(name string, set map[core.Partition]uint64, ends map[string][]end) Saved {
	topics := make(map[string]bool)
	for p := range set {
		topics[p.Topic] = true
	}
	saved := Saved{Name: name}
	for topic := range topics {
		for _, e := range ends[topic] {
			saved.Partitions++
			at := max(set[core.Partition{Topic: topic, Producer: e.producer}], e.from)
			saved.Lag += e.next - min(at, e.next)
		}
	}
	return saved
}
