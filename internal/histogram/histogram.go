// Package histogram counts values in buckets.
package histogram

import "slices"

// Histogram says how many of the values that were observed are at or below each
// bound, as Prometheus' histograms do. It is plain data: whoever has it guards it.
type Histogram struct {
	Bounds []float64 // rising; none is +Inf
	Counts []uint64  // of the values at or below the bound of the same index
	Count  uint64    // of all values
	Sum    float64   // of all values
}

// New returns an empty histogram with the given bounds, which must rise.
func New(bounds ...float64) Histogram {
	return Histogram{Bounds: bounds, Counts: make([]uint64, len(bounds))}
}

// Doubling returns a histogram of n bounds, each twice the one before.
func Doubling(first float64, n int) Histogram {
	bounds := make([]float64, n)
	for i := range bounds {
		bounds[i] = first
		first *= 2
	}
	return New(bounds...)
}

// Observe counts a value.
func (h *Histogram) Observe(v float64) { h.ObserveN(v, 1) }

// ObserveN counts a value n times.
func (h *Histogram) ObserveN(v float64, n uint64) {
	h.Count += n
	h.Sum += v * float64(n)
	for i := len(h.Bounds) - 1; i >= 0 && v <= h.Bounds[i]; i-- {
		h.Counts[i] += n
	}
}

// Clone returns a copy that later observations do not change.
func (h Histogram) Clone() Histogram {
	h.Counts = slices.Clone(h.Counts)
	return h
}

// Buckets returns the counts by their bounds.
func (h Histogram) Buckets() map[float64]uint64 {
	m := make(map[float64]uint64, len(h.Bounds))
	for i, b := range h.Bounds {
		m[b] = h.Counts[i]
	}
	return m
}
