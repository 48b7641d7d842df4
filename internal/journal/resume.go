package journal

import (
	"io"
)

// resume reads the last segment, cuts its torn tail, and begins the next one.
// Oldest are the topics at the start of the oldest segment.
func (j *Journal) resume(oldest []topicState) error {
	last := j.segments[len(j.segments)-1]
	err := last.reading(j.opts.FS, func(f io.ReaderAt) error { return j.readLast(f, last, oldest) })
	if err != nil {
		return err
	}
	return j.start(last.number+1, last.end)
}

// readLast follows the last segment. What has to be written again is pending
// afterwards, and the segment ends before it.
func (j *Journal) readLast(f io.ReaderAt, last *segment, oldest []topicState) error {
	durable, err := j.cutTail(f, last)
	if err != nil {
		return err
	}
	at := newTable(j.table.states()) // as it is at the start
	here, err := last.apply(f, last.start, last.end, j.table)
	if err != nil {
		return err
	}
	final, end := j.table, last.end
	if err := j.checkOldest(oldest); err != nil {
		return err
	}
	last.end = durable
	if end-last.start <= min(carryBytes, j.opts.SegmentBytes/4) && !final.trims(here) {
		last.end = last.start
	}
	if last.heads, err = last.apply(f, last.start, last.end, at); err != nil {
		return err
	}
	for _, p := range at.topics {
		p.writtenNext, p.writtenTrimmed = p.next, p.trimmed
	}
	last.topics = nil // not needed any more, and much with many topics
	j.table, j.written = at, len(at.topics)
	return j.carry(f, last, end, final)
}

// cutTail finds where the whole frames of the last segment end, and returns how
// much of it is known to be on disk.
func (j *Journal) cutTail(f io.ReaderAt, last *segment) (durable int64, err error) {
	durable = last.start
	end, fault, err := last.frames(f, last.start, last.size, func(_ int64, h frameHead, _ []byte) error {
		durable = max(durable, h.durable)
		return nil
	})
	if err != nil || fault == nil {
		return durable, err
	}
	damaged, err := last.wasDurable(f, end)
	if err != nil {
		return 0, err
	}
	if damaged {
		return 0, corrupt(last.path, end, fault)
	}
	j.opts.Logger.Warn("the journal ends in the middle of a write, which is cut: nothing there was confirmed",
		"file", last.path, "offset", end, "bytes", last.size-end, "cause", fault)
	last.end = end
	return durable, nil
}

// checkOldest finds a missing first file: what is below the oldest segment has
// to be trimmed, because trims are on disk before a file goes.
func (j *Journal) checkOldest(oldest []topicState) error {
	for i, s := range oldest {
		if j.table.topics[i].trimmed < s.next {
			return corrupt(j.home.File(segmentName(j.segments[0].number-1)), 0, errMissing)
		}
	}
	return nil
}

// carry appends what the last segment holds behind its end, up to another
// offset, and the final trims.
func (j *Journal) carry(f io.ReaderAt, last *segment, to int64, final *table) error {
	err := last.entries(f, last.end, to, func(_ int64, e entry) error {
		switch e.kind {
		case kindTopic:
			j.pending.define(j.table.add(string(e.name), e.seq))
		case kindRecord:
			return j.append(final.topics[e.id].name, e.seq, e.value, e.trailer)
		}
		return nil
	})
	for _, p := range final.topics {
		j.Trim(p.name, p.trimmed)
	}
	return err
}
