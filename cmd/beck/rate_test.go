package main

import (
	"testing"
	"time"
)

func TestRate(t *testing.T) {
	for text, want := range map[string]float64{"1": 1, "100/s": 100, "90/m": 1.5, "1800/h": 0.5, "0.5": 0.5, "1e6/s": 1e6} {
		var r rate
		if err := r.Set(text); err != nil || r.perSecond != want || r.String() != text {
			t.Errorf("%s: got %v, %v; want %v", text, r.perSecond, err, want)
		}
	}
	for _, text := range []string{"", "0", "-1", "many", "1/", "/s", "1/d", "1/s/s", "NaN", "Inf", "2e9"} {
		var r rate
		if err := r.Set(text); err == nil {
			t.Errorf("%q is taken for %v", text, r.perSecond)
		}
	}
}

// TestPacer: over any time the records keep to the rate, however they are asked for.
func TestPacer(t *testing.T) {
	for _, perSecond := range []float64{0.5, 3, 1000, 1_000_000} {
		start := time.Unix(1000, 0)
		p, now, sent := pacer{perSecond: perSecond}, start, 0
		for now.Sub(start) < 10*time.Second {
			n, wait := p.take(500, now)
			sent += n
			if n == 0 && wait <= 0 {
				t.Fatalf("%v/s: nothing is due, and no time to wait", perSecond)
			}
			now = now.Add(max(wait, 20*time.Microsecond))
		}
		if want := 10 * perSecond; float64(sent) < 0.99*want-1 || float64(sent) > 1.01*want+1 {
			t.Errorf("%v/s: %d records in 10s", perSecond, sent)
		}
	}
}

// TestPacerForgetsPauses: a pause of the input is not made up for at once.
func TestPacerForgetsPauses(t *testing.T) {
	p, now := pacer{perSecond: 1000}, time.Unix(1000, 0)
	p.take(1, now)
	if n, _ := p.take(1_000_000, now.Add(time.Hour)); n > 1+int(maxLag.Seconds()*1000) {
		t.Errorf("%d records at once after a pause", n)
	}
	var free pacer
	if n, _ := free.take(77, now); n != 77 {
		t.Errorf("without a rate %d of 77 may go", n)
	}
}
