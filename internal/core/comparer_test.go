package core

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/beckmesh/beck/protocol"
)

const testGrain = 8

// summed are the sums of a store's grains, from sequence first on.
type summed struct {
	first uint64
	sums  []Sum
}

func (s *summed) end() uint64 { return s.first + uint64(len(s.sums))*testGrain }

func (s *summed) total(r Range) (t Sum) {
	for _, g := range s.sums[(r.First-s.first)/testGrain : (r.End-s.first)/testGrain] {
		t.Records, t.Digest = t.Records+g.Records, t.Digest+g.Digest
	}
	return t
}

// says is what the store states in its heads.
func (s *summed) says() Summed {
	r := Range{s.first, s.end()}
	return Summed{Range: r, Digest: s.total(r).Digest}
}

// parts are its sums of a range, which none are if it does not know them.
func (s *summed) parts(r Range, n uint64) protocol.Sums {
	out := protocol.Sums{First: r.First, End: r.End}
	if r.First < s.first || r.End > s.end() {
		return out
	}
	parts := r.Parts(n, testGrain)
	out.Step = parts[0].Len()
	for _, p := range parts {
		out.Parts = append(out.Parts, protocol.Sum(s.total(p)))
	}
	return out
}

// alike returns a store of so many grains, which holds what another one made so
// holds from there on.
func alike(first uint64, grains int) *summed {
	s := &summed{first: first, sums: make([]Sum, grains)}
	for i := range s.sums {
		s.sums[i] = Sum{testGrain, (first/testGrain+uint64(i))*7919 + 1}
	}
	return s
}

var (
	comparerStart = time.Unix(1_700_000_000, 0)
	comparedCopy  = Copy{Partition: Partition{"t", "P"}, Store: "S"}
)

// TestComparerFindsAll has two stores with tails and heads of their own differ in
// some grains, in records or in contents, and ask until nothing is left to ask.
func TestComparerFindsAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		any := func(name string, most uint64) uint64 { return rapid.Uint64Range(0, most).Draw(t, name) }
		ours := alike(any("our first", 50)*testGrain, int(any("our grains", 500)))
		theirs := alike(any("their first", 50)*testGrain, int(any("their grains", 500)))
		want := map[Range]bool{}
		for range any("differences", 20) {
			if len(theirs.sums) == 0 {
				break
			}
			i := any("grain", uint64(len(theirs.sums))-1)
			r := Range{theirs.first + i*testGrain, theirs.first + (i+1)*testGrain}
			if theirs.sums[i].Digest++; rapid.Bool().Draw(t, "lacks") {
				theirs.sums[i].Records--
			}
			if r.First >= ours.first && r.End <= ours.end() && theirs.sums[i].Records == testGrain {
				want[r] = true
			} else {
				delete(want, r)
			}
		}
		says := theirs.says()
		says.First -= min(says.First, any("within a grain", testGrain-1)) // it has some of the grain before
		parts := 2 + any("parts", 10)
		found := converse(t, NewComparer(testGrain), ours, theirs, says, parts)
		if fmt.Sprint(found) != fmt.Sprint(want) {
			t.Fatalf("found %v, want %v", found, want)
		}
	})
}

// converse states what another store says, and answers all questions.
func converse(t *rapid.T, c *Comparer, ours, theirs *summed, says Summed, parts uint64) map[Range]bool {
	found := map[Range]bool{}
	var todo []Range
	if r, ok := c.State(comparedCopy, ours.says(), says, comparerStart); ok {
		todo = append(todo, r)
	}
	for steps := 0; len(todo) > 0; steps++ {
		if !c.Awaits(comparedCopy) || steps > 10_000 {
			t.Fatalf("after %d steps %d are to do", steps, len(todo))
		}
		ask, differ := c.Answer(comparedCopy, ours.parts(todo[0], parts), theirs.parts(todo[0], parts))
		todo = append(todo[1:], ask...)
		for _, r := range differ {
			found[r] = true
		}
	}
	if c.Awaits(comparedCopy) {
		t.Fatal("it waits for more")
	}
	return found
}

// asks fails unless the comparer asks exactly for want; an empty range is nothing.
func asks(t *testing.T, c *Comparer, ours, theirs *summed, after time.Duration, want Range) {
	t.Helper()
	r, ok := c.State(comparedCopy, ours.says(), theirs.says(), comparerStart.Add(after))
	if r != want || ok != (want.Len() > 0) {
		t.Errorf("after %v it asks for %v, want %v", after, r, want)
	}
}

// TestComparerAsksOnce: what was compared is not compared again, unless records
// came late, or the other store has forgotten.
func TestComparerAsksOnce(t *testing.T) {
	c := NewComparer(testGrain)
	ours, theirs := alike(0, 4), alike(0, 3)
	none, all := Range{}, Range{0, theirs.end()}
	asks(t, c, ours, theirs, 0, all)
	asks(t, c, ours, theirs, compareAfter-1, none) // the answer is awaited
	asks(t, c, ours, theirs, compareAfter, all)    // it was lost
	answer := func(theirs *summed, r Range) {
		t.Helper()
		if ask, differ := c.Answer(comparedCopy, ours.parts(r, 2), theirs.parts(r, 2)); len(ask)+len(differ) > 0 {
			t.Errorf("of %v it asks for %v and finds %v", r, ask, differ)
		}
	}
	answer(theirs, all)
	asks(t, c, ours, theirs, time.Hour, none)
	theirs = alike(0, 4)
	asks(t, c, ours, theirs, time.Hour, none) // the same, at a glance
	ours = alike(0, 6)
	theirs = alike(0, 5)
	added := Range{4 * testGrain, 5 * testGrain}
	asks(t, c, ours, theirs, time.Hour, added)
	answer(alike(0, 1), added) // it has no sums of them any more
	all = Range{0, theirs.end()}
	asks(t, c, ours, theirs, time.Hour, all)
	c.Drop(comparedCopy)
	if c.Awaits(comparedCopy) {
		t.Error("it waits for what was dropped")
	}
	asks(t, c, ours, theirs, time.Hour, all)
	answer(theirs, all)
	c.Again(comparedCopy.Partition)
	asks(t, c, ours, theirs, time.Hour, all)
	c.Again(comparedCopy.Partition)
	answer(theirs, all) // late: nobody asks any more
	if c.n != 0 {
		t.Errorf("%d copies are counted", c.n)
	}
}

// TestComparerIsBounded remembers no more copies than it may.
func TestComparerIsBounded(t *testing.T) {
	c := NewComparer(testGrain)
	one, two := alike(0, 2).says(), alike(0, 1).says()
	for i := range maxCopies + 2 {
		of := Copy{Partition: Partition{fmt.Sprint("t", i/3), "P"}, Store: fmt.Sprint("S", i%3)}
		if _, ok := c.State(of, one, two, comparerStart); !ok {
			t.Fatal("nothing is asked")
		}
	}
	total := 0
	for _, others := range c.copies {
		total += len(others)
	}
	if total != 2 || c.n != total {
		t.Errorf("%d copies, counted %d", total, c.n)
	}
}
