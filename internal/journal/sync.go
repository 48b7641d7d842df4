package journal

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Sync writes what was appended before the call, and returns when it is on
// disk. Others may append meanwhile, which the next call writes: one goroutine
// that calls Sync over and over makes group commits. It also writes trims, frees
// what is trimmed, and begins a new file when it is time. Without new records it
// does not wait for the disk, unless there is something to free. An error is
// [ErrSync] (or [ErrClosed]) and stays.
func (j *Journal) Sync() error {
	j.io.Lock()
	defer j.io.Unlock()
	b, err := j.take()
	if err == nil && !b.empty() {
		err = j.fail(j.flush(b, len(b.marks) > 0))
	}
	if err != nil {
		return fmt.Errorf("journal: sync: %w", err)
	}
	b.reset()
	return nil
}

// take exchanges the batches: the pending one, complete, is the caller's, and
// becomes the spare one when it is written.
func (j *Journal) take() (*batch, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.usable(); err != nil {
		return nil, err
	}
	b := j.pending
	b.complete(j.table)
	j.pending, j.spare = j.spare, b
	return b, nil
}

// fail keeps the first error of the disk.
func (j *Journal) fail(err error) error {
	if err == nil {
		return nil
	}
	err = fmt.Errorf("%w: %w; close the journal and open it again", ErrSync, err)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.failure = err
	return err
}

// flush writes b, and syncs if sync says so or something can be freed then.
func (j *Journal) flush(b *batch, sync bool) error {
	if err := j.write(b); err != nil {
		return err
	}
	return j.settle(b, sync)
}

// settle is what follows when b was written: it syncs if it has to, and frees
// segments.
func (j *Journal) settle(b *batch, sync bool) error {
	b.settle()
	topics := j.allTopics()
	j.written = b.topics
	if sync || len(j.segments) > 0 && j.segments[0].trimmed(topics) {
		if err := j.active.sync(); err != nil {
			return err
		}
		// The trims are on disk first: a missing file can be told from a freed
		// one that way.
		if err := j.free(topics); err != nil {
			return err
		}
	}
	j.count()
	return nil
}

// write appends b to the active segment or begins another one with it.
func (j *Journal) write(b *batch) error {
	if j.active.end-j.active.start < j.opts.SegmentBytes {
		return j.active.write(b)
	}
	s, err := j.active.finish()
	j.active = nil
	if err != nil {
		return err
	}
	j.segments = append(j.segments, s)
	return j.begin(s.number+1, s.end, b)
}

// begin makes a segment that holds b, and makes it the active one. It gets its
// name when all of it is on disk. previous is where the one before ends.
func (j *Journal) begin(number uint64, previous int64, b *batch) (err error) {
	a := &active{next: map[int]uint64{}}
	temp := j.home.File(tempName)
	a.path = j.home.File(segmentName(number))
	if a.file, err = j.opts.FS.Create(temp, vfs.WriteCategoryUnspecified); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.file.Close())
		}
	}()
	a.header = header{number: number, previous: previous, salt: salt(), uuid: j.uuid, topics: j.writtenTopics()}
	if a.origin, err = j.home.Origin(tempName); err != nil {
		return err
	}
	head := a.header.append(nil)
	a.topics = nil // only readers need them
	a.start, a.end, a.synced = int64(len(head)), int64(len(head)), int64(len(head))
	if _, err = a.file.Write(head); err != nil {
		return fmt.Errorf("write %q: %w", temp, err)
	}
	if !b.empty() {
		if err = a.write(b); err != nil {
			return err
		}
	}
	if err = a.file.Sync(); err != nil {
		return fmt.Errorf("sync %q: %w", temp, err)
	}
	a.synced = a.end
	if err = j.opts.FS.Rename(temp, a.path); err != nil {
		return err
	}
	if err = j.home.Sync(); err != nil {
		return err
	}
	j.active = a
	return nil
}

func salt() uint64 {
	var b [8]byte
	rand.Read(b[:]) // never fails: the program is ended instead
	return binary.BigEndian.Uint64(b[:])
}

// writtenTopics returns the topics as the files have them.
func (j *Journal) writtenTopics() []topicState {
	states := make([]topicState, j.written)
	for i, p := range j.allTopics()[:j.written] {
		states[i] = topicState{p.name, p.writtenNext, p.writtenTrimmed}
	}
	return states
}

// allTopics returns the topics by id. The slice may be read without mu.
func (j *Journal) allTopics() []*topic {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.table.topics
}

// free removes the oldest segments as long as all of their records are trimmed.
// The directory is synced after each, so that a crash leaves no gap.
func (j *Journal) free(topics []*topic) error {
	for len(j.segments) > 0 && j.segments[0].trimmed(topics) {
		if err := j.opts.FS.Remove(j.segments[0].path); err != nil {
			return err
		}
		if err := j.home.Sync(); err != nil {
			return err
		}
		j.segments[0] = nil
		j.segments = j.segments[1:]
	}
	return nil
}

// count adds up the files.
func (j *Journal) count() {
	n := j.active.size
	for _, s := range j.segments {
		n += s.size
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.bytes = n
}
