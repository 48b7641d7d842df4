package blocklog

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"
)

// model is what a log has to hold, kept in maps, and the log beside it.
type model struct {
	mem   *vfs.MemFS
	log   *Log
	uuid  string
	now   time.Time
	last  Policy // of the last enforce
	parts map[Partition]*modelPartition
	batch *Batch
	// merged says that blocks were merged, so that times may be later ones.
	merged bool
	// pending is the content of batch.
	pending map[Partition]*modelBatch
}

// modelPartition are the records of a partition, with the time of their blocks.
type modelPartition struct {
	tail, next       uint64
	held             map[uint64]int64
	bare             map[uint64]bool // of those held
	purged           uint64
	emptied          int64
	emptiedOrPurged  int64
	emptiedUncertain bool
}

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

const modelTombstones = 10 * time.Hour

// TestModel applies random steps to a log and to maps, and compares.
func TestModel(t *testing.T) {
	if testing.Short() {
		t.Skip("thorough: runs without the race detector")
	}
	rapid.Check(t, func(t *rapid.T) {
		m := &model{mem: vfs.NewCrashableMem(), parts: map[Partition]*modelPartition{}, now: time.UnixMilli(1e12)}
		m.open(t)
		defer func() { _ = m.log.Close() }()
		t.Repeat(map[string]func(*rapid.T){
			"":        m.check,
			"add":     m.add,
			"trickle": m.trickle,
			"begin":   m.begin,
			"fill":    m.fill,
			"finish":  m.complete,
			"commit":  m.commit,
			"reopen":  m.reopen,
			"crash":   m.crash,
			"flush":   m.flush,
			"wait":    m.wait,
			"enforce": m.enforce,
			"raise":   m.raise,
			"merge":   m.merge,
			"damage":  m.damage,
		})
	})
}

func (m *model) open(t *rapid.T) {
	o := small(m.mem)
	o.Now = func() time.Time { return m.now }
	o.TombstoneAge = modelTombstones
	m.log = openLog(t, "/store", o)
	if m.uuid != "" && m.log.UUID() != m.uuid {
		t.Fatalf("uuid %s, was %s", m.log.UUID(), m.uuid)
	}
	m.uuid = m.log.UUID()
	m.drop()
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

var anyPartition = rapid.Custom(func(t *rapid.T) Partition {
	return Partition{
		Topic:    rapid.SampledFrom([]string{"t", "t\x01", "tt"}).Draw(t, "topic"),
		Producer: producer(rapid.IntRange(1, 2).Draw(t, "producer")),
	}
})

// existing draws a partition that exists, or one that may not.
func (m *model) existing(t *rapid.T) Partition {
	if len(m.parts) == 0 || rapid.IntRange(0, 9).Draw(t, "any") == 0 {
		return anyPartition.Draw(t, "partition")
	}
	return rapid.SampledFrom(slices.SortedFunc(maps.Keys(m.parts), Partition.compare)).Draw(t, "partition")
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

func (m *model) newPartition(p Partition, tail uint64) *modelPartition {
	q := &modelPartition{tail: tail, next: tail, held: map[uint64]int64{}, bare: map[uint64]bool{}, emptied: m.now.UnixMilli()}
	m.parts[p] = q
	return q
}

func (m *model) reopen(t *rapid.T) {
	m.batch.Discard()
	closeLog(t, m.log)
	m.open(t)
}

func (m *model) crash(t *rapid.T) {
	m.mem = m.mem.CrashClone(vfs.CrashCloneCfg{})
	m.batch.Discard()
	closeLog(t, m.log)
	m.open(t)
}

func (m *model) flush(t *rapid.T) {
	if err := m.log.db.Flush(); err != nil {
		t.Fatal(err)
	}
}

func (m *model) wait(t *rapid.T) {
	m.now = m.now.Add(time.Duration(rapid.Int64Range(1, int64(5*time.Hour)).Draw(t, "time")))
}

func (m *model) enforce(t *rapid.T) {
	policy := Policy{Records: rapid.SampledFrom([]uint64{0, 1, 10, 50, 5000}).Draw(t, "records"),
		Bytes: rapid.SampledFrom([]uint64{0, 1, 500, 2000, 100_000}).Draw(t, "bytes"),
		Age:   rapid.SampledFrom([]time.Duration{0, 0, time.Hour, 6 * time.Hour}).Draw(t, "age")}
	if rapid.Bool().Draw(t, "same") {
		policy = m.last
	}
	m.last = policy
	before := map[Partition]uint64{}
	for p, q := range m.parts {
		before[p] = q.tail
	}
	for more := true; more; {
		report, err := m.log.Enforce(Rules{{">", policy}}, m.now)
		if err != nil {
			t.Fatal(err)
		}
		for _, trim := range report.Trims {
			if trim.From != before[trim.Partition] || trim.Tail <= trim.From {
				t.Fatalf("%+v, the tail was %d", trim, before[trim.Partition])
			}
			before[trim.Partition] = trim.Tail
		}
		more = report.More
	}
	for p, q := range m.parts {
		if tail, now := before[p], q.trim(m, t, p, policy); tail != now {
			s, _ := m.log.state(p)
			t.Fatalf("%v: the report says tail %d, it is %d; state %+v", p, tail, now, s)
		}
		age := modelTombstones.Milliseconds()
		if len(q.held) == 0 && q.tail == q.next && max(q.emptied, q.emptiedOrPurged)+age <= m.now.UnixMilli() {
			delete(m.parts, p)
		}
	}
}

// trim does what the policy says, and returns the tail.
func (q *modelPartition) trim(m *model, t *rapid.T, p Partition, policy Policy) uint64 {
	tail, before := q.tail, len(q.held)
	seqs := slices.Sorted(maps.Keys(q.held))
	if policy.Records > 0 && uint64(len(seqs)) > policy.Records {
		tail = seqs[uint64(len(seqs))-policy.Records]
	}
	if policy.Bytes > 0 {
		kept := uint64(0)
		for i := len(seqs) - 1; i >= 0; i-- {
			if kept += uint64(len(content(p, seqs[i]))); kept > policy.Bytes {
				tail = max(tail, slices.Concat(seqs, []uint64{q.next})[i+1])
				break
			}
		}
	}
	if policy.Age > 0 {
		// Blocks go as a whole, and merged ones have the time of the newest: what
		// was written lately must be there, and what is left be in a young block.
		s, _ := m.log.State(p)
		cut := m.now.Add(-policy.Age).UnixMilli()
		for seq, time := range q.held {
			if time > cut && seq >= tail && seq < s.Tail && !q.emptiedUncertain {
				t.Fatalf("%v: %d has gone, it is of %d, what goes is of %d", p, seq, time, cut)
			}
		}
		if _, err := m.log.walk(p, s.Tail, s.Next, func(b block) bool {
			if b.time <= cut {
				t.Fatalf("%v: block at %d of %d is left, what goes is of %d", p, b.first, b.time, cut)
			}
			return false
		}); err != nil {
			t.Fatal(err)
		}
		tail = max(tail, s.Tail)
	}
	q.raise(tail)
	if len(q.held) == 0 && before > 0 && q.tail == q.next && q.emptied == 0 {
		q.emptied = m.now.UnixMilli()
	}
	return q.tail
}

func (q *modelPartition) raise(tail uint64) {
	q.tail = max(q.tail, tail)
	maps.DeleteFunc(q.held, func(seq uint64, _ int64) bool { return seq < q.tail })
	maps.DeleteFunc(q.bare, func(seq uint64, _ bool) bool { return seq < q.tail })
	q.next = max(q.next, q.tail)
}

// raise raises a tail, or purges.
func (m *model) raise(t *rapid.T) {
	p := m.existing(t)
	q, now := m.parts[p], m.now.UnixMilli()
	tail := rapid.Uint64Range(0, 100).Draw(t, "tail")
	if q != nil {
		tail = rapid.Uint64Range(q.tail-min(q.tail, 5), q.next+5).Draw(t, "tail")
	}
	purge := rapid.Bool().Draw(t, "purge")
	do := m.log.RaiseTail
	if purge {
		do = m.log.Purge
	}
	if err := do(p, tail); err != nil {
		t.Fatal(err)
	}
	if q == nil {
		q = m.newPartition(p, tail)
	}
	q.raise(tail)
	if purge && tail > q.purged {
		q.purged, q.emptiedOrPurged = tail, now
	}
	if q.tail == q.next && q.emptied == 0 {
		q.emptied = now
	}
}

func (m *model) merge(t *rapid.T) {
	m.merged = true
	if rapid.Bool().Draw(t, "all") {
		if _, err := m.log.MergeSmall(0); err != nil {
			t.Fatal(err)
		}
		return
	}
	if _, err := m.log.Compact(m.existing(t)); err != nil {
		t.Fatal(err)
	}
}

// damage spoils a block, which is found and put in quarantine.
func (m *model) damage(t *rapid.T) {
	p := m.existing(t)
	q := m.parts[p]
	if q == nil || len(q.held) == 0 {
		return
	}
	seq := rapid.SampledFrom(slices.Sorted(maps.Keys(q.held))).Draw(t, "seq")
	var bad block
	if _, err := m.log.walk(p, seq, seq+1, func(b block) bool { bad = b; return false }); err != nil {
		t.Fatal(err)
	}
	spoil(t, m.log, p, bad.first, flip)
	if err := m.log.Read(p, seq, 0, func(Record) bool { return true }); !errors.Is(err, ErrCorrupt) {
		t.Fatalf("damage at %d: %v", seq, err)
	}
	for seq := bad.first; seq < bad.next(); seq++ {
		delete(q.held, seq)
		delete(q.bare, seq)
	}
}

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
