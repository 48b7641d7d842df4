package core

// Stopwatch measures how long the records of a log take to be acknowledged. It keeps
// few marks, each for the records from one on, so that a record is taken to be as old
// as its mark: too old by a 16th of what the oldest waits, or by markEvery.
type Stopwatch struct {
	marks []mark // by sequence
	due   int64  // when the next record gets a mark
}

// mark says when the records from a sequence on were appended, in µs.
type mark struct {
	from uint64
	at   int64
}

const (
	maxMarks  = 64
	markEvery = 100 // µs
)

// Due reports whether the record that is appended now is to be marked. It is cheap:
// for use with each record.
func (s *Stopwatch) Due(now int64) bool { return now >= s.due }

// Mark notes that a record is appended now, in µs of a clock that hardly ever goes
// back.
func (s *Stopwatch) Mark(seq uint64, now int64) {
	if len(s.marks) >= maxMarks {
		s.thin()
	}
	s.marks = append(s.marks, mark{seq, now})
	s.due = now + s.every(now)
}

// every returns how far marks are apart: the further, the longer the oldest waits.
func (s *Stopwatch) every(now int64) int64 {
	return max(markEvery, (now-s.marks[0].at)/(maxMarks/2))
}

// thin leaves every other mark out.
func (s *Stopwatch) thin() {
	kept := s.marks[:0]
	for i := 0; i < len(s.marks); i += 2 {
		kept = append(kept, s.marks[i])
	}
	s.marks = kept
}

// Acked tells observe how many records have waited how many µs when those before
// sequence to are acknowledged, of those before next that were appended. What was
// told before, and what had no mark, is left out.
func (s *Stopwatch) Acked(to, next uint64, now int64, observe func(waited int64, records uint64)) {
	passed := 0
	for i := range s.marks {
		m, end := &s.marks[i], next
		if i+1 < len(s.marks) {
			end = s.marks[i+1].from
		}
		if reached := min(end, to); reached > m.from {
			observe(max(0, now-m.at), reached-m.from)
			m.from = reached
		}
		if m.from < end {
			break
		}
		passed++
	}
	s.marks = s.marks[:copy(s.marks, s.marks[passed:])]
	if s.due = 0; len(s.marks) > 0 {
		s.due = s.marks[len(s.marks)-1].at + s.every(now)
	}
}
