package blocklog

import (
	"maps"
	"slices"

	"pgregory.net/rapid"
)

// check compares the states and one random read of each partition.
func (m *model) check(t *rapid.T) {
	found := 0
	for p, s := range m.log.Partitions() {
		found++
		want := m.parts[p]
		if want == nil || s.Tail != want.tail || s.Next != want.next || s.Records != uint64(len(want.held)) || s.Bare != uint64(len(want.bare)) ||
			s.Purged != want.purged || s.Emptied != want.emptied {
			t.Fatalf("%v: state %+v, want %+v", p, s, want)
		}
		wantSums(t, m.log, p)
		from := rapid.Uint64Range(0, s.Next-min(s.Next, 1)+1).Draw(t, "from")
		maxBytes := rapid.SampledFrom([]int{0, 1, 100, 2000}).Draw(t, "maxBytes")
		got, err := readSeqs(t, m.log, p, from, maxBytes)
		if err != nil {
			t.Fatal(err)
		}
		if want := want.read(p, from, maxBytes); !slices.Equal(got, want) {
			t.Fatalf("%v from %d, %d bytes: %v, want %v", p, from, maxBytes, got, want)
		}
		m.checkTimes(t, p, from)
		holes, err := m.log.Holes(p)
		if err != nil || !slices.Equal(holes, want.holes()) {
			t.Fatalf("%v: holes %v, %v; want %v", p, holes, err, want.holes())
		}
		bare, err := m.log.BareRanges(p)
		if err != nil || !slices.Equal(bare, want.bareRanges()) {
			t.Fatalf("%v: bare %v, %v; want %v", p, bare, err, want.bareRanges())
		}
		if low, high := s.DigestRange(); low < high {
			want.checkDigest(t, m.log, p, low, high)
		}
	}
	if found != len(m.parts) {
		t.Fatalf("%d partitions, want %d", found, len(m.parts))
	}
}

// checkTimes compares when records were first seen.
func (m *model) checkTimes(t *rapid.T, p Partition, from uint64) {
	if err := m.log.Read(p, from, 2000, func(r Record) bool {
		if want := m.parts[p].held[r.Seq]; r.FirstSeen < want || r.FirstSeen > want && !m.merged {
			t.Fatalf("%v record %d is of %d, want %d", p, r.Seq, r.FirstSeen, want)
		}
		if want := m.parts[p].bare[r.Seq]; r.Bare != want {
			t.Fatalf("%v record %d: bare is %v", p, r.Seq, r.Bare)
		}
		return true
	}); err != nil {
		t.Fatal(err)
	}
}

// checkDigest computes the sums of ranges record by record.
func (q *modelPartition) checkDigest(t *rapid.T, l *Log, p Partition, low, high uint64) {
	at := rapid.Uint64Range(low/GrainRecords+1, high/GrainRecords).Draw(t, "at") * GrainRecords
	_, want := q.sums(p, low, at)
	if got, ok := l.Digest(p, at); !ok || got != want {
		t.Fatalf("%v: digest at %d is %x, %v; want %x", p, at, got, ok, want)
	}
	from := rapid.Uint64Range(low/GrainRecords, at/GrainRecords).Draw(t, "first") * GrainRecords
	records, digest := q.sums(p, from, at)
	if n, d, err := l.Sums(p, from, at); err != nil || n != records || d != digest {
		t.Fatalf("%v from %d to %d: %d records, %x, %v; want %d, %x", p, from, at, n, d, err, records, digest)
	}
}

func (q *modelPartition) sums(p Partition, from, to uint64) (records, digest uint64) {
	for seq := range q.held {
		if seq >= from && seq < to {
			records++
			digest += recordDigest(seq, content(p, seq))
		}
	}
	return records, digest
}

// read is what Read has to visit.
func (q *modelPartition) read(p Partition, from uint64, maxBytes int) (seqs []uint64) {
	size := 0
	for _, seq := range slices.Sorted(maps.Keys(q.held)) {
		if seq < from {
			continue
		}
		seqs = append(seqs, seq)
		size += len(content(p, seq))
		if !q.bare[seq] {
			size += len(trailer(seq))
		}
		if maxBytes > 0 && size >= maxBytes {
			break
		}
	}
	return seqs
}

// holes is what Holes has to return.
func (q *modelPartition) holes() (out []Range) {
	var h holes
	at := q.tail
	for _, seq := range slices.Sorted(maps.Keys(q.held)) {
		h.add(at, seq)
		at = seq + 1
	}
	h.add(at, q.next)
	return h.ranges
}

// bareRanges is what BareRanges has to return.
func (q *modelPartition) bareRanges() (out []Range) {
	var h holes
	for _, seq := range slices.Sorted(maps.Keys(q.bare)) {
		h.add(seq, seq+1)
	}
	return h.ranges
}
