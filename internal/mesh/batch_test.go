package mesh

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

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

// assemble has the assembler take messages as they come from one read, and
// returns the batch and the messages that it refused.
func assemble(t testing.TB, a *assembler, kept bool, msgs ...zmtp.Msg) (*Batch, []error) {
	t.Helper()
	var wire []byte
	for _, m := range msgs {
		wire = zmtp.AppendMessage(wire, m.Frames...)
	}
	return assembleWire(t, a, kept, wire)
}

func assembleWire(t testing.TB, a *assembler, kept bool, wire []byte) (*Batch, []error) {
	t.Helper()
	r := zmtp.NewReader(bytes.NewReader(wire), zmtp.Limits{})
	if err := r.Fill(); err != nil {
		t.Fatal(err)
	}
	a.reset(kept, true)
	taken, err := a.take(r)
	if err != nil {
		t.Fatal(err)
	}
	return a.finish(), taken.faults
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
		for i := range it.Run.Len() {
			r := it.Run.Record(i)
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
			b, faults := assemble(t, &a, round == 1, tt.msgs...)
			if got := describe(b); got != tt.want || len(faults) > 0 {
				t.Errorf("%s, round %d: %v\n got %s\nwant %s", tt.name, round, faults, got, tt.want)
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
		b, faults := assemble(t, &a, false, good, tt.msg, recordMsg("t", testOther, 1, "b", ""))
		if len(faults) != 1 || !errors.Is(faults[0], tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, faults, tt.want)
		}
		if got, want := describe(b), "t/FE@0[a|][b|] "; got != want {
			t.Errorf("%s: batch is %s, want %s", tt.name, got, want)
		}
	}
}

// What is kept of a batch stays as it is while the reader goes on. A command
// between the frames of a record costs it a block of its own, and nothing else.
func TestAssemblerKeepsWhatIsKept(t *testing.T) {
	ping := zmtp.AppendCommand(nil, "PING", []byte("\x00\x01context"))
	for _, size := range []int{0, 10, 100, 1000, 100_000} {
		var wire []byte
		var want string
		const rounds = 100
		for seq := range uint64(4 * rounds) {
			value := strings.Repeat(string(rune('a'+seq%26)), size)
			m := zmtp.AppendMessage(nil, recordMsg("t", testOther, seq, value, fmt.Sprint(seq)).Frames...)
			if seq%4 == 1 {
				m = slices.Concat(m[:2+m[1]], ping, m[2+m[1]:])
			}
			wire = append(wire, m...)
			want += fmt.Sprintf("[%s|%d]", value, seq)
		}
		r := zmtp.NewReader(&wireLoop{data: wire}, zmtp.Limits{})
		a := assembler{self: testSelf}
		var runs []*Run
		var next uint64
		for next < 4*rounds {
			a.reset(true, false)
			taken, err := a.take(r)
			if err != nil || len(taken.faults) > 0 {
				t.Fatal(err, taken.faults)
			}
			for _, it := range a.finish().Items {
				if it.Run.First != next {
					t.Fatalf("%d bytes: a run from %d, want %d", size, it.Run.First, next)
				}
				runs, next = append(runs, it.Run), next+uint64(it.Run.Len())
			}
			r.Detach()
			if err := r.Fill(); err != nil {
				t.Fatal(err)
			}
		}
		var got strings.Builder
		for _, run := range runs {
			for i := range run.Len() {
				fmt.Fprintf(&got, "[%s|%s]", run.Record(i).Content, run.Record(i).Trailer)
			}
		}
		if got.String() != want {
			t.Errorf("%d bytes: what was kept has changed", size)
		}
	}
}

// wireLoop is a connection that brings the same bytes again and again.
type wireLoop struct {
	data []byte
	at   int
}

// Read reads no further than to the end of a round.
func (w *wireLoop) Read(p []byte) (int, error) {
	n := copy(p, w.data[w.at:])
	w.at = (w.at + n) % len(w.data)
	return n, nil
}

// topicsInTurn returns records of so many topics in turn, as wire messages.
func topicsInTurn(records, topics int) *wireLoop {
	var wire []byte
	value := string(make([]byte, 100))
	for i := range records {
		wire = zmtp.AppendMessage(wire, recordMsg(fmt.Sprintf("topic-%d", i%topics), testOther, uint64(i/topics), value, "").Frames...)
	}
	return &wireLoop{data: wire}
}

// Runs of one, a thousand topics in turn, allocate nothing.
func TestAssemblerAllocatesNothing(t *testing.T) {
	const topics = 1000
	r := zmtp.NewReader(topicsInTurn(topics, topics), zmtp.Limits{})
	a := assembler{self: testSelf}
	fill := func() {
		if err := r.Fill(); err != nil {
			t.Fatal(err)
		}
		a.reset(false, false)
		if taken, err := a.take(r); err != nil || len(taken.faults) > 0 {
			t.Fatal(err, taken.faults)
		}
		a.finish()
	}
	for range 10 { // until the block has grown
		fill()
	}
	if n := len(a.batch.Items); n != topics {
		t.Fatalf("%d runs of %d", n, topics)
	}
	if n := testing.AllocsPerRun(10, fill); n > 0 {
		t.Errorf("%v allocations for %d runs", n, topics)
	}
}

// BenchmarkAssembler is a record of 100 bytes from the block that was read to
// its batch, with the batch left to the role or not.
func BenchmarkAssembler(b *testing.B) {
	for _, topics := range []int{1, 1000} {
		for _, kept := range []bool{false, true} {
			b.Run(fmt.Sprintf("topics=%d/kept=%v", topics, kept), func(b *testing.B) {
				r := zmtp.NewReader(topicsInTurn(1000, topics), zmtp.Limits{})
				a := assembler{self: testSelf}
				b.ReportAllocs()
				for n := 0; b.Loop(); n-- {
					if n > 0 {
						continue
					}
					if err := r.Fill(); err != nil {
						b.Fatal(err)
					}
					a.reset(kept, true)
					if taken, err := a.take(r); err != nil || len(taken.faults) > 0 {
						b.Fatal(err, taken.faults)
					}
					a.finish()
					n = len(a.batch.places) - a.batch.begin
					if kept {
						r.Detach()
					}
				}
			})
		}
	}
}
