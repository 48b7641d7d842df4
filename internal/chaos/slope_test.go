//go:build unix

package chaos

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// series is what was measured of one thing, over seconds.
type series struct{ at, value []float64 }

func (s *series) add(at, value float64) {
	s.at, s.value = append(s.at, at), append(s.value, value)
}

// span is the time from the first sample to the last, in seconds.
func (s *series) span() float64 {
	if len(s.at) == 0 {
		return 0
	}
	return s.at[len(s.at)-1] - s.at[0]
}

// after leaves out what was measured in the first seconds of it.
func (s *series) after(seconds float64) *series {
	if len(s.at) == 0 {
		return s
	}
	i, _ := slices.BinarySearch(s.at, s.at[0]+seconds)
	return &series{s.at[i:], s.value[i:]}
}

// slopePairs bounds the work of slope: of longer series it takes every n-th
// sample.
const slopePairs = 200

// slope is the median of the slopes between any two samples, a second
// (Theil–Sen): up to 29 % of the samples may be anything at all. It is 0 where
// there are fewer than two.
func (s *series) slope() float64 {
	step := len(s.at)/slopePairs + 1
	var slopes []float64
	for i := 0; i < len(s.at); i += step {
		for j := i + step; j < len(s.at); j += step {
			if d := s.at[j] - s.at[i]; d > 0 {
				slopes = append(slopes, (s.value[j]-s.value[i])/d)
			}
		}
	}
	return median(slopes)
}

// growth is how much the series rises by its slope, from its first sample to
// its last.
func (s *series) growth() float64 { return s.slope() * s.span() }

func (s *series) median() float64 { return median(s.value) }

// median of nothing is 0.
func median(of []float64) float64 {
	if len(of) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(of))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

// limits are what a series may grow by: the larger of a size and a part of what
// it usually is.
type limits struct{ size, part float64 }

func (l limits) most(s *series) float64 { return max(l.size, l.part*s.median()) }

func (l limits) exceeded(s *series) bool { return s.growth() > l.most(s) }

func TestSlopeOfSyntheticSeries(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	noise := func(of float64) float64 { return (rng.Float64() - 0.5) * 2 * of }
	bound := limits{size: 16, part: 0.2}
	for _, test := range []struct {
		name  string
		value func(second float64) float64
		leaks bool
	}{
		{"level", func(float64) float64 { return 100 }, false},
		{"noise", func(float64) float64 { return 100 + noise(40) }, false},
		{"sawtooth of a garbage collector", func(s float64) float64 { return 50 + 50*math.Mod(s, 23)/23 }, false},
		{"falls", func(s float64) float64 { return 300 - s/4 }, false},
		{"one spike at the end", func(s float64) float64 { return 100 + 900*math.Floor(s/590) }, false},
		{"rises while it warms up", func(s float64) float64 { return 100 + 100*min(s/150, 1) }, false},
		{"rises within the bound", func(s float64) float64 { return 100 + 10*s/600 + noise(5) }, false},
		{"leak", func(s float64) float64 { return 100 + s/6 }, true},
		{"leak in noise", func(s float64) float64 { return 100 + s/8 + noise(40) }, true},
		{"leak under a sawtooth", func(s float64) float64 { return 50 + 50*math.Mod(s, 23)/23 + s/8 }, true},
		{"leak in steps", func(s float64) float64 { return 100 + 20*math.Floor(s/100) }, true},
		{"small things, one a minute and a few", func(s float64) float64 { return 20 + math.Floor(s/15) }, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			var s series
			for second := range 600 {
				s.add(float64(second), test.value(float64(second)))
			}
			measured := s.after(200)
			if got := bound.exceeded(measured); got != test.leaks {
				t.Errorf("leaks: %v; grows by %.1f, may by %.1f", got, measured.growth(), bound.most(measured))
			}
		})
	}
	if g := (&series{}).growth(); g != 0 {
		t.Errorf("nothing grows by %f", g)
	}
}
