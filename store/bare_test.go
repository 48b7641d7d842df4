package store_test

import (
	"fmt"
	"testing"

	"github.com/beckmesh/beck/internal/blocklog"
	"github.com/beckmesh/beck/internal/testmesh"
	"github.com/beckmesh/beck/protocol"
)

// prepareBare fills a store's directory as prepare does, with trailers, or with
// records that have lost theirs.
func prepareBare(t *testing.T, dir string, p blocklog.Partition, next uint64, bare bool) {
	t.Helper()
	l, err := blocklog.Open(dir, blocklog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	records, b := l.NewBuilder(), l.NewBatch()
	records.Bare(bare)
	for seq := range next {
		trailer := []byte{0x81, 1, byte(seq % 100)}
		if bare {
			trailer = nil
		}
		if err := records.Append(seq, fmt.Appendf(nil, "v%d", seq), trailer); err != nil {
			t.Fatal(err)
		}
	}
	for _, err := range []error{b.Add(p, records), b.Commit(), l.Close()} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// trailers counts the records of a directory that have theirs.
func trailers(t *testing.T, dir string, p blocklog.Partition) (n int) {
	t.Helper()
	l, err := blocklog.Open(dir, blocklog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := l.Read(p, 0, 0, func(r blocklog.Record) bool {
		if len(r.Trailer) == 3 && r.Trailer[2] == byte(r.Seq%100) && string(r.Content) == fmt.Sprintf("v%d", r.Seq) {
			n++
		}
		return true
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

// A store that took records over from a C store, which drops trailers, is given
// them by a beck store; one that took them from such a store still knows that
// they are missing.
func TestTrailersCompleted(t *testing.T) {
	m := testmesh.New(t)
	p := blocklog.Partition{Topic: "t", Producer: protocol.NewAddress()}
	bare, second, whole := t.TempDir(), t.TempDir(), t.TempDir()
	prepareBare(t, bare, p, 10_000, true)
	prepareBare(t, whole, p, 10_000, false)
	a, b := m.Store(bare), m.Store(second)
	testmesh.Until(t, "the second store to have the records", func() bool { return b.Stats().Records == 10_000 })
	if st := b.Stats(); st.Bare != 10_000 {
		t.Errorf("%d of them are known to lack trailers", st.Bare)
	}
	c := m.Store(whole)
	testmesh.Until(t, "both to be given the trailers", func() bool { return a.Stats().Bare+b.Stats().Bare == 0 })
	for _, s := range []interface{ Close() error }{a, b, c} {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{bare, second, whole} {
		if n := trailers(t, dir, p); n != 10_000 {
			t.Errorf("%d of 10000 records have their trailers", n)
		}
	}
}
