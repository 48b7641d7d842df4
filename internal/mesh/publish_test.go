package mesh

import (
	"bytes"
	"fmt"
	"runtime"
	"sync"
	"testing"

	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/internal/zmtp"
	"github.com/beckmesh/beck/protocol"
)

// publisher returns a node that has a window and nothing else.
func publisher(window int64) *Node {
	n := &Node{cfg: Config{UUID: testSelf}, window: core.NewWindow(core.WindowConfig{Bytes: window}), topics: make(map[string]*Topic)}
	n.room = sync.NewCond(&n.mu)
	n.driver = &machine{poke: make(chan struct{}, 1)}
	return n
}

// A record that goes into a full window takes the place of one that leaves, and
// no memory.
func TestAppendAllocatesNothing(t *testing.T) {
	n := publisher(4 << 20)
	tp, value, trailer := n.Topic("t"), make([]byte, 100), make([]byte, 17)
	fill := func() {
		for range 100_000 { // more than the window has
			if _, ok := n.Append(tp, value, trailer); !ok {
				t.Fatal("no room")
			}
		}
	}
	fill()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	fill()
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 100_000 { // each chunk has a few words besides its bytes
		t.Errorf("%d bytes for 100,000 records", got)
	}
}

// BenchmarkAppend is a record of 100 bytes, appended to a window that is full.
func BenchmarkAppend(b *testing.B) {
	for _, bytes := range []int{0, 17} {
		b.Run(fmt.Sprintf("trailer=%d", bytes), func(b *testing.B) {
			n := publisher(64 << 20)
			tp, value, trailer := n.Topic("t"), make([]byte, 100), make([]byte, bytes)
			for range 1_000_000 {
				n.Append(tp, value, trailer)
			}
			b.ReportAllocs()
			for b.Loop() {
				n.Append(tp, value, trailer)
			}
		})
	}
}

// What is appended to a log reads back as RECORDs, and as the DIRECT-RECORDs of
// any range of it.
func TestWindowServesWhatWasAppended(t *testing.T) {
	n := publisher(1 << 20)
	tp := n.Topic("t")
	value := func(seq uint64) []byte {
		return bytes.Repeat([]byte{byte(seq)}, int(seq%300)) // short and long frames
	}
	trailer := func(seq uint64) []byte { // none, and the lengths around that of a long frame
		return bytes.Repeat([]byte{byte(seq)}, int(seq%3)*int(seq%113))
	}
	const count = 1000
	for seq := range uint64(count) {
		if got, ok := n.Append(tp, value(seq), trailer(seq)); !ok || got != seq {
			t.Fatalf("record %d got sequence %d, %v", seq, got, ok)
		}
	}
	for _, r := range []core.Range{{First: 0, End: 1}, {First: 0, End: count}, {First: 299, End: 700}, {First: 999, End: 1000}, {First: 990, End: 2000}} {
		step := Step{Job: core.Job{Kind: core.JobRecords, Partition: core.Partition{Topic: "t", Producer: testSelf}, Requester: testOther, Range: r, Mark: true}}
		var wire []byte
		for !step.Done && step.Range.First < step.Range.End {
			wire = n.ServeWindow(&step, wire, 1000)
		}
		rd := zmtp.NewReader(bytes.NewReader(wire), zmtp.Limits{})
		next, refused := r.First, false
		for rd.Fill() == nil {
			for m, ok, err := rd.Next(); ok || err != nil; m, ok, err = rd.Next() {
				if err != nil {
					t.Fatal(err)
				}
				if len(m.Frames) == 1 {
					refused = true
					continue
				}
				msg, err := protocol.Parse(m.Frames[0])
				if err != nil {
					t.Fatal(err)
				}
				if seq := msg.Sequence; seq != next || !bytes.Equal(m.Frames[1], value(seq)) || !bytes.Equal(msg.Trailer, trailer(seq)) {
					t.Fatalf("%v: got sequence %d, want %d, or another value or trailer", r, seq, next)
				}
				next++
			}
		}
		if want := min(r.End, count); next != want || refused != (r.End > count) {
			t.Errorf("%v: served up to %d, refused %v", r, next, refused)
		}
	}
}
