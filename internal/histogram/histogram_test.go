package histogram

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestObserve(t *testing.T) {
	h := Doubling(1, 3)
	before := h.Clone()
	for _, v := range []float64{0.5, 1, 3, 100} {
		h.Observe(v)
	}
	want := Histogram{Bounds: []float64{1, 2, 4}, Counts: []uint64{2, 2, 3}, Count: 4, Sum: 104.5}
	if diff := cmp.Diff(want, h); diff != "" {
		t.Error(diff)
	}
	h.ObserveN(2, 3)
	if want := (Histogram{Bounds: []float64{1, 2, 4}, Counts: []uint64{2, 5, 6}, Count: 7, Sum: 110.5}); !cmp.Equal(want, h) {
		t.Error(cmp.Diff(want, h))
	}
	if before.Count != 0 || before.Counts[0] != 0 {
		t.Errorf("a clone changed: %+v", before)
	}
	if diff := cmp.Diff(map[float64]uint64{1: 2, 2: 5, 4: 6}, h.Buckets()); diff != "" {
		t.Error(diff)
	}
}
