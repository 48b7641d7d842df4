package core

import (
	"testing"

	"pgregory.net/rapid"
)

// TestCompare narrows a difference between two stores down to the grains that
// differ, and finds all of them.
func TestCompare(t *testing.T) {
	const grain = 8
	rapid.Check(t, func(t *rapid.T) {
		grains := rapid.Uint64Range(1, 2000).Draw(t, "grains")
		first := rapid.Uint64Range(0, 1<<40).Draw(t, "first") * grain
		ours, theirs := make([]Sum, grains), make([]Sum, grains)
		want := map[Range]Finding{}
		for i := range ours {
			ours[i] = Sum{grain, uint64(i)*7919 + 1}
			theirs[i] = ours[i]
		}
		for range rapid.IntRange(0, 20).Draw(t, "differences") {
			i := rapid.Uint64Range(0, grains-1).Draw(t, "grain")
			r := Range{first + i*grain, first + (i+1)*grain}
			if theirs[i].Digest++; rapid.Bool().Draw(t, "lacks") {
				theirs[i].Records--
			}
			if want[r] = Differ; theirs[i].Records != grain {
				want[r] = Lacking
			}
		}
		total := func(sums []Sum, r Range) (s Sum) {
			for _, g := range sums[(r.First-first)/grain : (r.End-first)/grain] {
				s.Records, s.Digest = s.Records+g.Records, s.Digest+g.Digest
			}
			return s
		}
		parts := rapid.Uint64Range(2, 12).Draw(t, "parts")
		todo := []Range{{first, first + grains*grain}}
		for steps := 0; len(todo) > 0; steps++ {
			r := todo[0]
			todo = todo[1:]
			switch found := CompareSums(r, grain, total(ours, r), total(theirs, r)); found {
			case Narrow:
				all := r.Parts(parts, grain)
				if uint64(len(all)) > parts || all[0].First != r.First || all[len(all)-1].End != r.End {
					t.Fatalf("%v in %d parts: %v", r, parts, all)
				}
				todo = append(todo, all...)
			case Lacking, Differ:
				if want[r] != found {
					t.Fatalf("%v: found %v, want %v", r, found, want[r])
				}
				delete(want, r)
			}
			if steps > 21*12*12 {
				t.Fatal("too many steps")
			}
		}
		if len(want) > 0 {
			t.Fatalf("not found: %v", want)
		}
	})
}
