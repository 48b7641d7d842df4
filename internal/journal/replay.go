package journal

import (
	"fmt"
	"io"
)

// Replay calls visit with every record that is not trimmed, in the order in
// which they were appended, until visit returns an error, which is returned.
// Value and trailer are valid only during the call, trailer is nil if there is
// none. Records that were appended and not synced are left out. Visit must not
// call Sync, Replay or Close. An [ErrCorrupt] here means that bytes went bad
// since the journal was opened.
func (j *Journal) Replay(visit func(topic string, seq uint64, value, trailer []byte) error) error {
	j.io.Lock()
	defer j.io.Unlock()
	j.mu.Lock()
	err := j.usable()
	j.mu.Unlock()
	if err != nil {
		return fmt.Errorf("journal: replay: %w", err)
	}
	topics := j.allTopics()
	each := func(_ int64, e entry) error {
		if e.kind != kindRecord || e.seq < j.trimmed(topics[e.id]) {
			return nil
		}
		return visit(topics[e.id].name, e.seq, e.value, e.trailer)
	}
	for i := range len(j.segments) + 1 {
		s := &j.active.segment
		if i < len(j.segments) {
			s = j.segments[i]
		}
		err := s.reading(j.opts.FS, func(f io.ReaderAt) error { return s.entries(f, s.start, s.end, each) })
		if err != nil {
			return fmt.Errorf("journal: replay: %w", err)
		}
	}
	return nil
}

func (j *Journal) trimmed(p *topic) uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return p.trimmed
}
