package core

import (
	"fmt"
	"testing"
)

// TestUnacked counts whole chunks, of which one may be acknowledged in part.
func TestUnacked(t *testing.T) {
	w := NewWindow(WindowConfig{Bytes: 1 << 20, StoreAcks: 1})
	l, _ := w.Log("t")
	for range 100 {
		l.Commit(w.Reserve(l, 1000), 1000)
	}
	for _, tt := range []struct{ acked, records, most uint64 }{{0, 100, 100_000}, {50, 50, 100_000}, {99, 1, 65_536}, {100, 0, 0}} {
		if tt.acked > 0 {
			l.Ack("s", tt.acked-1)
		}
		records, bytes := l.Unacked()
		if records != tt.records || bytes > tt.most || bytes < tt.records*1000 {
			t.Errorf("with %d acknowledged: %d records of %d bytes are not", tt.acked, records, bytes)
		}
	}
}

func TestLogFind(t *testing.T) {
	w := NewWindow(WindowConfig{Bytes: 8000})
	l, _ := w.Log("a")
	if l.Find(0) != nil {
		t.Fatal("found a record in an empty log")
	}
	for range 100 {
		appendTo(w, l, 300, peersEpoch)
	}
	for seq := range l.Next() + 2 {
		c := l.Find(seq)
		if seq < l.Lowest() || seq >= l.Next() {
			if c != nil {
				t.Fatalf("found %d, outside of [%d,%d)", seq, l.Lowest(), l.Next())
			}
			continue
		}
		if c == nil || seq < c.First || seq >= c.End() {
			t.Fatalf("%d is not in %+v", seq, c)
		}
	}
	if w.Lookup("b") != nil || w.Lookup("a") != l || l.Lowest() == 0 {
		t.Fatal("the logs are mixed up, or none was dropped")
	}
}

// A few stores that never were do not keep the known ones from being counted,
// and the table of stores is bounded.
func TestAckersBounded(t *testing.T) {
	w := NewWindow(WindowConfig{Bytes: 1 << 20, StoreAcks: 2})
	l, _ := w.Log("a")
	for range 10 {
		appendTo(w, l, 100, peersEpoch)
	}
	l.Ack("first", 4)
	for i := range 2 * maxAckers {
		l.Ack(fmt.Sprint(i), 0)
	}
	if n := len(l.acks.byStore); n != maxAckers {
		t.Fatalf("%d stores are remembered", n)
	}
	l.Ack("first", 9)
	l.Ack("5", 8)
	if l.Acked() != 9 || w.Unacked() != 1 {
		t.Fatalf("acked %d, unacked %d", l.Acked(), w.Unacked())
	}
}

func TestBehind(t *testing.T) {
	w := NewWindow(WindowConfig{Bytes: 1 << 20})
	o := NewOutlet(DefaultOutletConfig())
	o.Subs.Add("M")
	l, _ := w.Log("a")
	o.Follow(l)
	for want := range uint64(5) {
		if o.Behind() != want {
			t.Fatalf("behind by %d, not %d", o.Behind(), want)
		}
		appendTo(w, l, 100, peersEpoch)
		o.Wake(l)
	}
	if item := o.Next(); item.Slice.Len() != 500 || o.Behind() != 0 {
		t.Fatalf("sent %+v, behind by %d", item, o.Behind())
	}
}

func TestSubscriptionsBounded(t *testing.T) {
	var s Subscriptions
	for i := range maxSubscriptions {
		if fresh, ok := s.Add(fmt.Sprint("M", i)); !fresh || !ok {
			t.Fatalf("subscription %d was refused", i)
		}
	}
	if _, ok := s.Add("Mone more"); ok || s.Len() != maxSubscriptions {
		t.Fatal("more than the bound")
	}
	if fresh, ok := s.Add("M7"); fresh || !ok {
		t.Fatal("one that is held was refused")
	}
	s.Remove("M8")
	if _, ok := s.Add("Mone more"); !ok {
		t.Fatal("one that was cancelled left no room")
	}
	long := Subscriptions{}
	for i := range 5 {
		if _, ok := long.Add(fmt.Sprint(i) + string(make([]byte, 1<<20-1))); ok != (i < 4) {
			t.Fatalf("MiB %d: %v", i, ok)
		}
	}
}

func TestKeeper(t *testing.T) {
	k := NewKeeper()
	p := Partition{"t", "P"}
	if _, ok := k.Acknowledge(p); ok {
		t.Fatal("acknowledged what was never committed")
	}
	k.Committed(p, 10)
	k.Committed(p, 4)
	ack, ok := k.Acknowledge(p)
	if !ok || ack != (Acknowledgement{p, 9}) || k.Durable(p) != 10 {
		t.Fatalf("%+v, durable up to %d", ack, k.Durable(p))
	}
	if _, ok := k.Acknowledge(Partition{"t", "Q"}); ok || k.Durable(Partition{"t", "Q"}) != 0 {
		t.Fatal("acknowledged another partition")
	}
}

// The turns that passed take no memory, however long a link never rests.
func TestTurnsBounded(t *testing.T) {
	o := NewOutlet(DefaultOutletConfig())
	for i := range uint64(5) {
		o.Fetch(Partition{"t", "P"}, "C", 100*i, 1, true)
	}
	for range 100_000 {
		o.Served(o.Next().Job, false)
	}
	if n := cap(o.turns); n > 100 || o.running != 5 {
		t.Fatalf("%d turns for %d jobs", n, o.running)
	}
}

// What one partition may hold is bounded in runs, too: each may move all others.
func TestHeldBounded(t *testing.T) {
	cfg := DefaultIntakeConfig()
	cfg.Earliest = true
	in := NewIntake(cfg)
	in.Want("t", peersEpoch)
	for i := range uint64(maxHeld + 10) {
		in.Receive("P", false, Run{Partition: Partition{"t", "P"}, First: 1<<20 - 2*i, Count: 1, Bytes: 50}, peersEpoch)
	}
	if in.Stats.HeldRuns != maxHeld || in.Stats.NoRoom != 10 || in.Held() != 50*maxHeld {
		t.Fatalf("%+v, %d bytes", in.Stats, in.Held())
	}
}
