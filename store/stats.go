package store

import (
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/blocklog"
	"github.com/beckmesh/beck/internal/histogram"
)

// Stats is what a store counts. Sums begin with Start.
type Stats struct {
	Partitions int               // kept
	Records    uint64            // kept
	Bytes      uint64            // of their contents
	DiskBytes  uint64            // that they take on disk
	Committed  uint64            // records written to disk since the start
	Commits    uint64            // syncs they took
	Reopened   uint64            // times the log was opened again because a write failed
	DiskFull   bool              // nothing is acknowledged until there is room on the disk
	Duplicates uint64            // records that came again
	NoRoom     uint64            // records that did not fit, and are fetched later
	Damaged    uint64            // records that came with a checksum not their own, and are fetched again
	Lost       uint64            // records that nobody had when they were due
	Missing    uint64            // records that are missing below others now
	Bare       uint64            // records without the trailers they may have had
	Filled     uint64            // records that had been missing
	Conflicts  uint64            // ranges of which another store holds different contents
	Trimmed    uint64            // records that retention or a purge deleted
	Queued     int64             // bytes received and not on disk yet
	Fetches    uint64            // ranges asked for
	Timeouts   uint64            // ranges that whoever was asked did not send in time
	Refusals   uint64            // ranges that whoever was asked does not have
	Requests   uint64            // ranges that others asked for
	Refused    uint64            // of them, those beyond what one link may have under way
	Skipped    uint64            // records published here that left the window before a slow link had them
	Links      int               // nodes that we listen to now
	Linked     uint64            // links that we have dialled since the start
	Dropped    uint64            // dials that failed
	Listeners  int               // nodes that listen to us now
	Peers      int               // nodes known
	Towers     int               // towers there now
	Malformed  map[string]uint64 // messages dropped, by kind
	Room       int64             // what Queued may be
	Written    uint64            // bytes of committed records, as they are in blocks
	Net        beck.LinkStats    // the links
}

// Stats returns what was counted so far.
func (s *Store) Stats() Stats {
	s.node.Lock()
	n, st := s.node.Stats(), s.stats
	in := s.rx.In.Stats
	st.Queued, st.Missing, st.Room = s.rx.In.Queued(), s.rx.In.Lacking(), s.cfg.GatherBytes
	st.Written, st.Net = s.wrote.Sum().Bytes, s.node.LinkStats()
	s.node.Unlock()
	st.Duplicates, st.NoRoom, st.Damaged, st.Filled = in.Duplicates, in.NoRoom, in.Damaged, in.Filled
	st.Fetches, st.Timeouts, st.Refusals = in.Fetches, in.Timeouts, in.Refusals
	st.Requests, st.Refused, st.Skipped = n.Requests, n.Refused, n.Skipped
	st.Links, st.Linked, st.Dropped, st.Listeners = n.Dialled, n.Links, n.Failures, n.Accepted
	st.Peers, st.Towers, st.Malformed = n.Peers, n.Towers, n.Malformed
	for _, state := range s.log.Partitions() {
		st.Partitions++
		st.Records += state.Records
		st.Bytes += state.Bytes
		st.Bare += state.Bare
	}
	st.DiskBytes, st.DiskFull = s.log.DiskBytes(), s.disk.full.Load()
	kept, further := s.log.ConflictCount()
	st.Conflicts = kept + further
	return st
}

// Histogram says how many of the values that were observed are at or below each
// bound.
type Histogram = histogram.Histogram

// Disk is what the database of a store counts. Its sums begin anew when a failed
// disk was recovered.
type Disk = blocklog.Metrics

// Times says how long commits take, and how much they write: what Stats has no
// single numbers for.
type Times struct {
	CommitSeconds Histogram // from taking what has gathered until it is synced
	CommitRecords Histogram // records written by one commit
	CommitBytes   Histogram // of these records, as they are in blocks
}

// times are Times, written by the committer.
type times Times

func newTimes() times {
	return times{
		CommitSeconds: histogram.Doubling(100e-6, 18), CommitRecords: histogram.Doubling(1, 20), CommitBytes: histogram.Doubling(256, 18),
	}
}

// committed notes a commit of records that began at a time.
func (t *times) committed(batch round, took time.Duration) {
	if len(batch) == 0 { // only something to forget was noted
		return
	}
	var records, bytes int
	for _, g := range batch {
		records += g.records.Count()
		bytes += g.records.Bytes()
	}
	t.CommitSeconds.Observe(took.Seconds())
	t.CommitRecords.Observe(float64(records))
	t.CommitBytes.Observe(float64(bytes))
}

// Times returns what was measured since the start.
func (s *Store) Times() Times {
	s.node.Lock()
	defer s.node.Unlock()
	return Times{
		CommitSeconds: s.times.CommitSeconds.Clone(), CommitRecords: s.times.CommitRecords.Clone(),
		CommitBytes: s.times.CommitBytes.Clone(),
	}
}

// Disk returns what the database counts; nothing after Close.
func (s *Store) Disk() Disk { return s.log.Metrics() }

// TopicStats is what a store has of a topic.
type TopicStats struct {
	Topic      string
	Partitions int
	Records    uint64 // kept
	Bytes      uint64 // of their contents
	Offsets    uint64 // that its partitions have reached, summed: it grows by one with each record
	Missing    uint64 // records that are missing below others, and have not expired

	Committed, CommittedBytes uint64 // records written since the start, and their bytes in blocks
	Served, ServedBytes       uint64 // records sent to whoever asked for them, and their bytes on links
}

// TopicStats returns what there is of each topic, sorted, of at most so many topics
// from the first on; further says how many more there are.
func (s *Store) TopicStats(most int) (topics []TopicStats, further int) {
	last := ""
	for p, state := range s.log.Partitions() { // sorted by topic
		if p.Topic != last {
			last = p.Topic
			if len(topics) == most {
				further++
			} else {
				topics = append(topics, TopicStats{Topic: p.Topic})
			}
		}
		if further > 0 {
			continue
		}
		t := &topics[len(topics)-1]
		t.Partitions++
		t.Records += state.Records
		t.Bytes += state.Content
		t.Offsets += state.Next
		t.Missing += s.lost(p, state)
	}
	s.count(topics)
	return topics, further
}

// count adds what was written and served since the start.
func (s *Store) count(topics []TopicStats) {
	s.node.Lock()
	defer s.node.Unlock()
	for i := range topics {
		t := &topics[i]
		wrote, served := s.wrote.Of(t.Topic), s.node.Served(t.Topic)
		t.Committed, t.CommittedBytes = wrote.Records, wrote.Bytes
		t.Served, t.ServedBytes = served.Records, served.Bytes
	}
}

// Troubles returns why the store cannot do what it is there for, a line each: its
// disk is full or fails, or it has stopped; none if all is well.
func (s *Store) Troubles() (lines []string) {
	s.node.Lock()
	defer s.node.Unlock()
	switch {
	case s.err != nil:
		return []string{"the store has stopped: " + s.err.Error()}
	case s.disk.broken:
		lines = append(lines, "a write did not reach the disk: nothing is acknowledged until the log was opened again")
	case s.disk.full.Load():
		lines = append(lines, "the disk is full: nothing is acknowledged until there is room")
	}
	return lines
}
