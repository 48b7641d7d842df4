package mesh

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"github.com/beckmesh/beck/internal/zmtp"
)

// A role that keeps runs for a while and then releases them gets them as they
// were sent, out of few blocks. One that does not release gets a new block each
// time.
func TestBlocksAreUsedAgain(t *testing.T) {
	for _, tt := range []struct {
		name      string
		behind    int  // runs that the role has not released
		release   bool // at all
		low, high int  // blocks
	}{
		{"released at once", 0, true, 1, 3},
		{"released late", 8, true, 4, 12},
		{"never released", 8, false, 30, 100},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if blocks := readKeeping(t, tt.behind, tt.release, 30*zmtp.DefaultBlock); blocks < tt.low || blocks > tt.high {
				t.Errorf("%d blocks, want %d to %d", blocks, tt.low, tt.high)
			}
		})
	}
}

// Records that are released leave next to no garbage: per read the array of runs,
// and per block what counts it.
func TestReleasedLeaveNoGarbage(t *testing.T) {
	d := &Dialled{link: &link{node: &Node{}}, in: assembler{self: testSelf}}
	d.reader = zmtp.NewReader(topicsInTurn(1000, 1), zmtp.Limits{})
	read := func() {
		b := readOnce(t, d)
		for _, it := range b.Items {
			it.Run.Release(it.Run.Len())
		}
	}
	for range 1000 {
		read()
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const reads = 1000
	for range reads {
		read()
	}
	runtime.ReadMemStats(&after)
	if got := (after.TotalAlloc - before.TotalAlloc) / reads; got > 1000 {
		t.Errorf("%d bytes of garbage per read", got)
	}
}

// readOnce reads once from a link and has a role keep it.
func readOnce(t *testing.T, d *Dialled) *Batch {
	t.Helper()
	if err := d.reader.Fill(); err != nil {
		t.Fatal(err)
	}
	d.in.reset(true, d.turned())
	if taken, err := d.in.take(d.reader); err != nil || len(taken.faults) > 0 {
		t.Fatal(err, taken.faults)
	}
	b := d.in.finish()
	d.follow()
	d.memory.keep(b)
	d.reader.Detach()
	return b
}

// readKeeping reads about so many bytes of records from a link, checks each before
// it is released, and returns how many blocks of full size that took.
func readKeeping(t *testing.T, behind int, release bool, bytes int) (blocks int) {
	d := &Dialled{link: &link{node: &Node{}}, in: assembler{self: testSelf}}
	d.reader = zmtp.NewReader(numbered(1000), zmtp.Limits{})
	seen := make(map[*byte]bool)
	var kept []*Run
	for read := 0; read < bytes; {
		b := readOnce(t, d)
		if m := d.reader.Memory(); len(m) == zmtp.DefaultBlock {
			seen[unsafe.SliceData(m)] = true
		}
		for _, it := range b.Items {
			kept = append(kept, it.Run)
			read += int(it.Run.Bytes)
		}
		for len(kept) > behind {
			checkNumbered(t, kept[0])
			if release {
				kept[0].Release(kept[0].Len())
			}
			kept = kept[1:]
		}
	}
	return len(seen)
}

// numbered is a connection that brings records whose values begin with their
// offset, again and again.
func numbered(records int) *wireLoop {
	var wire []byte
	for seq := range uint64(records) {
		value := fmt.Sprintf("%d %s", seq, strings.Repeat("x", int(seq)))
		wire = zmtp.AppendMessage(wire, recordMsg("t", testOther, seq, value, "").Frames...)
	}
	return &wireLoop{data: wire}
}

func checkNumbered(t *testing.T, r *Run) {
	t.Helper()
	for i := range r.Len() {
		seq := r.First + uint64(i)
		want := fmt.Sprintf("%d ", seq)
		if got := string(r.Record(i).Content); !strings.HasPrefix(got, want) || len(got) != len(want)+int(seq) {
			t.Fatalf("offset %d is %.20q", seq, got)
		}
	}
}
