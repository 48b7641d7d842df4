package core

import (
	"testing"

	"pgregory.net/rapid"
)

// TestRanges compares ranges with a set of sequences.
func TestRanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var rs Ranges
		set := map[uint64]bool{}
		draw := func() Range {
			first := rapid.Uint64Range(0, 60).Draw(t, "first")
			return Range{first, first + rapid.Uint64Range(1, 20).Draw(t, "length")}
		}
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			r := draw()
			add := rapid.Bool().Draw(t, "add")
			if add {
				rs = rs.Union(r)
			} else {
				rs = rs.Without(r)
			}
			for seq := r.First; seq < r.End; seq++ {
				set[seq] = add
			}
			seen, last := uint64(0), uint64(0)
			for i, h := range rs {
				if h.First >= h.End || i > 0 && h.First < last {
					t.Fatalf("%v is not in order", rs)
				}
				last = h.End
				for seq := h.First; seq < h.End; seq++ {
					if seen++; !set[seq] {
						t.Fatalf("%d is in %v", seq, rs)
					}
				}
			}
			want := uint64(0)
			for _, in := range set {
				if in {
					want++
				}
			}
			if seen != want || rs.Len() != want {
				t.Fatalf("%d of %d are in %v", seen, want, rs)
			}
			within := draw()
			for _, h := range rs.Within(within) {
				if h.First < within.First || h.End > within.End {
					t.Fatalf("%v of %v within %v", h, rs, within)
				}
			}
		}
	})
}
