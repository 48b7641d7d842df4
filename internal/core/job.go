package core

// MaxFetch is the most records that one FETCH is served.
const MaxFetch = 100_000

// JobKind tells what a job sends.
type JobKind int

// The kinds of jobs.
const (
	JobRecords JobKind = iota + 1 // the answer to a FETCH
	JobHeads                      // the answer to GET-HEADS or a hello
)

// Job is an answer that advances as the link's socket drains, so that serving
// a million records takes one block of memory.
type Job struct {
	Kind      JobKind
	Partition Partition // JobRecords: what is served. JobHeads: Topic is what was asked for, "" for all
	Requester string    // the address that frames are addressed to
	Range     Range     // JobRecords: what is left to serve
	After     Partition // JobHeads: the last partition listed, for the shell
	Started   bool      // JobHeads: After is set
	Time      uint64    // JobHeads: ms since 1970, to say where it begins; 0: do not
	Mark      bool      // close with what only our nodes understand: an end of list, a refusal
	again     bool      // JobHeads: asked for once more while it ran
}

// fetchEnd returns the end of count records from first on, not past 2^64-1.
func fetchEnd(first uint64, count uint64) uint64 {
	count = min(count, MaxFetch)
	if first+count < first {
		return ^uint64(0)
	}
	return first + count
}

// merge extends a running answer by r when r begins inside or right behind what
// is left of it, and says whether it did. Each FETCH adds at most MaxFetch; all
// together may be more, for their requester counts on every one.
func (j *Job) merge(r Range) bool {
	if r.First < j.Range.First || r.First > j.Range.End {
		return false
	}
	j.Range.End = max(j.Range.End, r.End)
	return true
}
