//go:build unix

package e2e

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/beckmesh/beck"
	"github.com/beckmesh/beck/internal/testdisk"
	"github.com/beckmesh/beck/producer"
)

const (
	fullTopic   = "full"
	fullRecords = 1500
	fullSize    = 10_000
	fullDisk    = 64 << 20
	fullBallast = 56 << 20 // leaves room for about half of the records
)

// TestDiskFull fills the disk of a store, a file system of 64 MiB: its
// acknowledgements stop, it says so, and what was acknowledged can be read. With
// room again it goes on within 5 s, all is acknowledged, and all is there after a
// restart.
func TestDiskFull(t *testing.T) {
	disk := testdisk.Mount(t, fullDisk)
	m := newMesh(t)
	ballast, dir := filepath.Join(disk, "ballast"), filepath.Join(disk, "data")
	if err := os.WriteFile(ballast, make([]byte, fullBallast), 0o600); err != nil {
		t.Fatal(err)
	}
	s := m.store(dir)
	defer func() { s.kill() }() // before it is unmounted
	p := fillDisk(t, m)
	s.awaitLog(limit(), "beck: the disk of "+dir+" is full")
	var stored uint64
	since := time.Now()
	eventually(t, limit(), "acknowledgements stop", func() bool {
		if now := p.Stats().Stored; now != stored {
			stored, since = now, time.Now()
		}
		return time.Since(since) > time.Second
	})
	if stored == 0 || stored >= fullRecords {
		t.Fatalf("%d of %d records are acknowledged on a full disk", stored, fullRecords)
	}
	live := newSink(newInOrder(fullSize, map[string]int{"r": 0}).check)
	c := m.consume(fullTopic, live, "--from-beginning")
	eventually(t, limit(), "what was acknowledged replays", func() bool {
		return live.lines() >= int(stored) || live.failure() != nil
	})
	c.kill()
	if err := live.failure(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	freed := time.Now()
	eventually(t, 5*time.Second, "acknowledgements go on", func() bool { return p.Stats().Stored > stored })
	resumed := time.Since(freed)
	s.awaitLog(limit(), "beck: there is room on the disk of "+dir+" again")
	if err := p.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d of %d records acknowledged when the disk was full; went on %v after there was room", stored, fullRecords, resumed)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	s.kill()
	s = m.store(dir)
	checkReplay(t, m, fullTopic, map[string]int{"r": fullRecords}, fullSize)
}

// fillDisk starts a producer that wants a store and publishes more than fits.
func fillDisk(t *testing.T, m *mesh) *producer.Producer {
	t.Helper()
	c := producer.DefaultConfig()
	c.Sub, c.Pub, c.Listen, c.Logger = []string{m.sub}, []string{m.pub}, "127.0.0.1:0", quiet
	c.MinStoreAcks, c.WindowBytes = 1, 64<<20
	p, err := producer.Start(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	for n := range fullRecords {
		line := appendLine(nil, "r", n, fullSize)
		if err := p.Publish(t.Context(), beck.Record{Topic: fullTopic, Value: line[:len(line)-1]}); err != nil {
			t.Fatal(err)
		}
	}
	return p
}
