package store_test

import (
	"testing"

	"github.com/beckmesh/beck/internal/testmesh"
	"github.com/beckmesh/beck/store"
	"github.com/google/go-cmp/cmp"
)

// TestMeasured: commits and syncs are timed, and topics told of, as many as wanted.
func TestMeasured(t *testing.T) {
	m := testmesh.New(t)
	s, p := m.Store(""), m.Producer(nil)
	for _, topic := range []string{"a", "b", "c"} {
		if err := p.PublishBatch(testmesh.Context(t), testmesh.Records(topic, "r", 7)); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Flush(testmesh.Context(t)); err != nil {
		t.Fatal(err)
	}
	testmesh.Until(t, "all to be counted", func() bool { return s.Stats().Committed == 21 })
	times, disk := s.Times(), s.Disk()
	if n := times.CommitSeconds; n.Count == 0 || n.Sum <= 0 || n.Count != s.Stats().Commits {
		t.Errorf("%d commits were timed, %v s in all; there were %d", n.Count, n.Sum, s.Stats().Commits)
	}
	if n := times.CommitRecords.Sum; n != 21 {
		t.Errorf("commits had %v records, want 21", n)
	}
	if n := disk.SyncSeconds; n.Count == 0 || n.Sum <= 0 || n.Sum > 60 || n.Counts[len(n.Counts)-1] != n.Count {
		t.Errorf("syncs: %+v", n)
	}
	if disk.WALBytes == 0 || disk.DiskSize == 0 || disk.DiskBytes == 0 {
		t.Errorf("the disk: %+v", disk)
	}
	topics, further := s.TopicStats(2)
	want := []store.TopicStats{
		{Topic: "a", Partitions: 1, Records: 7, Bytes: 14, Offsets: 7}, {Topic: "b", Partitions: 1, Records: 7, Bytes: 14, Offsets: 7},
	}
	if diff := cmp.Diff(want, topics); diff != "" || further != 1 {
		t.Errorf("%d further topics, want 1; %s", further, diff)
	}
	if lines := s.Troubles(); lines != nil {
		t.Errorf("it has troubles: %q", lines)
	}
}
