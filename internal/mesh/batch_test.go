package mesh

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/beckmesh/beck/internal/core"
	"github.com/beckmesh/beck/internal/zmtp"
	"github.com/beckmesh/beck/protocol"
)

const (
	testSelf  = "0123456789ABCDEF0123456789ABCDEF"
	testOther = "FEDCBA9876543210FEDCBA9876543210"
)

func recordMsg(topic, producer string, seq uint64, content, trailer string) zmtp.Msg {
	f := append(protocol.AppendRecord(nil, topic, producer, seq), trailer...)
	return zmtp.Msg{Frames: [][]byte{f, []byte(content)}}
}

func directMsg(to, topic, producer string, seq uint64, content string) zmtp.Msg {
	return zmtp.Msg{Frames: [][]byte{protocol.AppendDirectRecord(nil, to, producer, topic, seq), []byte(content)}}
}

// describe writes a batch as a reader would tell it.
func describe(b *Batch) (s string) {
	for _, it := range b.Items {
		if it.Run == nil {
			s += fmt.Sprintf("%v ", it.Message.Kind)
			continue
		}
		s += fmt.Sprintf("%s/%s@%d", it.Run.Partition.Topic, it.Run.Partition.Producer[:2], it.Run.First)
		if it.Run.Direct {
			s += "d"
		}
		for _, r := range it.Run.Records {
			s += fmt.Sprintf("[%s|%s]", r.Content, r.Trailer)
		}
		s += " "
	}
	return s
}

func TestAssemblerCutsRuns(t *testing.T) {
	head := zmtp.Msg{Frames: [][]byte{protocol.AppendHead(nil, "t", testOther, 2)}}
	for _, tt := range []struct {
		name string
		msgs []zmtp.Msg
		want string
	}{
		{"consecutive", []zmtp.Msg{recordMsg("t", testOther, 5, "a", ""), recordMsg("t", testOther, 6, "b", "x"), recordMsg("t", testOther, 7, "", "")},
			"t/FE@5[a|][b|x][|] "},
		{"a gap ends a run", []zmtp.Msg{recordMsg("t", testOther, 5, "a", ""), recordMsg("t", testOther, 7, "b", "")}, "t/FE@5[a|] t/FE@7[b|] "},
		{"a duplicate ends a run", []zmtp.Msg{recordMsg("t", testOther, 5, "a", ""), recordMsg("t", testOther, 5, "a", "")}, "t/FE@5[a|] t/FE@5[a|] "},
		{"topics in turn", []zmtp.Msg{recordMsg("t", testOther, 0, "a", ""), recordMsg("u", testOther, 0, "b", ""), recordMsg("t", testOther, 1, "c", "")},
			"t/FE@0[a|] u/FE@0[b|] t/FE@1[c|] "},
		{"a topic that begins as another", []zmtp.Msg{recordMsg("t", testOther, 0, "a", ""), recordMsg("tt", testOther, 1, "b", "")}, "t/FE@0[a|] tt/FE@1[b|] "},
		{"a head between", []zmtp.Msg{recordMsg("t", testOther, 1, "a", ""), head, recordMsg("t", testOther, 2, "b", "")}, "t/FE@1[a|] HEAD t/FE@2[b|] "},
		{"live and direct", []zmtp.Msg{recordMsg("t", testOther, 1, "a", ""), directMsg(testSelf, "t", testOther, 2, "b")}, "t/FE@1[a|] t/FE@2d[b|] "},
	} {
		a := assembler{self: testSelf}
		for round := range 3 { // a batch used again is like a new one
			a.reset(round == 1)
			for _, m := range tt.msgs {
				if err := a.add(m); err != nil {
					t.Fatalf("%s: %v", tt.name, err)
				}
			}
			if got := describe(a.finish()); got != tt.want {
				t.Errorf("%s, round %d:\n got %s\nwant %s", tt.name, round, got, tt.want)
			}
		}
	}
}

func TestAssemblerRefuses(t *testing.T) {
	good := recordMsg("t", testOther, 0, "a", "")
	for _, tt := range []struct {
		name string
		msg  zmtp.Msg
		want error
	}{
		{"record without content", zmtp.Msg{Frames: good.Frames[:1]}, errFrames},
		{"record with a third frame", zmtp.Msg{Frames: append(good.Frames[:2:2], nil)}, errFrames},
		{"head with content", zmtp.Msg{Frames: [][]byte{protocol.AppendHead(nil, "t", testOther, 1), nil}}, errFrames},
		{"for somebody else", directMsg(testOther, "t", testOther, 0, "a"), errNotOurs},
		{"cut inside the sequence", zmtp.Msg{Frames: [][]byte{good.Frames[0][:len(good.Frames[0])-1], nil}}, protocol.ErrTruncated},
		{"unknown kind", zmtp.Msg{Frames: [][]byte{[]byte("Zt\x00\x01")}}, protocol.ErrUnknownKind},
		{"empty frame", zmtp.Msg{Frames: [][]byte{nil}}, protocol.ErrTruncated},
	} {
		a := assembler{self: testSelf}
		a.reset(false)
		if err := a.add(good); err != nil {
			t.Fatal(err)
		}
		if err := a.add(tt.msg); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
		if err := a.add(recordMsg("t", testOther, 1, "b", "")); err != nil {
			t.Errorf("%s: the record after it: %v", tt.name, err)
		}
		if got, want := describe(a.finish()), "t/FE@0[a|][b|] "; got != want {
			t.Errorf("%s: batch is %s, want %s", tt.name, got, want)
		}
	}
}

// Runs of one, a thousand topics in turn, allocate nothing.
func TestAssemblerAllocatesNothing(t *testing.T) {
	msgs := make([]zmtp.Msg, 1000)
	for i := range msgs {
		msgs[i] = recordMsg(fmt.Sprintf("topic-%d", i), testOther, 7, "value", "")
	}
	a := assembler{self: testSelf}
	fill := func() {
		a.reset(false)
		for _, m := range msgs {
			if err := a.add(m); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(a.finish().Items); n != len(msgs) {
			t.Fatalf("%d runs of %d", n, len(msgs))
		}
	}
	fill()
	if n := testing.AllocsPerRun(10, fill); n > 0 {
		t.Errorf("%v allocations for %d runs", n, len(msgs))
	}
}

func BenchmarkAssembler(b *testing.B) {
	for name, topics := range map[string]int{"one topic": 1, "1000 topics": 1000} {
		b.Run(name, func(b *testing.B) {
			msgs := make([]zmtp.Msg, 1000)
			for i := range msgs {
				msgs[i] = recordMsg(fmt.Sprintf("topic-%d", i%topics), testOther, uint64(i/topics), "value", "")
			}
			a := assembler{self: testSelf}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if i%len(msgs) == 0 {
					a.reset(false)
				}
				if err := a.add(msgs[i%len(msgs)]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// What is appended to a log reads back as RECORDs, and as the DIRECT-RECORDs of
// any range of it.
func TestWindowServesWhatWasAppended(t *testing.T) {
	n := &Node{cfg: Config{UUID: testSelf}, window: core.NewWindow(core.WindowConfig{Bytes: 1 << 20}), topics: make(map[string]*Topic)}
	n.room = sync.NewCond(&n.mu)
	n.driver = &machine{poke: make(chan struct{}, 1)}
	tp := n.Topic("t")
	value := func(seq uint64) []byte {
		return bytes.Repeat([]byte{byte(seq)}, int(seq%300)) // short and long frames
	}
	const count = 1000
	for seq := range uint64(count) {
		if got, ok := n.Append(tp, value(seq)); !ok || got != seq {
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
				f := m.Frames[0]
				if seq := binary.BigEndian.Uint64(f[len(f)-8:]); seq != next || !bytes.Equal(m.Frames[1], value(seq)) {
					t.Fatalf("%v: got sequence %d, want %d, or another value", r, seq, next)
				}
				next++
			}
		}
		if want := min(r.End, count); next != want || refused != (r.End > count) {
			t.Errorf("%v: served up to %d, refused %v", r, next, refused)
		}
	}
}
