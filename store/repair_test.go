package store_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/testmesh"
)

// A store whose database files are damaged gives up what cannot be read, and fetches
// it from another one.
func TestDamagedFilesAreMended(t *testing.T) {
	if testing.Short() {
		t.Skip("thorough: with the race detector Pebble looks for a flipped bit for minutes")
	}
	for _, kind := range []string{"*.sst", "*.blob"} {
		t.Run(kind[2:], func(t *testing.T) { mendDamaged(t, kind) })
	}
}

func mendDamaged(t *testing.T, kind string) {
	m := testmesh.New(t)
	dir, otherDir := t.TempDir(), t.TempDir()
	s, other := m.Store(dir), m.Store(otherDir)
	v := strings.Repeat("v", 500) // five together stay in the tables
	records := testmesh.Records("small", v, 400)
	for range 40 {
		records = append(records, beck.Record{Topic: "large", Value: bytes.Repeat([]byte("v"), 20_000)})
	}
	p := m.Producer(nil)
	for len(records) > 0 { // in small blocks
		publish(t, p, records[:min(len(records), 5)])
		records = records[min(len(records), 5):]
	}
	p.Close()
	testmesh.Until(t, "both stores to have all", func() bool {
		return s.Stats().Records == 440 && other.Stats().Records == 440
	})
	for range 2 { // the first time it is in the write-ahead log
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = m.Store(dir)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	damage(t, dir, kind)

	s = m.Store(dir)
	c := m.Consumer(nil, "small", "large") // it makes the store read
	testmesh.Until(t, "the damage to be met", func() bool { return s.Stats().Missing > 0 })
	other = m.Store(otherDir)
	if got := testmesh.Take(t, c, 440); len(got) != 440 {
		t.Errorf("the consumer got %d records", len(got))
	}
	testmesh.Until(t, "the store to have all", func() bool { return s.Stats().Missing == 0 && s.Stats().Filled > 0 })
	c.Close()
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	got, told := replay(t, m, "small")
	testmesh.InOrder(t, got, 0, v)
	more, toldMore := replay(t, m, "large")
	for _, r := range more {
		if len(r.Value) != 20_000 || bytes.Trim(r.Value, "v") != nil {
			t.Errorf("record %d of large is wrong", r.Offset)
		}
	}
	if len(got) != 400 || len(more) != 40 || len(told.all) > 0 || len(toldMore.all) > 0 {
		t.Errorf("%d and %d records, told %v and %v", len(got), len(more), told.all, toldMore.all)
	}
}

// damage flips a byte in the middle of the largest file of a kind: in a small one it
// would hit what a store cannot do without.
func damage(t *testing.T, dir, kind string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "log", kind))
	if err != nil || len(names) == 0 {
		t.Fatalf("no %s in %s: %v", kind, dir, err)
	}
	var name string
	var raw []byte
	for _, candidate := range names {
		found, err := os.ReadFile(candidate)
		if err != nil {
			t.Fatal(err)
		}
		if len(found) > len(raw) {
			name, raw = candidate, found
		}
	}
	raw[len(raw)/2] ^= 0x10
	if err := os.WriteFile(name, raw, 0o600); err != nil {
		t.Fatal(err)
	}
}
