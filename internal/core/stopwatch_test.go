package core

import (
	"testing"

	"pgregory.net/rapid"
)

// TestStopwatch holds what a stopwatch says against the times of all records.
func TestStopwatch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s Stopwatch
		var appended []int64 // of each record
		var acked, told uint64
		now := int64(1)
		for range rapid.IntRange(1, 400).Draw(t, "steps") {
			now += rapid.SampledFrom([]int64{0, 1, 30, 1000, 50_000, 10_000_000}).Draw(t, "passes")
			if next := uint64(len(appended)); rapid.Bool().Draw(t, "ack") {
				acked = max(acked, rapid.Uint64Range(0, next).Draw(t, "to"))
				s.Acked(acked, next, now, func(waited int64, records uint64) {
					for ; records > 0; records, told = records-1, told+1 {
						oldest := now - appended[min(uint64(len(appended))-1, told)]
						if slack := markEvery + (now-1)/16; waited < oldest || waited > oldest+slack {
							t.Fatalf("record %d waited %d µs, not %d", told, oldest, waited)
						}
					}
				})
				if told != acked {
					t.Fatalf("told of %d records, acknowledged %d", told, acked)
				}
				continue
			}
			for range rapid.IntRange(1, 100).Draw(t, "records") {
				if s.Due(now) {
					s.Mark(uint64(len(appended)), now)
				}
				appended = append(appended, now)
			}
			if len(s.marks) > maxMarks {
				t.Fatalf("%d marks", len(s.marks))
			}
		}
	})
}

// TestStopwatchRecovers marks records closely again when what has waited long is
// acknowledged at last.
func TestStopwatchRecovers(t *testing.T) {
	var s Stopwatch
	now, next := int64(0), uint64(0)
	for ; now < 3_600_000_000; now, next = now+1_000_000, next+1 { // an hour without any
		if s.Due(now) {
			s.Mark(next, now)
		}
	}
	ignore := func(int64, uint64) {}
	s.Acked(next-1, next, now, ignore)
	for range 1000 { // one is always under way
		if s.Due(now) {
			s.Mark(next, now)
		}
		next, now = next+1, now+1000
		s.Acked(next-1, next, now, ignore)
	}
	s.Acked(next, next, now, func(waited int64, _ uint64) {
		if waited > 10_000 {
			t.Errorf("a record is said to have waited %d µs, not 1000", waited)
		}
	})
}

// TestStopwatchError bounds how much too old a record is taken to be while others
// wait for long.
func TestStopwatchError(t *testing.T) {
	var s Stopwatch
	const every, records = 1000, 100_000 // 100 s
	for i := range uint64(records) {
		if at := int64(i) * every; s.Due(at) {
			s.Mark(i, at)
		}
	}
	const now = records * every
	told := int64(0)
	s.Acked(records, records, now, func(waited int64, n uint64) {
		if told += int64(n); waited < now-told*every || waited > now-told*every+int64(n)*every {
			t.Errorf("%d records are said to have waited %d µs", n, waited)
		}
		if slack := now/16 + 1; int64(n)*every > int64(slack) {
			t.Errorf("%d records share a mark", n)
		}
	})
	if told != records || len(s.marks) != 0 || !s.Due(0) {
		t.Errorf("told of %d records; %d marks are left", told, len(s.marks))
	}
}
