package blocklog

import (
	"bytes"
	"errors"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// mostSuspects bounds the damaged files that Inspect has still to look at.
const mostSuspects = 100

// suspect notes the bounds of a table in which a compaction, or whatever else Pebble
// does by itself, met damage. It would do so again and again: a compaction that fails
// is tried anew, and writing stops one day because none of them succeeds.
func (l *Log) suspect(err error) {
	info := pebble.ExtractDataCorruptionInfo(err)
	if !isDamage(err) || info == nil || !info.Bounds.Valid(bytes.Compare) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	known := slices.ContainsFunc(l.suspects, func(s suspect) bool { return s.path == info.Path })
	if !known && len(l.suspects) < mostSuspects {
		l.suspects = append(l.suspects, suspect{info.Path, bytes.Clone(info.Bounds.Start), bytes.Clone(info.Bounds.End.Key)})
	}
}

// suspect is a damaged file.
type suspect struct {
	path       string
	start, end []byte // the lowest and the highest key
}

// Inspect reads the blocks in files in which Pebble met damage by itself, so that it
// is known of. It returns the partitions in which something cannot be read: see
// [Log.CutOut]. Mostly there are no such files, and it costs nothing. Errors are
// those of the disk, and [ErrClosed].
func (l *Log) Inspect() (damaged []Partition, err error) {
	l.mu.Lock()
	files := l.suspects
	l.suspects = nil
	l.mu.Unlock()
	for _, file := range files {
		x := excision{Start: file.start, End: append(file.end, 0)}
		for p, r := range l.within(&x) {
			failed := l.readThrough(p, r, func(*CorruptError) { damaged = append(damaged, p) })
			err = errors.Join(err, failed)
		}
	}
	slices.SortFunc(damaged, Partition.compare)
	return slices.Compact(damaged), err
}
