package journal

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

const segmentSuffix = ".seg"

// segmentName returns the name of a segment's file.
func segmentName(number uint64) string { return fmt.Sprintf("%012d%s", number, segmentSuffix) }

// segmentNumber is the reverse; false if name is not a segment's.
func segmentNumber(name string) (uint64, bool) {
	digits, ok := strings.CutSuffix(name, segmentSuffix)
	n, err := strconv.ParseUint(digits, 10, 64)
	return n, ok && err == nil && n > 0 && segmentName(n) == name
}

// segment is one file of the journal.
type segment struct {
	header
	path  string
	start int64 // where the frames begin
	size  int64 // of the file
	// end is where the frames end that count.
	end int64
	// heads is, per topic with records here, the sequence behind the last one.
	// The segment may go when all of them are trimmed; those that are have
	// left from the back.
	heads []head
}

// head is the sequence behind the last record of a topic in a segment.
type head struct {
	id   int
	next uint64
}

func heads(next map[int]uint64) []head {
	list := make([]head, 0, len(next))
	for id, seq := range next {
		list = append(list, head{id, seq})
	}
	return list
}

// trimmed reports whether all records of s are acknowledged according to
// topics, as their trims are in the files.
func (s *segment) trimmed(topics []*topic) bool {
	for n := len(s.heads); n > 0; n-- {
		if h := s.heads[n-1]; topics[h.id].writtenTrimmed < h.next {
			return false
		}
		s.heads = s.heads[:n-1]
	}
	return true
}

// active is the segment that is being written.
type active struct {
	segment
	file   vfs.File
	synced int64          // everything below is on disk
	next   map[int]uint64 // what heads will be
}

// write appends the frames of b.
func (a *active) write(b *batch) error {
	b.seal(a.salt, a.end, a.synced)
	if _, err := a.file.Write(b.bytes); err != nil {
		return fmt.Errorf("write %q: %w", a.path, err)
	}
	a.end += int64(len(b.bytes))
	a.size = a.end
	for _, m := range b.marks {
		a.next[m.topic.id] = m.next
	}
	return nil
}

// sync waits until what was written is on disk.
func (a *active) sync() error {
	if a.synced == a.end {
		return nil
	}
	if err := a.file.SyncData(); err != nil {
		return fmt.Errorf("sync %q: %w", a.path, err)
	}
	a.synced = a.end
	return nil
}

// finish syncs and closes the file, and returns the segment to be kept.
func (a *active) finish() (*segment, error) {
	err := a.sync()
	if closeErr := a.file.Close(); closeErr != nil {
		err = errors.Join(err, fmt.Errorf("close %q: %w", a.path, closeErr))
	}
	if err != nil {
		return nil, err
	}
	s := a.segment
	s.heads = heads(a.next)
	return &s, nil
}
