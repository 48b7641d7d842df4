// Package tally counts records and bytes by topic.
package tally

// MaxTopics bounds the topics that are counted by themselves. Those that come later
// count only in the sum.
const MaxTopics = 4096

// Traffic is how much went one way.
type Traffic struct {
	Records, Bytes uint64
}

func (t *Traffic) add(records, bytes uint64) {
	t.Records += records
	t.Bytes += bytes
}

// Topics is traffic by topic. It only grows. The zero value is empty; whoever has it
// guards it.
type Topics struct {
	sum   Traffic
	topic map[string]*Traffic
	name  string   // of the topic that was counted last
	last  *Traffic // its traffic; nil: none, or it is beyond the bound
}

// Add counts records of a topic, which have so many bytes.
func (t *Topics) Add(topic string, records, bytes uint64) {
	t.sum.add(records, bytes)
	if t.name != topic || t.last == nil {
		t.name, t.last = topic, t.of(topic)
	}
	if t.last != nil {
		t.last.add(records, bytes)
	}
}

// of returns the traffic of a topic, made if it is new; nil beyond the bound.
func (t *Topics) of(topic string) *Traffic {
	found := t.topic[topic]
	if found == nil && len(t.topic) < MaxTopics {
		if t.topic == nil {
			t.topic = make(map[string]*Traffic)
		}
		found = new(Traffic)
		t.topic[topic] = found
	}
	return found
}

// Of returns what was counted of a topic: nothing beyond MaxTopics.
func (t *Topics) Of(topic string) Traffic {
	if found := t.topic[topic]; found != nil {
		return *found
	}
	return Traffic{}
}

// Sum returns what was counted of all topics.
func (t *Topics) Sum() Traffic { return t.sum }

// Names calls f with the topics that are counted by themselves, in no order.
func (t *Topics) Names(f func(topic string)) {
	for topic := range t.topic {
		f(topic)
	}
}
