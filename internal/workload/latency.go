package workload

import (
	"math/bits"
	"time"
)

// fineBits is how finely a histogram divides each power of two: into 128
// parts, so that a quantile is at most 0.8 % too high.
const fineBits = 7

// Histogram counts durations in memory that does not grow. The zero value is
// empty.
type Histogram struct {
	counts [64 << fineBits]uint64
	total  uint64
	max    time.Duration
}

// Add counts one duration; a negative one counts as 0.
func (h *Histogram) Add(d time.Duration) {
	d = max(d, 0)
	h.counts[bucket(uint64(d))]++
	h.total++
	h.max = max(h.max, d)
}

// Total returns how many durations were counted.
func (h *Histogram) Total() uint64 { return h.total }

// Quantile returns the duration that the part q of all, 0 to 1, does not
// exceed; 0 if there is none.
func (h *Histogram) Quantile(q float64) time.Duration {
	rank := uint64(q*float64(h.total) + 0.5)
	var seen uint64
	for i, n := range h.counts {
		if seen += n; n > 0 && seen >= rank {
			return min(upper(i), h.max)
		}
	}
	return h.max
}

// Latency returns the quantiles that are reported.
func (h *Histogram) Latency() *Latency {
	return &Latency{
		P50: micros(h.Quantile(0.5)), P99: micros(h.Quantile(0.99)),
		P999: micros(h.Quantile(0.999)), Max: micros(h.max),
	}
}

// bucket returns the part that n falls into: exactly below 2^fineBits, then by
// its highest bit and the fineBits below it.
func bucket(n uint64) int {
	if n < 1<<fineBits {
		return int(n)
	}
	shift := bits.Len64(n) - 1 - fineBits
	return (shift+1)<<fineBits | int(n>>shift&(1<<fineBits-1))
}

// upper returns the largest duration of a part.
func upper(bucket int) time.Duration {
	if bucket < 1<<fineBits {
		return time.Duration(bucket)
	}
	shift := bucket>>fineBits - 1
	low := uint64(1<<fineBits|bucket&(1<<fineBits-1)) << shift
	return time.Duration(low + 1<<shift - 1)
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
