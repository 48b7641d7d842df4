package blocklog

import (
	"errors"
	"maps"
	"slices"
	"time"

	"pgregory.net/rapid"
)

// modelBatch is what a batch has for a partition.
type modelBatch struct {
	known       bool
	base        uint64 // the head when it was added
	first, next uint64
	adds        bool
	appended    map[uint64]int64 // with the time of their blocks
	filled      map[uint64]int64
	bare        map[uint64]bool // of both
	given       map[uint64]bool // to Complete
}

// drop forgets the open batch.
func (m *model) drop() {
	m.batch, m.pending = m.log.NewBatch(), map[Partition]*modelBatch{}
}

// pend returns the batch's part of p.
func (m *model) pend(p Partition) *modelBatch {
	b := m.pending[p]
	if b == nil {
		b = &modelBatch{appended: map[uint64]int64{}, filled: map[uint64]int64{}, bare: map[uint64]bool{}, given: map[uint64]bool{}}
		m.pending[p] = b
	}
	return b
}

// append is what the batch does when records are appended to a partition first.
func (m *model) append(p Partition, first uint64) *modelBatch {
	b := m.pend(p)
	if !b.adds {
		b.adds, b.first, b.next = true, first, first
		if q := m.parts[p]; q != nil {
			b.known, b.base = true, q.next
		}
	}
	return b
}

// head returns the head of p as the open batch sees it, and whether p exists.
func (m *model) head(p Partition) (uint64, bool) {
	if b := m.pending[p]; b != nil && b.adds {
		return b.next, true
	}
	if q := m.parts[p]; q != nil {
		return q.next, true
	}
	return 0, false
}

// add appends a run with holes. It may begin too low, and is refused then.
func (m *model) add(t *rapid.T) {
	p := m.existing(t)
	head, known := m.head(p)
	first := head + rapid.Uint64Range(0, 3).Draw(t, "gap")
	switch rapid.IntRange(0, 9).Draw(t, "where") {
	case 0: // too low
		first = rapid.Uint64Range(0, head).Draw(t, "first")
	case 1, 2: // about where a grain ends
		first = max(head, grainEnd(grainOf(head))-rapid.Uint64Range(0, 50).Draw(t, "before"))
	}
	n := rapid.IntRange(1, 40).Draw(t, "records")
	if rapid.IntRange(0, 30).Draw(t, "many") == 0 {
		n = 5000
	}
	b := m.log.NewBuilder()
	stamps, bare := map[uint64]int64{}, map[uint64]bool{}
	stamp := m.now.UnixMilli()
	var seqs []uint64
	for i := range n {
		if n < 100 && rapid.IntRange(0, 15).Draw(t, "stamped") == 0 || n > 100 && i == n/2 {
			stamp = m.stamp(t, b)
		}
		if rapid.IntRange(0, 15).Draw(t, "turn") == 0 {
			b.Bare(rapid.Bool().Draw(t, "bare"))
		}
		stamps[first], bare[first] = stamp, b.bare
		appendModel(t, b, p, first)
		seqs = append(seqs, first)
		first++
		if n < 100 && rapid.IntRange(0, 20).Draw(t, "hole") == 0 {
			first += 5
		}
	}
	refused := known && seqs[0] < head
	if err := m.batch.Add(p, b); errors.Is(err, ErrOverlap) != refused || err != nil && !refused {
		t.Fatalf("add %v with head %d: %v", seqs, head, err)
	}
	if refused {
		return
	}
	q := m.append(p, seqs[0])
	for _, seq := range seqs {
		q.appended[seq] = stamps[seq]
		if bare[seq] {
			q.bare[seq] = true
		}
		q.next = seq + 1
	}
}

// stamp has the records to come of b be of some time, and returns which.
func (m *model) stamp(t *rapid.T, b *Builder) int64 {
	age := time.Duration(rapid.IntRange(-1, 3).Draw(t, "age")) * time.Hour
	b.Stamp(m.now.Add(-age))
	return m.now.Add(-max(age, 0)).UnixMilli()
}

// trickle commits some records one by one.
func (m *model) trickle(t *rapid.T) {
	p := m.existing(t)
	for range rapid.IntRange(5, 40).Draw(t, "records") {
		if rapid.IntRange(0, 20).Draw(t, "wait") == 0 {
			m.now = m.now.Add(rapid.SampledFrom([]time.Duration{time.Second, 2 * time.Minute}).Draw(t, "time"))
		}
		seq := uint64(0)
		if q := m.parts[p]; q != nil {
			seq = q.next
		}
		commitRange(t, m.log, p, seq, seq+1)
		m.apply(p, &modelBatch{adds: true, first: seq, next: seq + 1, appended: map[uint64]int64{seq: m.now.UnixMilli()}})
	}
}

// begin makes a partition that begins at some tail.
func (m *model) begin(t *rapid.T) {
	p := anyPartition.Draw(t, "partition")
	tail := rapid.Uint64Range(0, 100).Draw(t, "tail")
	_, known := m.head(p)
	if err := m.batch.Begin(p, tail); errors.Is(err, ErrOverlap) != known || err != nil && !known {
		t.Fatalf("begin: %v", err)
	}
	if !known {
		m.append(p, tail)
	}
}

// fill writes into a hole, or over its edges, and is refused then.
func (m *model) fill(t *rapid.T) {
	p := m.existing(t)
	q := m.parts[p]
	if q == nil || q.next == 0 {
		return
	}
	first := rapid.Uint64Range(q.tail-min(q.tail, 3), q.next).Draw(t, "first")
	if holes := q.holes(); len(holes) > 0 {
		h := rapid.SampledFrom(holes).Draw(t, "hole")
		first = rapid.Uint64Range(h.First-min(h.First, 1), h.Next).Draw(t, "first")
	}
	n := rapid.Uint64Range(1, 10).Draw(t, "records")
	b := m.log.NewBuilder()
	stamp := m.stamp(t, b)
	b.Bare(rapid.Bool().Draw(t, "bare"))
	for seq := first; seq < first+n; seq++ {
		appendModel(t, b, p, seq)
	}

	pend := m.pending[p]
	var want error
	for seq := first; seq < first+n; seq++ {
		if _, held := q.held[seq]; held || pend != nil && pend.filled[seq] != 0 {
			want = ErrOverlap
		}
	}
	if first+n > q.next {
		want = ErrNotHole
	}
	if err := m.batch.Fill(p, b); !errors.Is(err, want) || want == nil && err != nil {
		t.Fatalf("fill %v %d to %d: %v, want %v", p, first, first+n, err, want)
	}
	if want != nil {
		return
	}
	pend = m.pend(p)
	for seq := first; seq < first+n; seq++ {
		pend.filled[seq] = stamp
		if b.bare {
			pend.bare[seq] = true
		}
	}
}

// appendModel appends a record, without its trailer if it is to be bare.
func appendModel(t *rapid.T, b *Builder, p Partition, seq uint64) {
	tr := trailer(seq)
	if b.bare {
		tr = nil
	}
	if err := b.Append(seq, content(p, seq), tr); err != nil {
		t.Fatal(err)
	}
}

// complete gives records once more, for those that are bare.
func (m *model) complete(t *rapid.T) {
	p := m.existing(t)
	q := m.parts[p]
	if q == nil || q.next == 0 {
		return
	}
	first := rapid.Uint64Range(q.tail-min(q.tail, 3), q.next).Draw(t, "first")
	if bare := slices.Sorted(maps.Keys(q.bare)); len(bare) > 0 {
		first = rapid.SampledFrom(bare).Draw(t, "first")
		first -= min(first, rapid.Uint64Range(0, 5).Draw(t, "before"))
	}
	n, b := rapid.Uint64Range(1, 60).Draw(t, "records"), m.log.NewBuilder()
	wrong := first + rapid.Uint64Range(0, 10*n).Draw(t, "wrong")
	given, bare, want := map[uint64]bool{}, false, error(nil)
	for seq := first; seq < first+n; seq++ {
		if rapid.IntRange(0, 20).Draw(t, "hole") == 0 {
			continue
		}
		c := content(p, seq)
		if seq == wrong {
			c = []byte("wrong")
		}
		if err := b.Append(seq, c, trailer(seq)); err != nil {
			t.Fatal(err)
		}
		given[seq], bare = true, bare || q.bare[seq]
		if want == nil && seq == wrong && q.bare[seq] {
			want = ErrConflict
		}
		if pend := m.pending[p]; pend != nil && pend.given[seq] {
			want = ErrOverlap
		}
	}
	if err := m.batch.Complete(p, b); !errors.Is(err, want) || want == nil && err != nil {
		t.Fatalf("complete %v %d to %d: %v, want %v", p, first, first+n, err, want)
	}
	if want == nil && bare {
		maps.Copy(m.pend(p).given, given)
	}
}

func (m *model) commit(t *rapid.T) {
	var want error
	for p, b := range m.pending {
		if q := m.parts[p]; q != nil && b.adds && (!b.known || q.next != b.base) {
			want = ErrOverlap // raised above its head since it was added
		} else if q == nil && len(b.filled) > 0 {
			want = ErrNotHole // forgotten
			if slices.ContainsFunc(slices.Collect(maps.Values(m.pending)), func(b *modelBatch) bool { return b.adds }) {
				want = errEither
			}
		}
	}
	err := m.batch.Commit()
	if want == errEither && (errors.Is(err, ErrOverlap) || errors.Is(err, ErrNotHole)) {
		want = err
	}
	if !errors.Is(err, want) || want == nil && err != nil {
		t.Fatalf("commit: %v, want %v", err, want)
	}
	if want == nil {
		for p, b := range m.pending {
			m.apply(p, b)
		}
	}
	m.drop()
}

var errEither = errors.New("one or the other")

func (m *model) apply(p Partition, b *modelBatch) {
	q := m.parts[p]
	if q == nil && !b.adds { // it was to be completed, and is forgotten
		return
	}
	if q == nil {
		q = m.newPartition(p, b.first)
	}
	maps.DeleteFunc(q.bare, func(seq uint64, _ bool) bool { return b.given[seq] })
	for seq, stamp := range b.filled {
		if seq >= q.tail {
			q.held[seq] = stamp
		}
	}
	maps.Copy(q.held, b.appended)
	for seq := range b.bare {
		if _, held := q.held[seq]; held {
			q.bare[seq] = true
		}
	}
	if b.adds {
		q.next = b.next
	}
	if len(q.held) > 0 {
		q.emptied = 0
	}
}
