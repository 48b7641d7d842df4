package blocklog

import (
	"errors"
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"
)

// model is what a log has to hold, kept in a map, and the log beside it.
type model struct {
	mem   *vfs.MemFS
	log   *Log
	uuid  string
	parts map[Partition]*modelPartition
	batch *Batch
	// pending is the content of batch.
	pending map[Partition]*modelPartition
}

type modelPartition struct {
	seqs []uint64 // ascending
}

func (m *modelPartition) next() uint64 {
	if m == nil || len(m.seqs) == 0 {
		return 0
	}
	return m.seqs[len(m.seqs)-1] + 1
}

// TestModel applies random steps to a log and to a map, and compares.
func TestModel(t *testing.T) {
	if testing.Short() {
		t.Skip("thorough: runs without the race detector")
	}
	rapid.Check(t, func(t *rapid.T) {
		m := &model{mem: vfs.NewCrashableMem(), parts: map[Partition]*modelPartition{}}
		m.open(t)
		defer func() { _ = m.log.Close() }()
		t.Repeat(map[string]func(*rapid.T){
			"":       m.check,
			"add":    m.add,
			"commit": m.commit,
			"reopen": m.reopen,
			"crash":  m.crash,
			"flush":  m.flush,
		})
	})
}

func (m *model) open(t *rapid.T) {
	m.log = openLog(t, "/store", small(m.mem))
	if m.uuid != "" && m.log.UUID() != m.uuid {
		t.Fatalf("uuid %s, was %s", m.log.UUID(), m.uuid)
	}
	m.uuid = m.log.UUID()
	m.drop()
}

// drop forgets the open batch.
func (m *model) drop() {
	m.batch, m.pending = m.log.NewBatch(), map[Partition]*modelPartition{}
}

// head returns the head of p as the open batch sees it, and whether p exists.
func (m *model) head(p Partition) uint64 {
	if q := m.pending[p]; q != nil {
		return q.next()
	}
	return m.parts[p].next()
}

var anyPartition = rapid.Custom(func(t *rapid.T) Partition {
	return Partition{
		Topic:    rapid.SampledFrom([]string{"t", "t\x01", "tt"}).Draw(t, "topic"),
		Producer: producer(rapid.IntRange(1, 2).Draw(t, "producer")),
	}
})

// add appends a run with holes. It may begin too low, and is refused then.
func (m *model) add(t *rapid.T) {
	p := anyPartition.Draw(t, "partition")
	first := m.head(p) + rapid.Uint64Range(0, 3).Draw(t, "gap")
	if first > 0 && rapid.IntRange(0, 9).Draw(t, "low") == 0 {
		first = rapid.Uint64Range(0, m.head(p)).Draw(t, "first")
	}
	b := m.log.NewBuilder()
	run := &modelPartition{}
	for range rapid.IntRange(1, 40).Draw(t, "records") {
		if err := b.Append(first, content(p, first), trailer(first)); err != nil {
			t.Fatal(err)
		}
		run.seqs = append(run.seqs, first)
		first++
		if rapid.IntRange(0, 20).Draw(t, "hole") == 0 {
			first += 5
		}
	}
	refused := run.seqs[0] < m.head(p)
	if err := m.batch.Add(p, b); errors.Is(err, ErrOverlap) != refused || err != nil && !refused {
		t.Fatalf("add %v with head %d: %v", run.seqs, m.head(p), err)
	}
	if refused {
		return
	}
	if m.pending[p] == nil {
		m.pending[p] = &modelPartition{}
	}
	m.pending[p].seqs = append(m.pending[p].seqs, run.seqs...)
}

func (m *model) commit(t *rapid.T) {
	if err := m.batch.Commit(); err != nil {
		t.Fatal(err)
	}
	for p, q := range m.pending {
		if m.parts[p] == nil {
			m.parts[p] = &modelPartition{}
		}
		m.parts[p].seqs = append(m.parts[p].seqs, q.seqs...)
	}
	m.drop()
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

// check compares the states and one random read of each partition.
func (m *model) check(t *rapid.T) {
	found := 0
	for p, s := range m.log.Partitions() {
		found++
		want := m.parts[p]
		if want == nil || s.Tail != want.seqs[0] || s.Next != want.next() || s.Records != uint64(len(want.seqs)) {
			t.Fatalf("%v: state %+v, want %+v", p, s, want)
		}
		from := rapid.Uint64Range(0, s.Next+1).Draw(t, "from")
		maxBytes := rapid.SampledFrom([]int{0, 1, 100, 2000}).Draw(t, "maxBytes")
		got, err := readSeqs(t, m.log, p, from, maxBytes)
		if err != nil {
			t.Fatal(err)
		}
		if want := want.read(p, from, maxBytes); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%v from %d, %d bytes: %v, want %v", p, from, maxBytes, got, want)
		}
	}
	if found != len(m.parts) {
		t.Fatalf("%d partitions, want %d", found, len(m.parts))
	}
}

// read is what Read has to visit.
func (m *modelPartition) read(p Partition, from uint64, maxBytes int) (seqs []uint64) {
	size := 0
	for _, seq := range m.seqs {
		if seq < from {
			continue
		}
		seqs = append(seqs, seq)
		if size += len(content(p, seq)) + len(trailer(seq)); maxBytes > 0 && size >= maxBytes {
			break
		}
	}
	return seqs
}
