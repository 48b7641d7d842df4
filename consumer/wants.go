package consumer

import (
	"slices"

	"github.com/beckmesh/beck/internal/core"
)

// wants is what an application subscribed to.
type wants struct {
	topics   map[string]bool
	patterns []core.Want
}

// wantsOf returns the set of a list.
func wantsOf(list []core.Want) (s wants) {
	s.topics = make(map[string]bool)
	for _, w := range list {
		s.add(w)
	}
	return s
}

// add returns whether w is new.
func (s *wants) add(w core.Want) bool {
	if s.has(w) {
		return false
	}
	if w.Pattern {
		s.patterns = append(s.patterns, w)
	} else {
		s.topics[w.Name] = true
	}
	return true
}

// remove returns whether w was there.
func (s *wants) remove(w core.Want) bool {
	if !s.has(w) {
		return false
	}
	delete(s.topics, w.Name)
	s.patterns = slices.DeleteFunc(s.patterns, func(p core.Want) bool { return p == w })
	return true
}

func (s *wants) has(w core.Want) bool {
	if w.Pattern {
		return slices.Contains(s.patterns, w)
	}
	return s.topics[w.Name]
}

// match reports whether a topic is subscribed to.
func (s *wants) match(topic string) bool {
	return s.topics[topic] || slices.ContainsFunc(s.patterns, func(p core.Want) bool { return p.Match(topic) })
}

// touch reports whether a subscription may have anything to do with what w names:
// that topic, or one that its pattern matches; of two patterns there is no telling.
func (s *wants) touch(w core.Want) bool {
	if !w.Pattern {
		return s.match(w.Name)
	}
	for topic := range s.topics {
		if w.Match(topic) {
			return true
		}
	}
	return len(s.patterns) > 0
}

// list returns the set, sorted.
func (s *wants) list() []core.Want {
	list := slices.Clone(s.patterns)
	for topic := range s.topics {
		list = append(list, core.Want{Name: topic})
	}
	slices.SortFunc(list, core.Want.Compare)
	return list
}
