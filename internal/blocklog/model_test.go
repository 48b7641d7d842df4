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
	tail, next      uint64
	held            map[uint64]int64
	bare            map[uint64]bool // of those held
	purged          uint64
	emptied         int64
	emptiedOrPurged int64
}

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
