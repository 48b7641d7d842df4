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
		s.counts = make(map[string]int)
	}
	s.counts[prefix] = 1
	s.bytes += len(prefix)
	s.long = max(s.long, len(prefix))
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
	}
	return n == 1
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
	full := string(kind) + topic + "\x00"
	if s.Match(full) {
		return true
	}
	if s.long <= len(full) {
		return false
	}
	for prefix := range s.counts {
		if strings.HasPrefix(prefix, full) {
			return true
		}
	}
	return false
}

// Len returns the number of different prefixes held.
func (s *Subscriptions) Len() int { return len(s.counts) }
