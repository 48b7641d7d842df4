package core

import "strings"

const (
	maxSubscriptions     = 1 << 16
	maxSubscriptionBytes = 4 << 20
)

// Subscriptions are the prefixes that the peer of one link asked for. They are
// counted, not a set: what was subscribed twice takes two cancels to end.
type Subscriptions struct {
	counts map[string]int
	past   map[string]int // by kind and topic with its terminator: how many prefixes reach past it
	bytes  int
	long   int // length of the longest prefix ever held
}

// Add counts one subscription. fresh is true when it was not held before; ok is
// false when the peer holds too many, and then nothing was added.
func (s *Subscriptions) Add(prefix string) (fresh, ok bool) {
	if n := s.counts[prefix]; n > 0 {
		s.counts[prefix] = n + 1
		return false, true
	}
	if len(s.counts) >= maxSubscriptions || s.bytes+len(prefix) > maxSubscriptionBytes {
		return false, false
	}
	if s.counts == nil {
		s.counts, s.past = make(map[string]int), make(map[string]int)
	}
	s.counts[prefix] = 1
	s.bytes += len(prefix)
	s.long = max(s.long, len(prefix))
	if full, past := terminated(prefix); past {
		s.past[full]++
	}
	return true, true
}

// Remove counts one cancel, and says whether that ended the subscription.
func (s *Subscriptions) Remove(prefix string) (gone bool) {
	n := s.counts[prefix]
	if n > 1 {
		s.counts[prefix] = n - 1
		return false
	}
	if n == 1 {
		delete(s.counts, prefix)
		s.bytes -= len(prefix)
		s.ended(prefix)
	}
	return n == 1
}

func (s *Subscriptions) ended(prefix string) {
	full, past := terminated(prefix)
	if !past {
		return
	}
	if s.past[full]--; s.past[full] == 0 {
		delete(s.past, full)
	}
}

// terminated returns a prefix up to its topic's terminator, and whether it
// reaches past that.
func terminated(prefix string) (full string, past bool) {
	i := strings.IndexByte(prefix, 0)
	if i < 0 || i == len(prefix)-1 {
		return prefix, false
	}
	return prefix[:i+1], true
}

// Match reports whether a message that begins with frame was asked for.
func (s *Subscriptions) Match(frame string) bool {
	for n := min(len(frame), s.long); n >= 0; n-- {
		if s.counts[frame[:n]] > 0 {
			return true
		}
	}
	return false
}

// MatchTopic reports whether all frames of one kind and topic were asked for.
// A prefix that reaches past the topic's terminator asks for less than all,
// and counts as if it ended there.
func (s *Subscriptions) MatchTopic(kind byte, topic string) bool {
	if len(s.counts) == 0 {
		return false
	}
	full := string(rune(kind)) + topic + "\x00"
	return s.Match(full) || s.past[full] > 0
}

// Len returns the number of different prefixes held.
func (s *Subscriptions) Len() int { return len(s.counts) }
