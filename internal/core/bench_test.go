package core

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkReceive is a run of one record in sequence, with its delivery taken
// and consumed: of one partition, and of a thousand in turn.
func BenchmarkReceive(b *testing.B) {
	for _, parts := range []int{1, 1000} {
		b.Run(fmt.Sprint("partitions=", parts), func(b *testing.B) {
			step := receiver(parts)
			b.ReportAllocs()
			for i := range b.N {
				step(i)
			}
		})
	}
}

// receiver returns a function that brings the i-th of the runs in turn.
func receiver(parts int) func(i int) {
	cfg := DefaultIntakeConfig()
	cfg.Earliest = true
	in := NewIntake(cfg)
	runs := make([]Run, parts)
	for i := range runs {
		runs[i] = Run{Partition: Partition{fmt.Sprint("topic", i), "P"}, Count: 1, Bytes: 148}
		in.Want(runs[i].Partition.Topic, peersEpoch)
	}
	in.SourceUp(Source{ID: "P"}, peersEpoch)
	in.SourceUp(Source{ID: "S", All: true}, peersEpoch)
	return func(i int) {
		r := &runs[i%parts]
		in.Receive("P", false, *r, peersEpoch)
		r.First++
		for _, d := range in.Take().Deliver {
			in.Consumed(d.Run.Bytes, peersEpoch)
		}
		in.Release()
		in.Soonest()
	}
}

func TestReceiveDoesNotAllocate(t *testing.T) {
	step := receiver(10)
	i := 0
	if n := testing.AllocsPerRun(1000, func() { step(i); i++ }); n > 0 {
		t.Fatalf("%v allocations a run", n)
	}
}

// BenchmarkTick is a tick at which one partition of many is due, and no ask.
func BenchmarkTick(b *testing.B) {
	cfg := DefaultIntakeConfig()
	cfg.Earliest = true
	in := NewIntake(cfg)
	for i := range 1000 {
		in.Want(fmt.Sprint("topic", i), peersEpoch)
	}
	for i := range 100 {
		in.SourceUp(Source{ID: fmt.Sprint("S", i), All: true}, peersEpoch)
	}
	for i := range 1000 {
		in.State("S1", false, Statement{Partition: Partition{fmt.Sprint("topic", i), "P"}, Head: 9}, peersEpoch)
	}
	in.Release()
	b.ReportAllocs()
	for i := range b.N {
		in.Tick(peersEpoch.Add(time.Duration(i)))
		in.NextWake()
	}
}

// BenchmarkPublish is a record appended and sent on an idle link, with many
// topics beside its own.
func BenchmarkPublish(b *testing.B) {
	w := NewWindow(WindowConfig{Bytes: 1 << 30, HeadDelay: time.Second, HeadInterval: time.Second, HeadMax: time.Second})
	o := NewOutlet(DefaultOutletConfig())
	o.Subs.Add("M")
	o.Subs.Add("H")
	for i := range 10_000 {
		l, _ := w.Log(fmt.Sprint("topic", i))
		o.Follow(l)
	}
	logs, data := w.Logs(), make([]byte, maxChunkBytes)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		l := logs[i%len(logs)]
		c := w.Reserve(l, 100)
		c.Data = &data
		if _, first := l.Commit(c, 100); first {
			w.Wrote(l, peersEpoch)
		}
		w.NextWake()
		if o.Wake(l); o.Next().Kind != ItemSlice {
			b.Fatal("nothing was sent")
		}
	}
}

// BenchmarkFetch is a FETCH that extends an answer, with the most under way.
func BenchmarkFetch(b *testing.B) {
	o := NewOutlet(DefaultOutletConfig())
	for i := range DefaultOutletConfig().Jobs {
		o.Fetch(Partition{fmt.Sprint("topic", i), "P"}, "C", 0, 100, true)
	}
	b.ReportAllocs()
	for range b.N {
		o.Fetch(Partition{"topic4000", "P"}, "C", 50, 100, true)
	}
}

// BenchmarkMatchTopic asks for a topic that nobody subscribed to beside the most
// prefixes that a peer may hold, all of them longer than topics are.
func BenchmarkMatchTopic(b *testing.B) {
	var s Subscriptions
	for i := range maxSubscriptions {
		s.Add(fmt.Sprint("Mtopic\x00and more that is long", i))
	}
	b.ReportAllocs()
	for range b.N {
		if s.MatchTopic('H', "topic") {
			b.Fatal("matched")
		}
	}
}
