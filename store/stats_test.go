package store_test

import (
	"testing"

	"github.com/beckmesh/beck/internal/testmesh"
	"github.com/beckmesh/beck/meshtest"
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
	if n, written := times.CommitBytes.Sum, s.Stats().Written; n != float64(written) || written < 42 {
		t.Errorf("commits had %v bytes, and %d were written of 42 bytes of values", n, written)
	}
	topics, further := s.TopicStats(2)
	for i := range topics {
		if topics[i].CommittedBytes < topics[i].Bytes {
			t.Errorf("%+v", topics[i])
		}
		topics[i].CommittedBytes = 0
	}
	want := []store.TopicStats{
		{Topic: "a", Partitions: 1, Records: 7, Bytes: 14, Offsets: 7, Committed: 7}, {Topic: "b", Partitions: 1, Records: 7, Bytes: 14, Offsets: 7, Committed: 7},
	}
	if diff := cmp.Diff(want, topics); diff != "" || further != 1 {
		t.Errorf("%d further topics, want 1; %s", further, diff)
	}
	if lines := s.Troubles(); lines != nil {
		t.Errorf("it has troubles: %q", lines)
	}
}

// TestServedIsCounted by topic, and what links carry.
func TestServedIsCounted(t *testing.T) {
	m := testmesh.New(t)
	s, p := m.Store(""), m.Producer(nil)
	if err := p.PublishBatch(testmesh.Context(t), testmesh.Records("a", "r", 7)); err != nil {
		t.Fatal(err)
	}
	if err := p.Flush(testmesh.Context(t)); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	testmesh.Take(t, m.Consumer(nil, "a"), 7)
	testmesh.Until(t, "what was served to be counted", func() bool { return s.Stats().Net.ServedRecords >= 7 })
	topics, _ := s.TopicStats(1)
	net := s.Stats().Net
	if got := topics[0]; got.Served != net.ServedRecords || got.ServedBytes != net.ServedBytes || got.ServedBytes < 14 {
		t.Errorf("of the topic: %+v; of all: %+v", got, net)
	}
	if net.SentBytes < net.ServedBytes || net.ReceivedBytes < 14 || net.Reads == 0 || net.Writes == 0 {
		t.Errorf("links: %+v", net)
	}
	if net.Accepted["consumer"] != 1 || net.Dialled["consumer"] != 1 || net.Linked < 2 || net.Lost != 1 {
		t.Errorf("links, of which one was lost: %+v", net)
	}
}

// TestReconnects are counted apart from links to nodes that are new.
func TestReconnects(t *testing.T) {
	m := meshtest.New(t)
	s, p := m.Stores()[0], m.Producer()
	testmesh.Until(t, "a link", func() bool { return s.Stats().Net.Dialled["producer"] == 1 })
	if net := s.Stats().Net; net.Relinked != 0 || net.Lost != 0 {
		t.Errorf("before: %+v", net)
	}
	m.Partition(p)
	testmesh.Until(t, "the link to be lost", func() bool { return s.Stats().Net.Lost == 1 })
	m.Heal()
	testmesh.Until(t, "another link", func() bool { return s.Stats().Net.Dialled["producer"] == 1 })
	if net := s.Stats().Net; net.Relinked != 1 || net.Linked != 2 {
		t.Errorf("after: %+v", net)
	}
}
