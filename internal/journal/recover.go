package journal

import (
	"errors"
	"fmt"
	"io"
)

// recover reads what is in the directory and begins the segment to write to. On
// an error nothing was changed but, for a copy, what was set aside.
func (j *Journal) recover() error {
	numbers, err := j.home.numbers()
	if err != nil {
		return err
	}
	if len(numbers) == 0 {
		return j.fresh()
	}
	segments, err := j.openSegments(numbers)
	if err != nil {
		return err
	}
	last := segments[len(segments)-1]
	here, err := j.home.Origin(segmentName(numbers[len(numbers)-1]))
	if err != nil {
		return err
	}
	if here != last.origin {
		return j.renew(last.uuid, numbers)
	}
	j.uuid, j.segments = last.uuid, segments
	if err := j.checkChain(); err != nil {
		return err
	}
	oldest := segments[0].topics
	if err := j.load(); err != nil {
		return err
	}
	return j.resume(oldest)
}

// fresh makes a new journal. The directories above come first: where there is a
// segment, they are durable.
func (j *Journal) fresh() error {
	j.uuid, j.table = j.opts.NewUUID(), newTable(nil)
	if err := j.home.SyncAbove(); err != nil {
		return err
	}
	return j.start(1, 0)
}

// start begins the first segment of this run with what is pending.
func (j *Journal) start(number uint64, previous int64) error {
	b, err := j.take()
	if err != nil {
		return err
	}
	if err := j.begin(number, previous, b); err != nil {
		return err
	}
	if err := j.settle(b, true); err != nil {
		return errors.Join(err, j.active.file.Close())
	}
	b.reset()
	return nil
}

// renew makes a new journal of a copy.
func (j *Journal) renew(old string, numbers []uint64) error {
	dir, err := j.home.setAside(old, numbers)
	if err != nil {
		return fmt.Errorf("set the copy's records aside in %q: %w", dir, err)
	}
	if err := j.fresh(); err != nil {
		return err
	}
	j.opts.Logger.Warn("this journal is a copy: its address and its records belong to the original, "+
		"so it begins as a new one; the records are set aside and can be deleted unless the original is gone",
		"dir", j.home.Path, "original", old, "new", j.uuid, "aside", dir)
	return nil
}

func (j *Journal) openSegments(numbers []uint64) ([]*segment, error) {
	segments := make([]*segment, len(numbers))
	for i, n := range numbers {
		s, err := openSegment(j.opts.FS, j.home.File(segmentName(n)))
		if err != nil {
			return nil, err
		}
		segments[i] = s
	}
	return segments, nil
}

// What is wrong with the segments as a whole.
var (
	errRenamed = errors.New("it is another segment than its name says")
	errMixed   = errors.New("it belongs to another journal than the last segment")
	errMissing = errors.New("the file is missing")
	errEnd     = errors.New("it is shorter than the next segment says")
)

// checkChain checks that the segments belong together, and sets their ends.
func (j *Journal) checkChain() error {
	for i, s := range j.segments {
		if segmentName(s.number) != j.opts.FS.PathBase(s.path) {
			return corrupt(s.path, 0, errRenamed)
		}
		if s.uuid != j.uuid {
			return corrupt(s.path, 0, errMixed)
		}
		if i == 0 {
			continue
		}
		before := j.segments[i-1]
		if before.number+1 != s.number {
			return corrupt(j.home.File(segmentName(s.number-1)), 0, errMissing)
		}
		if before.end = s.previous; before.end < before.start || before.end > before.size {
			return corrupt(before.path, before.size, errEnd)
		}
	}
	return nil
}

// load reads all segments but the last into the table.
func (j *Journal) load() error {
	j.table = newTable(j.segments[0].topics)
	for i, s := range j.segments[:len(j.segments)-1] {
		if err := j.loadSegment(s); err != nil {
			return err
		}
		if err := j.table.continues(j.segments[i+1].topics); err != nil {
			return corrupt(j.segments[i+1].path, 0, err)
		}
		s.topics = nil // not needed any more, and much with many topics
	}
	return nil
}

// loadSegment reads a segment that has a successor.
func (j *Journal) loadSegment(s *segment) error {
	return s.reading(j.opts.FS, func(f io.ReaderAt) (err error) {
		s.heads, err = s.apply(f, s.start, s.end, j.table)
		return err
	})
}
